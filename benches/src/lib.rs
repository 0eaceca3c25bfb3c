//! pelmeni measured: its one-threaded mode against its many-threaded one, and both against tokio and smol.
//!
//! | program | what it tells |
//! |---|---|
//! | `make compare` (`src/bin/compare`) | every workload on every runtime, side by side, in one table |
//! | `make bench` (`benches/modes.rs`) | pelmeni alone, with criterion: did this change make it slower? |
//!
//! The way of one measurement: [`runtimes`] implements the trait of [`rival`] for each runtime; [`workloads`] has the
//! table of the workloads, which are generic over that trait and live in `tasks`, `timers`, `memory` and `echo`;
//! [`client`] is the other end of echo; [`clock`] holds the stopwatch, `cores` confines a measurement to one core.
//!
//! Run it on a machine that does nothing else. Ratios between columns of one run mean something; absolute numbers of
//! two machines, or of two days, do not.

pub mod client;
pub mod clock;
mod cores;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(not(target_os = "linux"))]
#[path = "crowd_threads.rs"]
mod crowd;
mod echo;
mod memory;
pub mod rival;
pub mod runtimes;
mod tasks;
mod timers;
pub mod workloads;
