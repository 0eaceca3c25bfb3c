//! A value and the one permit to touch it: what whoever waits for a lock waits for.
//!
//! The law: **whoever has the permit may touch the value, and only they.** The permit exists as an [`Access`], which is
//! made in two places, each right after one permit was acquired, and gives it back when it is dropped. There is one, from
//! [`Guarded::new`]; nothing here adds another, and nobody else can, because the field is private. So there is at most
//! one `Access` at any time, and what its holder does to the value happens before what the next one does: permits change
//! hands under the lock of their [`Gate`](crate::gate::Gate).

use crate::gate::Closed;
use crate::permits::Permits;
use pelmeni_core::primitive::UnsafeCell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// A value behind one permit.
pub(crate) struct Guarded<T> {
    permit: Permits,
    value: UnsafeCell<T>,
}

// SAFETY: through a `&Guarded<T>` one gets, by the law, at most one `Access` at a time. So sharing it between threads
// passes the value from one to the other but never shows it to two: it has to be `Send`, and need not be `Sync`.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Guarded { permit: Permits::new(1), value: UnsafeCell::new(value) }
    }

    /// Waits for the permit.
    pub(crate) async fn access(&self) -> Access<'_, T> {
        match self.permit.acquire(1).await {
            Ok(()) => Access { guarded: self, own: PhantomData },
            Err(Closed) => unreachable!("nobody closes these permits"),
        }
    }

    /// Takes the permit if that takes no waiting.
    pub(crate) fn try_access(&self) -> Option<Access<'_, T>> {
        self.permit.try_acquire(1).ok()?;
        Some(Access { guarded: self, own: PhantomData })
    }

    /// Nobody else can have access while the caller has all of it.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.with_mut(|value| {
            // SAFETY: the pointer is the cell's own. The result borrows `self` mutably, so there is no `Access`.
            unsafe { &mut *value }
        })
    }

    pub(crate) fn into_inner(self) -> T {
        let value = ManuallyDrop::new(self.value);
        value.with_mut(|value| {
            // SAFETY: the pointer is the cell's own, and the cell is neither dropped nor used after this.
            unsafe { value.read() }
        })
    }

    /// Says whether somebody has the permit, or will get it before the caller would.
    pub(crate) fn is_taken(&self) -> bool {
        self.permit.available() == 0
    }

    /// How many wait for the permit.
    pub(crate) fn waiting(&self) -> usize {
        self.permit.waiting()
    }
}

/// The permit to touch the value.
pub(crate) struct Access<'a, T> {
    guarded: &'a Guarded<T>,
    /// It stands for a `&mut T` and is shared and sent where one may be. The reference above alone would let it be
    /// shared by threads that may only have the value one after the other.
    own: PhantomData<&'a mut T>,
}

impl<T> Deref for Access<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guarded.value.with(|value| {
            // SAFETY: the pointer is the cell's own. By the law only this `Access` leads to the value, and it is
            // borrowed for as long as the result is.
            unsafe { &*value }
        })
    }
}

impl<T> DerefMut for Access<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guarded.value.with_mut(|value| {
            // SAFETY: as in `deref`, and `self` is borrowed mutably.
            unsafe { &mut *value }
        })
    }
}

impl<T> Drop for Access<'_, T> {
    fn drop(&mut self) {
        self.guarded.permit.release(1);
    }
}
