//! A lock of one byte, for what is held for a few instructions: [`Spin`].
//!
//! Taking it is one exchange, giving it back one store; the standard library's lock needs two exchanges and looks twice whether
//! the thread panics. Who finds it taken spins, and soon lets other threads run: the holder may have lost its core. What is held
//! for longer is only tried ([`TryLock`](crate::primitive::TryLock)).
//!
//! As with all of pelmeni's locks but the one that is only tried, nobody else's code runs while it is held.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::primitive::atomic::{AtomicBool, Ordering};
use crate::word_lock::wait_a_little;

/// A value behind a lock of one byte.
#[derive(Default)]
pub struct Spin<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: as for any lock: the value goes from thread to thread, one at a time.
unsafe impl<T: Send> Sync for Spin<T> {}

/// The right to the value. It stays on its thread.
pub struct SpinGuard<'a, T>(&'a Spin<T>, PhantomData<*const ()>);

// SAFETY: a shared guard gives away shared references to the value, and nothing else.
unsafe impl<T: Sync> Sync for SpinGuard<'_, T> {}

impl<T> Spin<T> {
    /// Puts a value behind a lock.
    pub const fn new(value: T) -> Spin<T> {
        Spin { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Takes the lock, as soon as it is free.
    #[inline]
    #[cfg_attr(pelmeni_count, track_caller)]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        // Acquire: pairs with the Release in SpinGuard's drop.
        if self.taken.swap(true, Ordering::Acquire) {
            self.await_and_take()
        } else {
            SpinGuard(self, PhantomData)
        }
    }

    /// Takes the lock if it is free now.
    #[inline]
    #[cfg_attr(pelmeni_count, track_caller)]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        // Acquire: as in lock. Looking before taking leaves the line with its holder.
        let is_held =
            self.taken.load(Ordering::Relaxed) || self.taken.swap(true, Ordering::Acquire);
        (!is_held).then(|| SpinGuard(self, PhantomData))
    }

    #[cold]
    #[cfg_attr(pelmeni_count, track_caller)]
    fn await_and_take(&self) -> SpinGuard<'_, T> {
        let mut looks = 0;
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            looks += 1;
            wait_a_little(looks);
        }
    }
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one until it is dropped.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one until it is dropped.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in lock.
        self.0.taken.store(false, Ordering::Release);
    }
}

impl<T> fmt::Debug for Spin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spin")
    }
}

impl<T> fmt::Debug for SpinGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpinGuard")
    }
}
