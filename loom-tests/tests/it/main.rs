//! The models. Each test is one; `mutants` (in `src/bin`) says which seeded bugs it kills.

#![cfg(loom)]

mod bias;
mod crew;
mod detector;
mod drive;
mod driver;
mod house;
mod idle;
mod join;
mod list;
mod newcomers;
mod oneshot;
mod park;
mod ship;
mod sleep;
mod support;
mod task;
mod waiters;
mod watch;
mod worker;
