//! The scheduler without its facade: the idle protocol under real threads, and what only this crate's own API shows.
#![cfg(not(loom))]
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the runtime, and start threads and read clocks of their own"
)]

mod idle;
mod runtime;
mod watchdog;
