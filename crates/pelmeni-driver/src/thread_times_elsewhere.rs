//! The twin of `thread_times.rs` where the system does not say.

use std::time::Duration;

/// Of one thread, since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadTimes {
    /// How long it has run.
    pub ran: Duration,
    /// How long it could have run, and another had the core.
    pub waited: Duration,
}

/// Zero: threads have no numbers here.
pub fn this_thread() -> usize {
    0
}

impl ThreadTimes {
    /// `None`: the system does not say.
    pub fn of(_: usize) -> Option<ThreadTimes> {
        None
    }
}
