//! A way into a runtime from anywhere: [`Handle`].

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::{Duration, Instant};

use pelmeni_core::{AbortHandle, JoinHandle};

use crate::batch::Batch;
use crate::counters::Stats;
use crate::current;
use crate::drive::Registration;
use crate::home::Meta;
use crate::lease::Lease;
use crate::misuse;
use crate::root;
use crate::sleep::Sleep;
use crate::worker;

/// A way into a runtime: it can be cloned, sent to any thread, and kept. It does not keep the runtime running.
///
/// asyncio's loop object; each of its functions may be called from any thread.
#[derive(Clone)]
pub struct Handle {
    lease: Lease,
}

impl Handle {
    pub(crate) fn new(lease: Lease) -> Handle {
        Handle { lease }
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The runtime that this thread works for or belongs to.
    ///
    /// # Panics
    /// Outside a runtime; [`try_current`](Handle::try_current) says `None` instead.
    #[track_caller]
    pub fn current() -> Handle {
        Handle::try_current()
            .unwrap_or_else(|| misuse::outside("Handle::current", Location::caller()))
    }

    /// The runtime that this thread works for or belongs to, if any.
    pub fn try_current() -> Option<Handle> {
        current::with_lease(|lease| lease.cloned()).map(Handle::new)
    }

    /// Starts a task that may run on any worker.
    ///
    /// If the runtime is closing, the task never runs and its handle says that it was cancelled.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.lease.spawn(future, Meta { name: None, location: Location::caller() })
    }

    /// Starts a task for each future, in order, as [`spawn_many`](crate::spawn_many) does.
    ///
    /// # Panics
    /// If the iterator does; the tasks run that were started before.
    #[track_caller]
    pub fn spawn_many<F>(&self, futures: impl IntoIterator<Item = F>) -> Vec<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let mut batch = Batch::of(self.lease.clone(), Location::caller());
        futures.into_iter().map(|future| batch.spawn(future)).collect()
    }

    /// Runs a closure that may block on a thread of the blocking pool.
    ///
    /// Cancelling it works until it begins. If no thread can be started for it, the handle says why.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.lease.spawn_blocking(work, Meta { name: None, location: Location::caller() })
    }

    /// Runs a future on this thread until it is ready.
    ///
    /// The thread becomes a worker of the runtime meanwhile. If another thread is already one in this way, a runtime with
    /// many threads polls the future here beside its workers, and one with a single thread lets the callers take turns.
    ///
    /// # Panics
    /// On a worker of any runtime; and if the future panics.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        assert!(!worker::with_current(|worker| worker.is_some()), "pelmeni: {}", misuse::NESTED);
        root::block_on(&self.lease, future, Meta { name: None, location: Location::caller() })
    }

    /// Runs a function soon, on a worker; on one thread, after the tasks that are ready now.
    #[track_caller]
    pub fn call_soon(&self, f: impl FnOnce() + Send + 'static) -> TimerHandle {
        TimerHandle::of(self.spawn(async move { f() }))
    }

    /// Runs a function on a worker after a delay.
    #[track_caller]
    pub fn call_later(&self, delay: Duration, f: impl FnOnce() + Send + 'static) -> TimerHandle {
        let sleep = Sleep::new(delay);
        TimerHandle::of(self.spawn(async move {
            sleep.await;
            f();
        }))
    }

    /// Runs a function on a worker at an instant.
    #[track_caller]
    pub fn call_at(&self, instant: Instant, f: impl FnOnce() + Send + 'static) -> TimerHandle {
        let sleep = Sleep::until(instant);
        TimerHandle::of(self.spawn(async move {
            sleep.await;
            f();
        }))
    }

    /// A place for a descriptor with a driver of this runtime, for types that wrap one.
    pub fn registration(&self) -> Registration {
        self.lease.registration()
    }

    /// What the workers have done so far.
    pub fn stats(&self) -> Stats {
        self.lease.stats()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("threads", &self.lease.threads).finish_non_exhaustive()
    }
}

/// A function that is to be called. Dropping this does not take the call back.
#[derive(Debug, Clone)]
pub struct TimerHandle {
    call: AbortHandle,
}

impl TimerHandle {
    fn of(handle: JoinHandle<()>) -> TimerHandle {
        TimerHandle { call: handle.abort_handle() }
    }

    /// Takes the call back, if it has not begun.
    pub fn cancel(&self) {
        self.call.abort();
    }

    /// Says whether the function has been called, or the call was taken back.
    pub fn is_finished(&self) -> bool {
        self.call.is_finished()
    }
}
