//! The models. Each test is one; `mutants` (in `src/bin`) says which seeded bugs it kills.

#![cfg(loom)]

mod crew;
mod detector;
mod driver;
mod idle;
mod join;
mod list;
mod newcomers;
mod oneshot;
mod park;
mod support;
mod task;
mod waiters;
mod watch;
mod worker;
