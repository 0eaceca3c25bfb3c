//! `#[pelmeni::test]`: the functions below are tests made by it.

use crate::stand_in::threads_asked_for;
use std::sync::atomic::{AtomicUsize, Ordering};

#[pelmeni_macros::test]
async fn plain() {
    assert_eq!(threads_asked_for(), None);
}

#[pelmeni_macros::test(threads = 2)]
async fn on_two_threads() -> Result<(), String> {
    match threads_asked_for() {
        Some(2) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// If the panic were not that of the function, or another attribute were lost, this would fail.
#[pelmeni_macros::test]
#[should_panic(expected = "boiled over")]
async fn attributes_below_keep_their_meaning() {
    panic!("boiled over");
}

/// Each count is a test that must panic by itself.
#[pelmeni_macros::test(threads = [1, 2])]
#[should_panic(expected = "on threads")]
async fn every_count_has_to_panic() {
    panic!("on threads: {:?}", threads_asked_for());
}

/// A module, so that the names of the tests made from one function are all there is in it.
mod each_count {
    use super::{AtomicUsize, Ordering, threads_asked_for};

    static RUNS: AtomicUsize = AtomicUsize::new(0);

    #[pelmeni_macros::test(threads = [1, 2, 8])]
    async fn counted() {
        RUNS.fetch_add(threads_asked_for().expect("a count was given"), Ordering::Relaxed);
    }

    #[test]
    fn makes_one_test_per_count() {
        let before = RUNS.load(Ordering::Relaxed);
        counted_on_1_thread();
        counted_on_2_threads();
        counted_on_8_threads();
        assert!(RUNS.load(Ordering::Relaxed) >= before + 11);
    }
}
