//! What everyone may know of a timer without a lock: its deadline, and whether it has fired.
//!
//! ```text
//!            1 link                 2 fire
//!    IDLE ──────────────► LINKED ──────────► FIRED
//!      ▲                    │                  │
//!      ├──── 3 unlink ──────┘                  │
//!      └──── 3 unlink (reset) ─────────────────┘
//! ```
//!
//! | edge | function | who |
//! |---|---|---|
//! | 1 | [`Alarm::link`] | the owner of the timer, holding the wheel's lock |
//! | 2 | [`Alarm::fire`] | whoever advances the wheel, holding its lock |
//! | 3 | [`Alarm::unlink`] | the owner, or whoever closes the wheel, holding its lock |
//!
//! Out of LINKED goes only who holds the wheel's lock, so that a timer which is not LINKED is the owner's alone: it may be
//! dropped without the lock. That makes the stores of edges 2 and 3 the last thing that a wheel does to a timer.

use pelmeni_core::primitive::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};
use pelmeni_core::primitive::seeded;

use crate::Deadline;

/// In no wheel.
const IDLE: u8 = 0;
/// In a wheel: the memory of the timer must stay where it is.
const LINKED: u8 = 1;
/// The deadline came while it was linked. In no wheel any more.
const FIRED: u8 = 2;

/// The words, and the number of the slot, for which there is room beside them.
#[derive(Debug)]
pub(crate) struct Alarm {
    deadline: AtomicU64,
    slot: AtomicU16,
    phase: AtomicU8,
}

impl Alarm {
    pub(crate) fn new(deadline: Deadline) -> Alarm {
        Alarm {
            deadline: AtomicU64::new(deadline.as_nanos()),
            slot: AtomicU16::new(0),
            phase: AtomicU8::new(IDLE),
        }
    }

    /// Which slot of the wheel it is in. For whoever holds the wheel's lock.
    pub(crate) fn slot(&self) -> usize {
        // Relaxed: the lock orders everything.
        self.slot.load(Ordering::Relaxed).into()
    }

    pub(crate) fn set_slot(&self, slot: usize) {
        // Relaxed: as in `slot`.
        self.slot.store(slot as u16, Ordering::Relaxed);
    }

    pub(crate) fn deadline(&self) -> Deadline {
        // Relaxed: set by the owner, and read by him or under the lock that he held.
        Deadline::from_nanos(self.deadline.load(Ordering::Relaxed))
    }

    pub(crate) fn set_deadline(&self, deadline: Deadline) {
        // Relaxed: see `deadline`.
        self.deadline.store(deadline.as_nanos(), Ordering::Relaxed);
    }

    pub(crate) fn is_linked(&self) -> bool {
        // Acquire: pairs with the Release in `fire` and `unlink`, so that a timer which reads that it is free may be
        // dropped: the wheel's last touch is over.
        self.phase.load(Ordering::Acquire) == LINKED
    }

    pub(crate) fn is_fired(&self) -> bool {
        // Acquire: as in `is_linked`.
        self.phase.load(Ordering::Acquire) == FIRED
    }

    pub(crate) fn link(&self) {
        // Relaxed: it concerns the owner, who is the one to do it, and the wheel, which has the lock.
        self.phase.store(LINKED, Ordering::Relaxed);
    }

    pub(crate) fn fire(&self) {
        // Release: pairs with the Acquire in `is_linked` and `is_fired`.
        let ordering = if seeded(154) { Ordering::Relaxed } else { Ordering::Release };
        self.phase.store(FIRED, ordering);
    }

    pub(crate) fn unlink(&self) {
        // Release: pairs with the Acquire in `is_linked`.
        self.phase.store(IDLE, Ordering::Release);
    }
}
