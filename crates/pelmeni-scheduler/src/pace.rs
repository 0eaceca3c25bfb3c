//! What jobs of the blocking pool cost, by their kind, which says whether to wake a thread for them: [`Paces`].
//!
//! A guess follows the median: a job that cost more doubles it at most, one that cost less halves it at most. So a few that
//! were interrupted change nothing, and seven in a row take a kind from jobs that do nothing to those that are worth a wake
//! by themselves, or back. A kind that is not known counts as worth a wake.

use std::time::Duration;

use crate::cost::WAKE;

/// In nanoseconds: what a job costs beside what it does.
const BESIDE: u64 = 200;
/// How many kinds are known at a time.
const KINDS: usize = 64;

/// What is known of some kinds: the address of a table of functions, and the guess in nanoseconds.
#[derive(Debug)]
pub(crate) struct Paces(Box<[(usize, u64); KINDS]>);

impl Default for Paces {
    fn default() -> Self {
        Paces(Box::new([(0, WAKE); KINDS]))
    }
}

impl Paces {
    /// In nanoseconds: what a job of this kind costs.
    pub(crate) fn guess(&self, kind: usize) -> u64 {
        let (known, guess) = self.0[place(kind)];
        if known == kind { guess } else { WAKE }
    }

    /// A job of this kind took so long.
    pub(crate) fn learn(&mut self, kind: usize, took: Duration) {
        let before = self.guess(kind);
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).saturating_add(BESIDE);
        // What costs more than a wake by far is not told apart, so that a kind which becomes short is soon known.
        let guess = took.clamp(before / 2, before.saturating_mul(2)).min(4 * WAKE);
        self.0[place(kind)] = (kind, guess);
    }
}

fn place(kind: usize) -> usize {
    // Addresses of tables, aligned and close to one another.
    ((kind >> 4) ^ (kind >> 10)) % KINDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::pays;

    const SOUP: usize = 0x1000;
    const TEA: usize = 0x1010;
    const LIKE_SOUP: usize = SOUP + (KINDS << 4 << 6);

    fn after(took: impl IntoIterator<Item = u64>) -> Paces {
        took.into_iter().fold(Paces::default(), |mut paces, took| {
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

    #[test]
    fn kinds_in_one_place_are_not_taken_for_each_other() {
        assert_eq!(place(SOUP), place(LIKE_SOUP));
        let mut paces = after([0; 20]);
        assert!(pays(paces.guess(LIKE_SOUP)));
        paces.learn(LIKE_SOUP, Duration::ZERO);
        assert!(pays(paces.guess(SOUP)), "forgotten");
    }
}
