//! Locks, events and channels that wait without blocking the thread: for pelmeni's tasks, and for any other executor's.
//!
//! ```
//! use futures::{executor::block_on, join};
//! use pelmeni_sync::{Mutex, Semaphore, oneshot};
//!
//! let plates = Mutex::new(0);
//! let burners = Semaphore::new(2);
//! let (done, served) = oneshot::channel();
//!
//! block_on(async {
//!     let cook = async {
//!         let burner = burners.acquire().await?;
//!         *plates.lock().await += 1;
//!         drop(burner);
//!         done.send("served").ok();
//!         Ok::<_, pelmeni_sync::AcquireError>(())
//!     };
//!     let (cooked, word) = join!(cook, served);
//!     cooked?;
//!     assert_eq!((word?, plates.into_inner()), ("served", 1));
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | take |
//! |---|---|
//! | let one task at a time touch a value | [`Mutex`] |
//! | let so many do a thing at once | [`Semaphore`], [`BoundedSemaphore`] |
//! | wait for a flag | [`Event`] |
//! | be told that something has happened | [`Notify`] |
//! | wait for each other | [`Barrier`] |
//! | hand over one value | [`oneshot`] |
//!
//! # What they promise
//! - **First come, first served.** Whoever waits longest is next, and owns what was released from that moment on: nobody
//!   overtakes, and nobody starves.
//! - **Cancelling is safe at any time.** A future may be dropped at any await. What it was given and did not fetch goes
//!   to the next in line. Each function says under *Cancel safety* what else is lost: nothing, or the place in the queue.
//!   The other side of it: a wait that is kept but not polled, beside a `select!` that goes on without it, say, may own
//!   the lock and let everybody behind it wait. Drop it, or go on polling it.
//! - **No user code under a lock.** Wakers are cloned, invoked and dropped with no lock held. They may panic, and they
//!   may call back.
//! - **No poison.** A panic in a task that holds a lock releases it.
//! - In a pelmeni task every wait takes one unit of the poll's budget and stops for a request to cancel; elsewhere that
//!   costs nothing.
//!
//! # How it is built
//! ```text
//! Mutex     Semaphore        Event  Notify  Barrier      oneshot
//!   |           |               |      |       |            |
//!  cell --- permits             |      |       |         channel     channel: one word, one value, two wakers
//!               '------- gate --'------'-------'            |        gate: one lock, one future that waits
//!                          |                                |
//!                       waiters                             |        waiters: the queue
//!                          '------------ wakers ------------'        wakers: invoked after the lock
//! ```
//!
//! What more than two tasks share is behind a lock that is held for some nanoseconds, and never while something else runs;
//! only the two halves of a oneshot do with one atomic word. With `--cfg loom` and the feature `loom` both are loom's, and
//! programs that use this crate can be checked.

mod barrier;
mod error;
mod event;
mod gate;
mod mutex;
mod notify;
pub mod oneshot;
mod permits;
mod semaphore;
mod waiters;
mod wakers;

// With `oneshot::channel`, all that is `unsafe` in this crate.
#[expect(unsafe_code, reason = "a value that whoever has its permit may touch")]
mod cell;

pub use barrier::{Barrier, BrokenBarrier};
pub use error::{AcquireError, ReleaseError, TryAcquireError};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use notify::{Notified, Notify};
pub use semaphore::{BoundedSemaphore, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
