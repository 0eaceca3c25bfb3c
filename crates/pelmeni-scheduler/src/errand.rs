//! What a worker remembers of the jobs that it has sent to the blocking pool since it last had nothing to do: [`Errands`].
//!
//! A task that sends a job and waits for it, as the only one that has anything to do, is a *lone caller*: its worker
//! sends one job between two such moments; a short one may be over before it sleeps. If that job is short, both ends
//! of the way are worth a wait while awake: the pool's thread is [alert](crate::lookout) until the next job, and,
//! where it was when the job came, the worker is until the end of the job.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::patience::{Patience, stay_awake};

/// Of one worker.
#[derive(Debug, Default)]
pub(crate) struct Errands {
    sent: Cell<u32>,
    /// There was nothing to do after the last one.
    was_idle: Cell<bool>,
    /// The last one will soon be over.
    is_quick: Cell<bool>,
    patience: Cell<Patience>,
}

impl Errands {
    /// Counts a job; says whether it is the only one so far, and others would have a core to themselves during a wait for it.
    pub(crate) fn send(&self) -> bool {
        let before = if self.was_idle.take() { 0 } else { self.sent.get() };
        let sent = before.saturating_add(1);
        self.sent.set(sent);
        sent == 1 && has_cores()
    }

    /// The worker has nothing to do.
    pub(crate) fn idle(&self) {
        self.was_idle.set(true);
    }

    /// Says whether there was one job, which will soon be over.
    pub(crate) fn is_due(&self) -> bool {
        self.sent.get() == 1 && self.is_quick.get()
    }

    /// A thread that is awake takes the job.
    pub(crate) fn expect_soon(&self) {
        self.is_quick.set(true);
    }

    /// Before a sleep: stays awake for a moment if the end of a job is due.
    pub(crate) fn await_end(&self, has_come: impl Fn() -> bool) {
        let is_due = self.is_due();
        self.sent.set(0);
        self.is_quick.set(false);
        if !is_due {
            return;
        }
        let mut patience = self.patience.get();
        if patience.is_left() {
            patience.learn(stay_awake(has_come));
        }
        self.patience.set(patience);
    }
}

/// Says whether this process has more than one core. It takes long to find out, and most programs need not know.
fn has_cores() -> bool {
    static HAS_CORES: OnceLock<bool> = OnceLock::new();
    *HAS_CORES.get_or_init(|| num_cpus::get() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_is_lone_whose_job_is_over_before_the_worker_sleeps() {
        let errands = Errands::default();
        for _ in 0..3 {
            assert_eq!(errands.send(), has_cores());
            errands.idle();
        }
    }

    #[test]
    fn end_is_due_of_one_job_that_a_thread_has_taken_and_of_no_two() {
        let errands = Errands::default();
        errands.send();
        assert!(!errands.is_due());
        errands.expect_soon();
        assert!(errands.is_due());
        errands.send();
        errands.expect_soon();
        assert!(!errands.is_due());
        errands.await_end(|| panic!("it waits for nothing"));
    }

    #[test]
    fn two_jobs_at_a_time_are_no_lone_callers() {
        let errands = Errands::default();
        errands.idle();
        errands.send();
        assert!(!errands.send());
    }
}
