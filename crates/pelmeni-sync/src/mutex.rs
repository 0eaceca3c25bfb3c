//! A lock that is waited for without blocking the thread, and may be held across an `await`.
//!
//! It is a value behind one permit ([`cell`](crate::cell)), so its waiters are served first come first served and the
//! one that is served owns the lock from that moment: nobody who comes later, nor the one who releases it and asks
//! again, can overtake.

use crate::cell::{Access, Guarded};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A value that one task at a time may touch, for as long as it likes, awaits included.
///
/// Waiters get the lock in the order in which they asked. It is not poisoned: after a panic with the lock held, the next
/// one finds the value as the panic left it.
///
/// Where the lock is never held across an `await`, `std::sync::Mutex` is the smaller and faster choice, also in
/// asynchronous code.
///
/// # Examples
/// ```
/// use futures::executor::block_on;
/// use pelmeni_sync::Mutex;
///
/// let pot = Mutex::new(0);
/// block_on(async {
///     *pot.lock().await += 12;
///     *pot.lock().await += 12;
/// });
/// assert_eq!(pot.into_inner(), 24);
/// ```
///
/// Source: asyncio's `Lock`, as a guard around a value.
pub struct Mutex<T> {
    guarded: Guarded<T>,
}

impl<T> Mutex<T> {
    /// Puts a value behind a lock, unlocked.
    pub fn new(value: T) -> Self {
        Mutex { guarded: Guarded::new(value) }
    }

    /// Waits until the lock is the caller's.
    ///
    /// A task that asks again for a lock it holds waits for ever.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If the lock was its already, it goes to the next.
    ///
    /// # Examples
    /// ```
    /// # use futures::executor::block_on;
    /// # use pelmeni_sync::Mutex;
    /// let menu = Mutex::new(vec!["varenyky"]);
    /// block_on(async {
    ///     let mut menu = menu.lock().await;
    ///     menu.push("pelmeni");
    /// });
    /// ```
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { access: self.guarded.access().await }
    }

    /// Takes the lock if it is free now; `None` if somebody has it.
    ///
    /// # Examples
    /// ```
    /// # use pelmeni_sync::Mutex;
    /// let spoon = Mutex::new(());
    /// let held = spoon.try_lock().expect("nobody has it");
    /// assert!(spoon.try_lock().is_none());
    /// drop(held);
    /// assert!(spoon.try_lock().is_some());
    /// ```
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.guarded.try_access().map(|access| MutexGuard { access })
    }

    /// Says whether somebody has the lock. It may have changed by the time one looks at the answer.
    pub fn is_locked(&self) -> bool {
        self.guarded.is_taken()
    }

    /// Reaches the value without locking: whoever has the whole lock is alone with it.
    pub fn get_mut(&mut self) -> &mut T {
        self.guarded.get_mut()
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.guarded.into_inner()
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Mutex::new(value)
    }
}

/// Shows who waits and not the value, which would take the lock to look at.
impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("locked", &self.is_locked())
            .field("waiting", &self.guarded.waiting())
            .finish_non_exhaustive()
    }
}

/// The lock, held until this is dropped. The value is what it dereferences to.
#[must_use = "the lock is released when the guard is dropped"]
pub struct MutexGuard<'a, T> {
    access: Access<'a, T>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.access
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.access
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
