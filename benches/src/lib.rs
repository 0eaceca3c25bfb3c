//! pelmeni measured: its one-threaded mode against its many-threaded one, and both against tokio and smol.
//!
//! | program | what it tells |
//! |---|---|
//! | `make compare` (`src/bin/compare`) | every workload on every runtime, side by side: a table, `RESULTS.md`, charts |
//! | `make growth` (the same program) | pelmeni and tokio with more and more workers, tasks, timers, connections |
//! | `src/bin/allocations.rs` | the rows that count allocations, for `compare` to call |
//! | `make bench` (`benches/modes.rs`) | pelmeni alone, with criterion: did this change make it slower? |
//!
//! The way of one measurement: [`runtimes`] implements the trait of [`rival`] for each runtime; the workloads are
//! generic over that trait, in a file for each subject, which lists its rows ([`row`]); [`workloads`] puts them together
//! and [`growth`] has those with a size; [`contender`] runs one of them. [`client`] is the other end of echo; [`clock`]
//! holds the stopwatch, `cores` confines a measurement to one core.
//!
//! Run it on a machine that does nothing else. Ratios between columns of one run mean something; absolute numbers of
//! two machines, or of two days, do not.

mod blocking;
mod channels;
pub mod client;
pub mod clock;
pub mod contender;
mod cores;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(not(target_os = "linux"))]
#[path = "crowd_threads.rs"]
mod crowd;
pub mod descriptors;
mod echo;
pub mod growth;
pub mod http;
mod memory;
mod outside;
pub mod rival;
pub mod row;
pub mod runtimes;
mod stalls;
mod tasks;
mod timers;
pub mod workloads;
