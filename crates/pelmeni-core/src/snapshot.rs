//! The fields of a task's state word, and how they are read.
//!
//! ```text
//!  63    48 47              22 21    14 13        6 5     0
//! +--------+------------------+--------+-----------+-------+
//! | wakes  |    references    | owner  | requests  | flags |
//! +--------+------------------+--------+-----------+-------+
//! ```
//! The steps from one word to the next are in [`state`](crate::state).

use std::fmt;

use crate::context::LOANS_MAX;

/// The future is gone. Set once, by `State::complete`; never cleared.
pub(crate) const COMPLETE: u64 = 1 << 0;
/// A `JoinHandle` exists, so the output is wanted. Set at birth, cleared once when the handle is dropped.
pub(crate) const HANDLE: u64 = 1 << 1;
/// The joiner slot holds a waker. Set by the handle; cleared by the handle, or after `COMPLETE` by the completing thread.
pub(crate) const JOINER: u64 = 1 << 2;
/// The future is to be dropped instead of polled. Set by `abort`; never cleared.
pub(crate) const ABORT: u64 = 1 << 3;
/// The task stays on the thread that spawned it. Fixed at birth.
pub(crate) const LOCAL: u64 = 1 << 4;
/// It was made by a thread that is not its owner, and has not waited yet. Set at birth, cleared at the end of
/// its first poll that does.
pub(crate) const NEWBORN: u64 = 1 << 5;

/// One request to cancel. Added by `cancel`, taken when a poll starts.
pub(crate) const REQUEST: u64 = 1 << 6;
pub(crate) const REQUESTS_MAX: u64 = 0xff;
/// The number of its owner, or zero. Fixed at birth.
pub(crate) const OWNER: u64 = OWNERS_MAX << 14;
pub(crate) const OWNERS_MAX: u64 = 0xff;
/// One reference: a waker, an `AbortHandle` or a message (see `bias`). `Runnable`, `JoinHandle` and the registry are not
/// counted.
pub(crate) const REFERENCE: u64 = 1 << 22;
pub(crate) const REFERENCES_MAX: u64 = (1 << 26) - 1;
/// So many more references are in the word than there are, as three may have counted less than all of their own: the poll that
/// is running, or was the last; the task's owner; and the owner once more, while the output of that poll is dropped.
pub(crate) const SPARE: u64 = 3 * LOANS_MAX as u64;
/// One wake that no poll has answered yet. On top of the word, so that wakes of a complete task overflow into nothing.
pub(crate) const WAKE: u64 = 1 << 48;

/// What the word was at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(pub(crate) u64);

impl Snapshot {
    pub(crate) fn is_complete(self) -> bool {
        self.0 & COMPLETE != 0
    }

    pub(crate) fn has_handle(self) -> bool {
        self.0 & HANDLE != 0
    }

    pub(crate) fn has_joiner(self) -> bool {
        self.0 & JOINER != 0
    }

    pub(crate) fn is_aborted(self) -> bool {
        self.0 & ABORT != 0
    }

    pub(crate) fn is_local(self) -> bool {
        self.0 & LOCAL != 0
    }

    /// It came to its owner from abroad, or is about to, and has not waited yet.
    pub(crate) fn is_newborn(self) -> bool {
        self.0 & NEWBORN != 0
    }

    /// Its owner's number, in place; zero if it has none.
    pub(crate) fn owner(self) -> u64 {
        self.0 & OWNER
    }

    pub(crate) fn has_owner(self) -> bool {
        self.owner() != 0
    }

    /// Somebody other than a reference keeps the memory of a complete task.
    pub(crate) fn is_held(self) -> bool {
        self.0 & (HANDLE | JOINER) != 0
    }

    /// Neither scheduled nor polled: the next wake submits it.
    pub(crate) fn is_idle(self) -> bool {
        self.wakes() == 0
    }

    pub(crate) fn requests(self) -> u32 {
        ((self.0 / REQUEST) & REQUESTS_MAX) as u32
    }

    /// How many references are counted. Exact between polls; a poll may have some on loan, so that they can be less than
    /// none.
    pub(crate) fn references(self) -> i64 {
        ((self.0 / REFERENCE) & REFERENCES_MAX) as i64 - SPARE as i64
    }

    pub(crate) fn wakes(self) -> u64 {
        self.0 / WAKE
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (COMPLETE, "COMPLETE"),
            (HANDLE, "HANDLE"),
            (JOINER, "JOINER"),
            (ABORT, "ABORT"),
            (LOCAL, "LOCAL"),
            (NEWBORN, "NEWBORN"),
        ];
        let flags = names.iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, name)| *name);
        f.debug_struct("State")
            .field("flags", &flags.collect::<Vec<_>>().join(" | "))
            .field("requests", &self.requests())
            .field("owner", &(self.owner() / (OWNER / OWNERS_MAX)))
            .field("references", &self.references())
            .field("wakes", &self.wakes())
            .finish()
    }
}

/// What loans add to the word.
pub(crate) const fn lent(loans: i32) -> u64 {
    (loans as i64 as u64).wrapping_mul(REFERENCE)
}
