//! Why a semaphore gives no permits, or takes none back.

use crate::gate::Closed;
use crate::permits::Refusal;
use std::error::Error;
use std::fmt;

/// Nobody gets a permit any more: the semaphore is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireError(());

impl From<Closed> for AcquireError {
    fn from(Closed: Closed) -> Self {
        AcquireError(())
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl Error for AcquireError {}

/// There is no permit without waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryAcquireError(Refusal);

impl TryAcquireError {
    /// The semaphore is closed: waiting would not help.
    pub fn is_closed(&self) -> bool {
        self.0 == Refusal::Closed
    }

    /// Too few permits are free, or others wait for those that are.
    pub fn is_exhausted(&self) -> bool {
        self.0 == Refusal::Exhausted
    }
}

impl From<Refusal> for TryAcquireError {
    fn from(refusal: Refusal) -> Self {
        TryAcquireError(refusal)
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Refusal::Closed => "the semaphore is closed",
            Refusal::Exhausted => "the semaphore has too few permits: wait with `acquire`",
        })
    }
}

impl Error for TryAcquireError {}

/// More permits were released than were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseError {
    bound: usize,
}

impl ReleaseError {
    pub(crate) fn new(bound: usize) -> Self {
        ReleaseError { bound }
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.bound;
        write!(f, "the semaphore is bounded to {bound} permits: release only what was forgotten")
    }
}

impl Error for ReleaseError {}
