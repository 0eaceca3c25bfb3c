//! What the monitor and the thieves see of a seat's thread: whether it is there, and whether it is stuck.
//!
//! The answers are old when they come, and nothing follows from them but another look; so they are Relaxed. Only who comes
//! to a seat must see what who has left it did.

use pelmeni_core::primitive::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// How many seats are in use. Those for spares come last, and few runtimes ever need one; so nobody looks there for nothing.
#[derive(Debug)]
pub(crate) struct InUse(AtomicUsize);

impl InUse {
    pub(crate) fn new(seats: usize) -> InUse {
        InUse(AtomicUsize::new(seats))
    }

    /// A thread is about to come to this seat. Who publishes a task there has done this before, so that the fences of
    /// [`idle`](crate::idle) hold for it as well.
    pub(crate) fn include(&self, seat: usize) {
        self.0.fetch_max(seat + 1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Of one seat.
#[derive(Debug)]
pub(crate) struct Presence {
    /// A thread sits here, or is about to.
    occupied: AtomicBool,
    /// The number of the poll in which the monitor has found the thread stuck. It means nothing once that poll is over, so
    /// nobody needs to take it back.
    stuck: AtomicU64,
}

impl Default for Presence {
    fn default() -> Self {
        // No thread comes to poll that number.
        Presence { occupied: AtomicBool::new(false), stuck: AtomicU64::new(u64::MAX) }
    }
}

impl Presence {
    /// A thread comes. False: one is here, or about to come, already.
    pub(crate) fn enter(&self) -> bool {
        // Acquire: pairs with the Release in leave.
        !self.occupied.swap(true, Ordering::Acquire)
    }

    /// The thread has gone.
    pub(crate) fn leave(&self) {
        // Release: pairs with the Acquire in enter.
        self.occupied.store(false, Ordering::Release);
    }

    /// Says whether a thread is here.
    pub(crate) fn is_occupied(&self) -> bool {
        self.occupied.load(Ordering::Relaxed)
    }

    /// The thread has been in this poll for long.
    pub(crate) fn set_stuck_in(&self, poll: u64) {
        self.stuck.store(poll, Ordering::Relaxed);
    }

    /// Says whether the thread is stuck, if this is the poll that it is in.
    pub(crate) fn is_stuck_in(&self, poll: u64) -> bool {
        self.stuck.load(Ordering::Relaxed) == poll
    }
}
