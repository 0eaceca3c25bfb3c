//! A number of permits that tasks take and give back: how many may do a thing at once.
//!
//! The permits and the queue are [`Permits`]; here are the guards, which give back what they hold, and the errors.

use crate::error::{AcquireError, ReleaseError, TryAcquireError};
use crate::permits::Permits;
use std::fmt;
use std::mem;
use std::sync::Arc;

/// A number of permits, handed out first come first served.
///
/// Whoever wants several does not starve: those who come later and want fewer queue up behind.
///
/// # Examples
/// Three at the stove, however many cooks there are:
/// ```
/// use futures::executor::block_on;
/// use pelmeni_sync::Semaphore;
///
/// let burners = Semaphore::new(3);
/// block_on(async {
///     let soup = burners.acquire().await?;
///     let dumplings = burners.acquire_many(2).await?;
///     assert!(burners.try_acquire().is_err());
///     drop(dumplings);
///     assert_eq!(burners.available_permits(), 2);
///     # drop(soup);
///     Ok::<_, pelmeni_sync::AcquireError>(())
/// })?;
/// # Ok::<_, pelmeni_sync::AcquireError>(())
/// ```
///
/// Source: asyncio's `Semaphore`; `acquire_many` and `close` as in tokio.
pub struct Semaphore {
    permits: Permits,
}

impl Semaphore {
    /// Starts with so many permits, all free.
    pub fn new(permits: usize) -> Self {
        Semaphore { permits: Permits::new(permits) }
    }

    /// Waits for one permit.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If the permit was its already, it goes to the next.
    ///
    /// # Errors
    /// The semaphore is closed, or is closed while this waits.
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many(1).await
    }

    /// Waits for `count` permits, all at once.
    ///
    /// With more than there will ever be this waits for ever, and everybody who comes later with it.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If the permits were its already, they go to the next.
    ///
    /// # Errors
    /// The semaphore is closed, or is closed while this waits.
    pub async fn acquire_many(&self, count: usize) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.permits.acquire(count).await?;
        Ok(SemaphorePermit { permits: &self.permits, count })
    }

    /// Waits for one permit that may outlive the borrow of the semaphore: to take it along into a task, say.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If the permit was its already, it goes to the next.
    ///
    /// # Errors
    /// The semaphore is closed, or is closed while this waits.
    ///
    /// # Examples
    /// ```
    /// # use futures::executor::block_on;
    /// # use pelmeni_sync::{AcquireError, Semaphore};
    /// use std::sync::Arc;
    ///
    /// let burners = Arc::new(Semaphore::new(1));
    /// let permit = block_on(burners.clone().acquire_owned())?;
    /// let cook = std::thread::Builder::new().spawn(move || drop(permit))?;
    /// block_on(burners.acquire())?;
    /// # cook.join().unwrap();
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned(1).await
    }

    /// Waits for `count` permits that may outlive the borrow of the semaphore.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If the permits were its already, they go to the next.
    ///
    /// # Errors
    /// The semaphore is closed, or is closed while this waits.
    pub async fn acquire_many_owned(
        self: Arc<Self>,
        count: usize,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.permits.acquire(count).await?;
        Ok(OwnedSemaphorePermit { semaphore: self, count })
    }

    /// Takes one permit if that takes no waiting.
    ///
    /// # Errors
    /// The semaphore is closed, or no permit is free, or others wait for those that are.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits if that takes no waiting.
    ///
    /// # Errors
    /// The semaphore is closed, or too few permits are free, or others wait for those that are.
    pub fn try_acquire_many(&self, count: usize) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.permits.try_acquire(count)?;
        Ok(SemaphorePermit { permits: &self.permits, count })
    }

    /// Adds `count` new permits.
    ///
    /// # Panics
    /// There would be more than `usize::MAX` of them, those in use included.
    #[track_caller]
    pub fn add_permits(&self, count: usize) {
        let added = self.permits.add(count, usize::MAX);
        assert!(added, "a semaphore has at most `usize::MAX` permits: add fewer than {count}");
    }

    /// How many permits are free. It may have changed by the time one looks at the answer.
    pub fn available_permits(&self) -> usize {
        self.permits.available()
    }

    /// Closes the semaphore: nobody gets a permit any more. Who waits gets an error, who has permits keeps them.
    ///
    /// # Examples
    /// ```
    /// # use futures::executor::block_on;
    /// # use pelmeni_sync::Semaphore;
    /// let kitchen = Semaphore::new(1);
    /// kitchen.close();
    /// assert!(block_on(kitchen.acquire()).is_err());
    /// ```
    pub fn close(&self) {
        self.permits.close();
    }

    /// Says whether the semaphore is closed.
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.permits.available())
            .field("waiting", &self.permits.waiting())
            .field("closed", &self.permits.is_closed())
            .finish()
    }
}

