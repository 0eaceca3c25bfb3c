//! An async runtime with asyncio's model: concurrent on one thread or parallel on every core, with one API.
//!
//! ```
//! use pelmeni::{gather, sleep};
//! use std::time::Duration;
//!
//! async fn pot(name: &str, millis: u64) -> String {
//!     sleep(Duration::from_millis(millis)).await;
//!     format!("{name} boils")
//! }
//!
//! let done = pelmeni::run(async { gather((pot("soup", 20), pot("tea", 10))).await });
//! assert_eq!(done, ("soup boils".to_string(), "tea boils".to_string()));
//! ```
//!
//! One cook puts two pots on the stove and tends whichever boils: that is concurrency. Two cooks are parallelism. pelmeni is
//! the kitchen; `PELMENI_THREADS`, or [`Builder::threads`], says how many cooks.
//!
//! # From asyncio
//!
//! | asyncio | pelmeni |
//! |---|---|
//! | `asyncio.run(main())` | [`run`], [`macro@main`] |
//! | `Runner` | [`Builder`], [`Runtime`] |
//! | `get_running_loop()` | [`Handle::current`] |
//! | `create_task(coro)` | [`spawn`], [`spawn_many`], [`spawn_local`], [`task::Builder`] |
//! | `await task` | [`JoinHandle`] |
//! | `task.cancel()`, `except CancelledError`, `finally` | [`JoinHandle::cancel`], [`catch_cancel`], [`with_cleanup`] |
//! | `gather(...)` | [`gather`], [`gather_iter`], [`try_gather`] |
//! | `timeout(d)`, `wait_for(aw, d)` | [`timeout`] |
//! | `sleep(0)`, `sleep(d)` | [`yield_now`], [`sleep`] |
//! | `loop.call_soon`, `call_later`, `call_at` | [`Handle::call_soon`], [`Handle::call_later`], [`Handle::call_at`] |
//! | `to_thread(f)` | [`spawn_blocking`] |
//! | `Lock`, `Event`, `Semaphore` | [`sync`] |
//! | `open_connection`, `start_server` | [`net::TcpStream`], [`net::TcpListener`] |

mod gather;
mod io;
pub mod net;
pub mod task;
pub mod time;

pub use pelmeni_core::cancel::{Cancelled, catch_cancel, with_cleanup};
pub use pelmeni_core::coop::yield_now;
pub use pelmeni_core::{AbortHandle, JoinError, JoinHandle, TaskInfo};
pub use pelmeni_macros::{main, test};
pub use pelmeni_scheduler::{
    Builder, Handle, Runtime, ShutdownReport, SlowPoll, Stats, TimerHandle, WorkerStats, run,
    spawn, spawn_blocking, spawn_local, spawn_many, try_run,
};
pub use pelmeni_sync as sync;

pub use gather::{Gather, Gatherable, TryGather, TryGatherable, gather, gather_iter, try_gather};
pub use time::{interval, sleep, sleep_until, timeout, timeout_at};

/// The program in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
