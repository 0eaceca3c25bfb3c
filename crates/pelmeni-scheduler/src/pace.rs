//! How long jobs of the blocking pool take, as far as it is known, and whether to wake a thread for some of them: [`Pace`].
//!
//! A guess that follows the median: a job that took longer than the guess doubles it at most, one that took less halves it
//! at most. So a few that were interrupted change nothing, and seven in a row take it from empty jobs to those that are worth
//! a wake by themselves. Nothing is known at first, and then a job counts as worth a wake.

use std::time::Duration;

use crate::cost::{WAKE, pays};

/// In nanoseconds: what a job costs beside what it does.
const BESIDE: u64 = 200;

/// The guess: what a job costs in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(u64);

impl Default for Pace {
    fn default() -> Self {
        Pace(WAKE)
    }
}

impl Pace {
    /// A job took so long.
    pub(crate) fn learn(&mut self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).saturating_add(BESIDE);
        self.0 = took.clamp(self.0 / 2, self.0.saturating_mul(2));
    }

    /// Says whether it pays to wake a thread for so many jobs.
    pub(crate) fn is_worth_a_wake(self, jobs: usize) -> bool {
        pays(self.0.saturating_mul(jobs as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(took: impl IntoIterator<Item = u64>) -> Pace {
        took.into_iter().fold(Pace::default(), |mut pace, took| {
            pace.learn(Duration::from_nanos(took));
            pace
        })
    }

    #[test]
    fn unknown_job_is_worth_a_wake() {
        assert!(Pace::default().is_worth_a_wake(1));
        assert!(!Pace::default().is_worth_a_wake(0));
    }

    #[test]
    fn short_jobs_are_worth_one_together() {
        let pace = after([0; 20]);
        assert!(!pace.is_worth_a_wake(50) && pace.is_worth_a_wake(100));
    }

    #[test]
    fn median_counts() {
        let some_interrupted = (0..90).map(|job| if job % 3 == 0 { 10_000_000 } else { 0 });
        assert!(!after(some_interrupted).is_worth_a_wake(16));
        let most_block = (0..90).map(|job| if job % 3 == 0 { 0 } else { 10_000_000 });
        assert!(after(most_block).is_worth_a_wake(1));
    }

    #[test]
    fn jobs_that_begin_to_block_are_noticed() {
        let pace = after([100; 20].into_iter().chain([1_000_000; 8]));
        assert!(pace.is_worth_a_wake(1));
    }
}
