//! Starting tasks from inside a runtime.

use std::future::Future;
use std::panic::Location;

use pelmeni_core::JoinHandle;

use crate::batch::Batch;
use crate::current;
use crate::home::Meta;
use crate::misuse;
use crate::worker;

/// Starts a task that may run on any worker, and gives a handle on its result.
///
/// The task runs whether the handle is awaited or not; dropping the handle detaches it. On one thread it runs after the
/// tasks that are ready now, in the order of the calls.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Builder::new().spawn(future)
}

/// Starts a task for each future, in order; cheaper than as many calls of [`spawn`], because whether another worker is needed
/// for them is decided once, when the last one is there.
///
/// # Panics
/// Outside a runtime; and if the iterator does, in which case the tasks run that were started before.
///
/// # Examples
/// ```
/// # pelmeni_scheduler::run(async {
/// let squares = pelmeni_scheduler::spawn_many((0..4_u64).map(|i| async move { i * i }));
/// let mut sum = 0;
/// for square in squares {
///     sum += square.await.unwrap();
/// }
/// assert_eq!(sum, 14);
/// # })
/// ```
#[track_caller]
pub fn spawn_many<F>(futures: impl IntoIterator<Item = F>) -> Vec<JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut batch = Batch::new("spawn_many", Location::caller());
    futures.into_iter().map(|future| batch.spawn(future)).collect()
}

/// Starts a task that stays on this worker's thread, so that its future need not be [`Send`].
///
/// It works the same on one thread and on many. The task lives as long as its thread works for the runtime: one that was
/// spawned inside `run` is cancelled, if it is still there, when that call returns.
///
/// # Panics
/// On a thread that is not a worker.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    Builder::new().spawn_local(future)
}

/// Runs a closure that may block on a thread of the blocking pool, and gives a handle on its result.
///
/// Cancelling it works until it begins. If no thread can be started for it, the handle says why.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn spawn_blocking<F, T>(work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn_blocking(work)
}

/// A task that is about to be started: with a name, say, which panics and reports will mention.
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<Box<str>>,
    location: Option<&'static Location<'static>>,
}

impl Builder {
    /// A task without a name.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Gives it a name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// Names another place as the one that spawned it: the caller's caller, for functions that spawn on behalf of others.
    #[must_use]
    pub fn location(mut self, location: &'static Location<'static>) -> Builder {
        self.location = Some(location);
        self
    }

    /// As [`spawn`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let meta = self.meta();
        current::with_lease(|lease| match lease {
            Some(lease) => lease.spawn(future, meta),
            None => misuse::outside("spawn", meta.location),
        })
    }

    /// As [`spawn_local`].
    ///
    /// # Panics
    /// On a thread that is not a worker.
    #[track_caller]
    #[expect(unsafe_code, reason = "the future need not be Send")]
    pub fn spawn_local<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let meta = self.meta();
        worker::with_current(|worker| match worker {
            // SAFETY: the future borrows nothing.
            Some(worker) => unsafe { worker.spawn_here(future, meta) },
            None => misuse::outside("spawn_local", meta.location),
        })
    }

    /// As [`spawn_blocking`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let meta = self.meta();
        current::with_lease(|lease| match lease {
            Some(lease) => lease.spawn_blocking(work, meta),
            None => misuse::outside("spawn_blocking", meta.location),
        })
    }

    #[track_caller]
    fn meta(self) -> Meta {
        // Not in a closure, which would be a caller of its own.
        let location = match self.location {
            Some(location) => location,
            None => Location::caller(),
        };
        Meta { name: self.name, location }
    }
}
