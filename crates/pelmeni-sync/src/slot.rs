//! A place for the waker of the one task that waits, next to a state, under its lock.

use std::task::Waker;

/// At most one waker.
#[derive(Debug, Default)]
pub(crate) struct Slot(Option<Waker>);

impl Slot {
    pub(crate) const fn new() -> Self {
        Slot(None)
    }

    /// Keeps `waker`, unless it is there already.
    ///
    /// Answers false if it would have to be cloned, which is not done under a lock: the caller lets go of it, puts the
    /// clone into `spare`, and looks at everything again. The waker that is replaced takes its place there.
    #[must_use]
    pub(crate) fn keep(&mut self, waker: &Waker, spare: &mut Option<Waker>) -> bool {
        if self.0.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            return true;
        }
        let Some(clone) = spare.take() else {
            return false;
        };
        *spare = self.0.replace(clone);
        true
    }

    /// Takes the waker out, to be invoked or dropped without the lock.
    #[must_use]
    pub(crate) fn take(&mut self) -> Option<Waker> {
        self.0.take()
    }
}
