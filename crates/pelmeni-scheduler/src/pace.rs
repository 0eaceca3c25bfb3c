//! What jobs of the blocking pool cost, by their kind, which says whether to wake a thread for them: [`Paces`].
//!
//! A guess follows the median: a job that cost more doubles it at most, one that cost less halves it at most. So a few that
//! were interrupted change nothing, and seven in a row take a kind from jobs that do nothing to those that are worth a wake
//! by themselves, or back. A kind that is not known counts as worth a wake.

use std::time::Duration;

use crate::cost::WAKE;
use crate::kinds::Kinds;

/// In nanoseconds: what a job costs beside what it does.
const BESIDE: u64 = 200;
/// In nanoseconds: the highest guess. What costs more is not told apart, so that a kind which becomes short is soon known.
const MOST: u64 = 4 * WAKE;
/// What is known of some kinds: the guess in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Paces(Kinds<u32>);

impl Paces {
    /// In nanoseconds: what a job of this kind costs.
    pub(crate) fn guess(&self, kind: usize) -> u64 {
        self.0.get(kind).map_or(WAKE, u64::from)
    }

    /// A job of this kind took so long.
    pub(crate) fn learn(&self, kind: usize, took: Duration) {
        let before = self.guess(kind);
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).saturating_add(BESIDE);
        let guess = took.clamp(before / 2, before.saturating_mul(2)).min(MOST);
        self.0.set(kind, guess as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::pays;

    const SOUP: usize = 0x1000;
    const TEA: usize = 0x1010;

    fn after(took: impl IntoIterator<Item = u64>) -> Paces {
        took.into_iter().fold(Paces::default(), |paces, took| {
            paces.learn(SOUP, Duration::from_nanos(took));
            paces
        })
    }

    #[test]
    fn unknown_kind_is_worth_a_wake() {
        assert!(pays(Paces::default().guess(SOUP)));
        assert!(pays(after([0; 20]).guess(TEA)), "another one is known");
    }

    #[test]
    fn short_jobs_are_worth_one_together() {
        let guess = after([0; 20]).guess(SOUP);
        assert!(!pays(50 * guess) && pays(100 * guess));
    }

    #[test]
    fn median_counts() {
        let some_interrupted = (0..90).map(|job| if job % 3 == 0 { 10_000_000 } else { 0 });
        assert!(!pays(16 * after(some_interrupted).guess(SOUP)));
        let most_block = (0..90).map(|job| if job % 3 == 0 { 0 } else { 10_000_000 });
        assert!(pays(after(most_block).guess(SOUP)));
    }

    #[test]
    fn jobs_that_begin_to_block_or_cease_to_are_noticed() {
        let block = || [0; 20].into_iter().chain([u64::MAX; 20]);
        assert!(pays(after(block()).guess(SOUP)));
        assert!(!pays(16 * after(block().chain([0; 10])).guess(SOUP)));
    }
}
