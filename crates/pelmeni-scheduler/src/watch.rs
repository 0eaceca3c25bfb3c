//! When the monitor sleeps: while every worker does, and, for a while, when none does. A worker that makes this untrue
//! wakes it.
//!
//! ```text
//!              doze (1): nobody is at work              rouse (2): a worker wakes up
//!   AWAKE ───────────────────────────────────> IDLE ────────────────────────────────> AWAKE
//!     │        doze (1): nobody has time               rouse (2): a worker falls asleep
//!     └──────────────────────────────────────> BUSY ────────────────────────────────> AWAKE
//! ```
//! Another case of Dekker's protocol: the monitor says what it relies on and then looks whether it is true; a worker makes
//! it untrue and then looks what the monitor relies on. With `fence(SeqCst)` between the steps on both sides, at least one
//! of the two sees the other.

use std::time::Duration;

use pelmeni_core::park::Parker;
use pelmeni_core::primitive::atomic::{AtomicU8, Ordering, fence};
use pelmeni_core::primitive::seeded;

/// What the monitor's sleep relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum While {
    /// No worker is at work, so none can be stuck.
    Idle = 1,
    /// No worker sleeps, so none could help another.
    Busy = 2,
}

/// It relies on nothing.
const AWAKE: u8 = 0;

/// The monitor's sleep.
#[derive(Debug, Default)]
pub struct Watch {
    relies_on: AtomicU8,
    parker: Parker,
}

impl Watch {
    /// (1) The monitor sleeps until it is roused, or for so long; not at all if what it relies on `is_over`. Says whether it
    /// could rely on that until it woke up.
    pub fn doze(
        &self,
        relies_on: While,
        limit: Option<Duration>,
        is_over: impl Fn() -> bool,
    ) -> bool {
        self.relies_on.store(relies_on as u8, Ordering::Relaxed);
        // Between saying what we rely on and looking at it: pairs with the fence in rouse.
        if !seeded(202) {
            fence(Ordering::SeqCst);
        }
        let is_over = is_over();
        if !is_over {
            self.parker.park(limit);
        }
        let is_roused = self.relies_on.swap(AWAKE, Ordering::Relaxed) == AWAKE && !seeded(267);
        !is_over && !is_roused
    }

    /// (2) A worker has made this untrue, where the monitor looks at it.
    #[inline]
    pub fn rouse(&self, relies_on: While) {
        // Between making it untrue and looking: pairs with the fence in doze.
        if !seeded(201) {
            fence(Ordering::SeqCst);
        }
        let relies_on = relies_on as u8;
        if self.relies_on.load(Ordering::Relaxed) == relies_on && self.take(relies_on) {
            self.wake();
        }
    }

    /// One who rouses is enough. An exchange and not a swap: meanwhile the monitor may rely on the other thing.
    fn take(&self, relies_on: u8) -> bool {
        if seeded(203) {
            return self.relies_on.swap(AWAKE, Ordering::Relaxed) == relies_on;
        }
        let exchange =
            self.relies_on.compare_exchange(relies_on, AWAKE, Ordering::Relaxed, Ordering::Relaxed);
        exchange.is_ok()
    }

    /// The monitor pauses for so long, or until it is woken.
    pub(crate) fn pause(&self, time: Duration) {
        self.parker.park(Some(time));
    }

    /// Ends the monitor's sleep or its pause.
    pub(crate) fn wake(&self) {
        let unparked = self.parker.unpark();
        debug_assert!(!unparked.is_elsewhere(), "the monitor sleeps on its parker only");
    }
}
