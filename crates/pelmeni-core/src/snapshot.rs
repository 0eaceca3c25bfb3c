//! The fields of a task's state word, and how they are read.
//!
//! ```text
//!  63        44 43                16 15        8 7      0
//! +------------+--------------------+-----------+--------+
//! |   wakes    |     references     | requests  | flags  |
//! +------------+--------------------+-----------+--------+
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

/// One request to cancel. Added by `cancel`, taken when a poll starts.
pub(crate) const REQUEST: u64 = 1 << 8;
pub(crate) const REQUESTS_MAX: u64 = 0xff;
/// One reference: a waker or an `AbortHandle`. `Runnable`, `JoinHandle` and the registry are not counted.
pub(crate) const REFERENCE: u64 = 1 << 16;
pub(crate) const REFERENCES_MAX: u64 = (1 << 28) - 1;
/// So many more references are in the word than there are, as the poll that is running may not have counted all of its own.
pub(crate) const SPARE: u64 = LOANS_MAX as u64;
/// One wake that no poll has answered yet. On top of the word, so that wakes of a complete task overflow into nothing.
pub(crate) const WAKE: u64 = 1 << 44;

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
        ];
        let flags = names.iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, name)| *name);
        f.debug_struct("State")
            .field("flags", &flags.collect::<Vec<_>>().join(" | "))
            .field("requests", &self.requests())
            .field("references", &self.references())
            .field("wakes", &self.wakes())
            .finish()
    }
}

/// What loans add to the word.
pub(crate) const fn lent(loans: i32) -> u64 {
    (loans as i64 as u64).wrapping_mul(REFERENCE)
}