/// A semaphore that never has more permits than it started with.
///
/// With guards that is so by itself. It makes a difference where permits change hands by number: one task
/// [forgets](SemaphorePermit::forget) its permit, and another [releases](BoundedSemaphore::release) it.
///
/// # Examples
/// ```
/// use futures::executor::block_on;
/// use pelmeni_sync::BoundedSemaphore;
///
/// let plates = BoundedSemaphore::new(2);
/// block_on(plates.acquire())?.forget();
/// plates.release(1)?;
/// assert!(plates.release(1).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// Source: asyncio's `BoundedSemaphore`.
pub struct BoundedSemaphore {
    semaphore: Semaphore,
    bound: usize,
}

impl BoundedSemaphore {
    /// Starts with `bound` permits, all free.
    pub fn new(bound: usize) -> Self {
        BoundedSemaphore { semaphore: Semaphore::new(bound), bound }
    }

    /// Waits for one permit.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If the permit was its already, it goes to the next.
    ///
    /// # Errors
    /// The semaphore is closed, or is closed while this waits.
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.semaphore.acquire().await
    }

    /// Waits for `count` permits, all at once.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If the permits were its already, they go to the next.
    ///
    /// # Errors
    /// The semaphore is closed, or is closed while this waits.
    pub async fn acquire_many(&self, count: usize) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.semaphore.acquire_many(count).await
    }

    /// Takes one permit if that takes no waiting.
    ///
    /// # Errors
    /// The semaphore is closed, or no permit is free, or others wait for those that are.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.semaphore.try_acquire()
    }

    /// Gives back permits that were forgotten.
    ///
    /// # Errors
    /// There would be more permits than at the start: somebody released what they did not have. Nothing is changed.
    pub fn release(&self, count: usize) -> Result<(), ReleaseError> {
        let added = self.semaphore.permits.add(count, self.bound);
        if added { Ok(()) } else { Err(ReleaseError::new(self.bound)) }
    }

    /// How many permits are free. It may have changed by the time one looks at the answer.
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// Closes the semaphore: nobody gets a permit any more. Who waits gets an error, who has permits keeps them.
    pub fn close(&self) {
        self.semaphore.close();
    }

    /// Says whether the semaphore is closed.
    pub fn is_closed(&self) -> bool {
        self.semaphore.is_closed()
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("bound", &self.bound)
            .field("semaphore", &self.semaphore)
            .finish()
    }
}

/// Permits of a semaphore, given back when this is dropped.
#[must_use = "the permits are given back when this is dropped"]
pub struct SemaphorePermit<'a> {
    permits: &'a Permits,
    count: usize,
}

impl SemaphorePermit<'_> {
    /// How many permits these are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Does not give the permits back: the semaphore has so many fewer from now on.
    pub fn forget(mut self) {
        self.permits.forget(mem::take(&mut self.count));
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        if self.count > 0 {
            self.permits.release(self.count);
        }
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Permits of a semaphore that this keeps alive, given back when this is dropped.
#[must_use = "the permits are given back when this is dropped"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    count: usize,
}

impl OwnedSemaphorePermit {
    /// How many permits these are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Does not give the permits back: the semaphore has so many fewer from now on.
    pub fn forget(mut self) {
        self.semaphore.permits.forget(mem::take(&mut self.count));
    }

    /// The semaphore that these permits belong to.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        if self.count > 0 {
            self.semaphore.permits.release(self.count);
        }
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSemaphorePermit").field("count", &self.count).finish_non_exhaustive()
    }
}
