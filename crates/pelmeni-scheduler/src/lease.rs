//! A share in a runtime's memory: [`Lease`].
//!
//! Tasks, timers and handles all point into the scheduler's memory, and any of them can be the last to do so: a waker in a
//! thread-local outlives its runtime. An `Arc` would have every spawn on every core write one word. So the count is
//! *biased*: while a thread is a worker of the runtime, it counts its own leases for itself, in a plain cell, and adds the
//! sum to the shared word when it leaves. Meanwhile the word is kept far from zero on its behalf.
//!
//! L1. The word plus the cells of all present workers is the number of leases that exist.
//!
//! L2. The word is above zero while a worker is present, so zero means that nobody is left, and whoever makes it so frees.
//!
//! Source: biased reference counting, Jiho Choi, Thomas Shull, Josep Torrellas, PACT 2018.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

use pelmeni_core::primitive::atomic::{AtomicI64, Ordering};

use crate::scheduler::Scheduler;
use crate::worker;

/// A counted pointer to a scheduler.
pub(crate) struct Lease(NonNull<Scheduler>);

// SAFETY: as for an Arc of a type that is Send and Sync, which a scheduler is.
unsafe impl Send for Lease {}
// SAFETY: as for Send.
unsafe impl Sync for Lease {}

/// The count that all threads share.
#[derive(Debug)]
pub(crate) struct Leases(AtomicI64);

/// How far a present worker keeps the word from zero: more than there can be leases.
const PRESENT: i64 = 1 << 40;

impl Leases {
    /// The count of a scheduler that has one lease.
    pub(crate) fn one() -> Leases {
        Leases(AtomicI64::new(1))
    }

    fn add(&self, more: i64) -> i64 {
        // AcqRel: an access before a lease is given up comes before the end; pairs with itself.
        self.0.fetch_add(more, Ordering::AcqRel) + more
    }
}

impl Lease {
    /// Moves a scheduler that counts one lease to its place.
    pub(crate) fn new(scheduler: Scheduler) -> Lease {
        Lease(NonNull::from(Box::leak(Box::new(scheduler))))
    }

    /// Says whether both point at one scheduler.
    #[inline]
    pub(crate) fn is_of(&self, scheduler: &Scheduler) -> bool {
        std::ptr::eq(self.0.as_ptr(), scheduler)
    }

    /// Announces that this thread is a worker now, and counts for itself.
    pub(crate) fn enter(&self) {
        self.leases.add(PRESENT);
    }

    /// Announces that this thread is no worker any more, and adds what it has counted. It keeps this lease.
    pub(crate) fn leave(&self, counted: i64) {
        self.leases.add(counted - PRESENT);
    }

    /// Counts one more or less, on the worker if this thread is one of this scheduler's. False: it is not.
    #[inline]
    fn count_locally(&self, more: i64) -> bool {
        worker::with_current(|worker| match worker {
            Some(worker) if self.is_of(worker.scheduler) => {
                worker.leases.set(worker.leases.get() + more);
                true
            }
            _ => false,
        })
    }
}

impl Clone for Lease {
    #[inline]
    fn clone(&self) -> Lease {
        if !self.count_locally(1) {
            self.leases.add(1);
        }
        Lease(self.0)
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        if !self.count_locally(-1) && self.leases.add(-1) == 0 {
            // SAFETY: no lease and no worker is left (L2), and `new` got the address from a box.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

impl Deref for Lease {
    type Target = Scheduler;

    #[inline]
    fn deref(&self) -> &Scheduler {
        // SAFETY: a lease that exists is counted (L1), so the scheduler is there (L2).
        unsafe { self.0.as_ref() }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.0).finish()
    }
}
