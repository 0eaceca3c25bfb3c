//! What everyone may know of a timer without a lock, in one word: its deadline, and whether it has fired.
//!
//! ```text
//!    63                                       2 1     0
//!   +------------------------------------------+-------+
//!   |                 deadline                 | phase |
//!   +------------------------------------------+-------+
//!
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
//! dropped without the lock. That makes the stores of edges 2 and 3 the last thing that a wheel does to a timer. Nobody
//! stores while somebody else may: so none of the steps needs to be an exchange.

use pelmeni_core::primitive::atomic::{AtomicU64, Ordering};
use pelmeni_core::primitive::seeded;

use crate::Deadline;

/// In no wheel.
const IDLE: u64 = 0;
/// In a wheel: the memory of the timer must stay where it is.
const LINKED: u64 = 1;
/// The deadline came while it was linked. In no wheel any more.
const FIRED: u64 = 2;

/// How many bits a phase takes; a deadline leaves as many free.
const PHASE_BITS: u32 = u64::BITS - Deadline::BITS;
const PHASE: u64 = (1 << PHASE_BITS) - 1;

/// The word.
#[derive(Debug)]
pub(crate) struct Alarm(AtomicU64);

/// What the phase was at one moment. `Linked` can be over at once, except for whoever holds the wheel's lock.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    Linked,
    Fired,
}

impl Alarm {
    pub(crate) fn new(deadline: Deadline) -> Alarm {
        Alarm(AtomicU64::new(word(deadline, IDLE)))
    }

    pub(crate) fn deadline(&self) -> Deadline {
        // Relaxed: set by the owner, and read by him or under the lock that he held.
        Deadline::from_nanos(self.0.load(Ordering::Relaxed) >> PHASE_BITS)
    }

    /// Sets another deadline. For the owner, who holds the wheel's lock if it is linked.
    pub(crate) fn set_deadline(&self, deadline: Deadline) {
        // Relaxed: see `deadline`.
        let phase = self.0.load(Ordering::Relaxed) & PHASE;
        self.0.store(word(deadline, phase), Ordering::Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        // Acquire: pairs with the Release in `fire` and `unlink`, so that a timer which reads that it is free may be
        // dropped: the wheel's last touch is over.
        match self.0.load(Ordering::Acquire) & PHASE {
            LINKED => Phase::Linked,
            FIRED => Phase::Fired,
            _ => Phase::Idle,
        }
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.phase() == Phase::Linked
    }

    pub(crate) fn is_fired(&self) -> bool {
        self.phase() == Phase::Fired
    }

    pub(crate) fn link(&self) {
        // Relaxed: it concerns the owner, who is the one to do it, and the wheel, which has the lock.
        self.0.store(word(self.deadline(), LINKED), Ordering::Relaxed);
    }

    pub(crate) fn fire(&self) {
        // Release: pairs with the Acquire in `phase`.
        let ordering = if seeded(154) { Ordering::Relaxed } else { Ordering::Release };
        self.0.store(word(self.deadline(), FIRED), ordering);
    }

    pub(crate) fn unlink(&self) {
        // Release: pairs with the Acquire in `phase`.
        self.0.store(word(self.deadline(), IDLE), Ordering::Release);
    }
}

const fn word(deadline: Deadline, phase: u64) -> u64 {
    deadline.as_nanos() << PHASE_BITS | phase
}
