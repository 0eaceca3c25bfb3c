//! What a worker remembers of the jobs that it has sent to the blocking pool: [`Errands`].
//!
//! A job is *awaited* if its worker had nothing to do since it sent the one before: its tasks send jobs, and wait for them.
//! If such jobs are short, both ends of the way are worth a wait while awake: the pool's thread is [alert](crate::lookout)
//! until the next job, and, where it was when a job came, the worker is until the end of one. A worker that has other things
//! to do gains nothing by that, and a thread that is alert would take a core from whoever could help it.

use std::cell::Cell;

use crate::cores::has_cores;
use crate::patience::{LOOKS, Patience};

/// Of one worker.
#[derive(Debug, Default)]
pub(crate) struct Errands {
    /// There was nothing to do since the last one.
    was_idle: Cell<bool>,
    /// One will soon be over.
    is_quick: Cell<bool>,
    patience: Cell<Patience>,
}

impl Errands {
    /// Says whether the job that is sent is awaited, and others would have a core to themselves during a wait for it.
    pub(crate) fn send(&self) -> bool {
        self.was_idle.take() && has_cores()
    }

    /// The worker has nothing to do.
    pub(crate) fn idle(&self) {
        self.was_idle.set(true);
    }

    /// The worker has been busy for so long that the end of no job is due any more.
    pub(crate) fn forget(&self) {
        self.is_quick.set(false);
    }

    /// Says whether the end of a job is due.
    pub(crate) fn is_due(&self) -> bool {
        self.is_quick.get()
    }

    /// A thread that is awake takes the job.
    pub(crate) fn expect_soon(&self) {
        self.is_quick.set(true);
    }

    /// Before a sleep: stays awake for a moment if the end of a job is due.
    pub(crate) fn await_end(&self, has_come: impl Fn() -> bool) {
        if !self.is_quick.take() {
            return;
        }
        let mut patience = self.patience.get();
        patience.wait(LOOKS, has_come);
        self.patience.set(patience);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_is_awaited_if_there_was_nothing_to_do_since_the_one_before() {
        let errands = Errands::default();
        for _ in 0..3 {
            errands.idle();
            assert_eq!(errands.send(), has_cores());
            assert!(!errands.send());
        }
    }

    #[test]
    fn end_is_due_once_after_a_job_that_a_thread_has_taken() {
        let errands = Errands::default();
        errands.send();
        errands.await_end(|| panic!("it waits for nothing"));
        errands.expect_soon();
        assert!(errands.is_due());
        let looks = Cell::new(0);
        errands.await_end(|| looks.replace(looks.get() + 1) > 0);
        assert_eq!(looks.get(), 2);
        assert!(!errands.is_due());
        errands.await_end(|| panic!("it has waited"));
        errands.expect_soon();
        errands.forget();
        errands.await_end(|| panic!("that was long ago"));
    }
}
