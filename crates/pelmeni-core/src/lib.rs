//! A task as a thing in memory: the core of the pelmeni runtime. It knows no thread pool, no descriptor and no clock.
//!
//! The life of a task, in four steps:
//!
//! ```
//! use pelmeni_core::{Cause, JoinError, Runnable, Schedule, TaskInfo, task};
//! use std::panic::Location;
//! use std::sync::mpsc::{Sender, channel};
//!
//! // 1. A scheduler says where a task goes when it becomes ready. Here: into a channel.
//! #[derive(Debug)]
//! struct Queue(Sender<Runnable>);
//! // SAFETY: `schedule` uses a clone, and nothing of its own after it has passed the task on.
//! unsafe impl Schedule for Queue {
//!     fn schedule(&self, task: Runnable, _: Cause) { let queue = self.0.clone(); drop(queue.send(task)); }
//!     fn release(&self) {}
//!     fn describe(&self) -> TaskInfo { TaskInfo::new(None, Location::caller()) }
//!     fn unobserved(&self, panic: &JoinError) { eprintln!("{panic}"); }
//! }
//!
//! // 2. A future becomes a task: the right to poll it once, and a handle on its result.
//! let (sender, queue) = channel();
//! let (runnable, handle) = task(async { 6 * 7 }, None, |_| Queue(sender.clone()));
//!
//! // 3. Whoever has the right to poll uses it. A task that is woken later comes through the scheduler.
//! runnable.run();
//! for woken in queue.try_iter() { woken.run(); }
//!
//! // 4. The handle is a future of the result.
//! assert!(handle.is_finished());
//! ```
//!
//! | module | what |
//! |---|---|
//! | `state`, `snapshot` | the state word: diagram and steps; its fields |
//! | `bias` | what the one thread of a task counts by itself |
//! | `cell` | the allocation, and the law of who may touch what |
//! | `header` | its untyped front, and what a scheduler is |
//! | `waker`, `joiner` | its address and the waker made of it; a waker in one word |
//! | `runnable`, `join` | the right to poll; the result and the kill switch |
//! | `list`, `link` | places that hold tasks without allocating; a task's link in them |
//! | [`cancel`](mod@cancel), [`coop`], `context` | what travels with a poll: requests to cancel, budget |
//! | [`park`], [`contain`](mod@contain) | a thread's sleep token; code that must not unwind into ours |
//! | `magazine`, `slab` | memory for tasks: a thread's own stock, and where that comes from |
//! | [`primitive`], `count` | atomics, cells, locks: std's or loom's; what atomics cost |
//! | `spin`, `word_lock` | a lock of one byte; a lock that is one bit of a word |

pub mod contain;
mod context;
mod error;
mod info;

// The modules that contain `unsafe`: the list that ARCHITECTURE.md gives.
#[expect(unsafe_code, reason = "a word without atomics")]
mod bias;
#[expect(unsafe_code, reason = "allocates the task and knows the type of its future")]
mod cell;
#[expect(unsafe_code, reason = "what a scheduler promises")]
mod header;
#[expect(unsafe_code, reason = "owns the output and the joiner slot")]
mod join;
#[expect(unsafe_code, reason = "keeps a waker in one word")]
mod joiner;
#[expect(unsafe_code, reason = "makes an address of what it keeps")]
mod link;
#[expect(unsafe_code, reason = "threads tasks on their own links")]
pub mod list;
#[expect(unsafe_code, reason = "has the right to poll")]
mod runnable;
#[expect(unsafe_code, reason = "a task's address, and the waker's table of functions")]
mod waker;

pub mod cancel;
pub mod coop;
#[cfg(all(pelmeni_count, not(all(loom, feature = "loom"))))]
#[doc(hidden)]
pub mod count;
#[cfg(not(all(loom, feature = "loom")))]
#[expect(unsafe_code, reason = "hands out memory")]
mod magazine;
pub mod park;
#[doc(hidden)]
pub mod primitive;
#[cfg(not(all(loom, feature = "loom")))]
#[expect(unsafe_code, reason = "cuts memory into blocks")]
mod slab;
mod snapshot;
#[cfg(not(all(loom, feature = "loom")))]
#[expect(unsafe_code, reason = "a lock")]
mod spin;
mod state;
#[expect(unsafe_code, reason = "a lock")]
mod word_lock;

pub use bias::{Here, Owner};
pub use error::JoinError;
pub use header::{Arrival, Schedule};
pub use info::TaskInfo;
pub use join::{AbortHandle, JoinHandle};
pub use runnable::{Cause, RegisteredTask, Runnable, TaskRef, task, task_unchecked};
