//! Wakers that were collected under a lock and are invoked after it.
//!
//! A waker is user code: it may call back into the lock that it was kept under, and it may panic. So whoever ends waits
//! takes the wakers out while it holds the lock, and invokes them when it has let go. A wake that panics does not keep
//! the others from theirs: every waker is invoked, in order, and then the first panic goes on.
//!
//! Nearly always there is one waker or none, and then nothing is allocated.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;
use std::thread;

/// Wakers to invoke, in the order of their waits.
#[derive(Debug, Default)]
#[must_use = "these tasks sleep until they are woken"]
pub(crate) struct Wakers {
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakers {
    pub(crate) const fn new() -> Self {
        Wakers { first: None, more: Vec::new() }
    }

    pub(crate) fn push(&mut self, waker: Waker) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }

    /// Leaves nothing behind.
    pub(crate) fn take(&mut self) -> Wakers {
        match self.first {
            None => Wakers::new(),
            Some(_) => mem::take(self),
        }
    }

    /// Invokes each of them.
    pub(crate) fn wake(self) {
        let Some(first) = self.first else { return };
        if self.more.is_empty() && !thread::panicking() {
            return first.wake();
        }
        let mut panic = None;
        for waker in [first].into_iter().chain(self.more) {
            // Nothing of ours is in the closure but the waker, and that is gone afterwards.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                panic.get_or_insert(payload);
            }
        }
        match panic {
            // A second panic on top of the one that unwinds already would end the process.
            Some(payload) if !thread::panicking() => resume_unwind(payload),
            _ => {}
        }
    }
}

impl From<Option<Waker>> for Wakers {
    fn from(first: Option<Waker>) -> Self {
        Wakers { first, more: Vec::new() }
    }
}
