//! Scenarios of one task on a bare queue: what is polled, dropped and scheduled, and how often.
//!
//! The same protocols under every interleaving are in `loom-tests`.

mod abort;
mod bench;
mod cancel;
mod clock;
mod join;
mod list;
mod matrix;
mod owner;
mod panic;
mod park;
mod threads;
mod wake;
