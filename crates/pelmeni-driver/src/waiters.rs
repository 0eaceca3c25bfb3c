//! The wakers of one direction of one source. The first has a place of its own: nearly always nobody else comes.

use std::task::Waker;

use crate::crowd::Crowd;

/// Those who wait. What guards them is the readiness word of their direction.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    first: Option<Waker>,
    pub(crate) crowd: Option<Box<Crowd>>,
}

impl Waiters {
    /// Looks for an equal waker; if it is there, nothing needs to be added.
    pub(crate) fn find(&mut self, waker: &Waker) -> bool {
        self.first.as_ref().is_some_and(|first| first.will_wake(waker))
            || self.crowd.as_mut().is_some_and(|crowd| crowd.find(waker))
    }

    /// Adds a waker. A crowd that has become too large is handed to the caller, who must let go of the lock,
    /// [`call`](Crowd::call) the roll and bring it [`back`](Waiters::rejoin).
    #[must_use]
    pub(crate) fn add(&mut self, waker: Waker) -> Option<Box<Crowd>> {
        if self.first.is_none() {
            self.first = Some(waker);
            return None;
        }
        let crowd = self.crowd.get_or_insert_default();
        crowd.add(waker);
        if crowd.is_too_large() { self.crowd.take() } else { None }
    }

    /// Adds a crowd that has called its roll to whoever came in the meantime.
    pub(crate) fn rejoin(&mut self, mut crowd: Box<Crowd>) {
        if let Some(meantime) = self.crowd.take() {
            crowd.join(*meantime);
        }
        self.crowd = Some(crowd);
    }

    /// Moves all wakers to `wakers`.
    pub(crate) fn take(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.first.take());
        if let Some(crowd) = self.crowd.take() {
            wakers.extend(crowd.leave());
        }
    }
}
