//! How late the kernel may end a thread's sleep: 50 us unless told otherwise, so as to end several at once.
//!
//! A worker that sleeps until its next timer wants to be on time; while one is at work, its thread has the least slack
//! that there is. Elsewhere than on Linux there is nothing to set, and the twin of this file does nothing.

use std::num::NonZeroU64;

use rustix::thread::{current_timer_slack, set_current_timer_slack};

/// While it exists, sleeps of the thread that made it end on time. It belongs on that thread's stack.
#[derive(Debug)]
pub struct Punctual {
    before: Option<NonZeroU64>,
}

impl Punctual {
    /// Has this thread's sleeps end on time. That it may not is no error: they end a little later.
    pub fn begin() -> Punctual {
        let before = current_timer_slack().ok().and_then(NonZeroU64::new);
        let _ = set_current_timer_slack(Some(NonZeroU64::MIN));
        Punctual { before }
    }
}

impl Drop for Punctual {
    fn drop(&mut self) {
        if self.before.is_some() {
            let _ = set_current_timer_slack(self.before);
        }
    }
}
