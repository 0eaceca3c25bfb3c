//! The sleep token of a thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use pelmeni_core::park::{Parker, Unparked};

/// Longer than any test takes: a park that waits for it has failed.
const FOR_EVER: Duration = Duration::from_secs(60);

#[test]
fn token_that_came_first_is_taken_without_sleep() {
    let parker = Parker::new();
    assert_eq!(parker.unpark(), Unparked::Awake);
    parker.park(None);
}

#[test]
fn tokens_coalesce() {
    let parker = Parker::new();
    let _ = parker.unpark();
    let _ = parker.unpark();
    parker.park(None);
    // There is no second token: this one ends by its timeout.
    parker.park(Some(Duration::from_millis(1)));
}

#[test]
fn timeout_ends_the_sleep_and_leaves_nothing() {
    let parker = Parker::new();
    parker.park(Some(Duration::from_millis(1)));
    parker.park(Some(Duration::ZERO));
    let _ = parker.unpark();
    parker.park(Some(FOR_EVER));
}

#[test]
fn thread_that_has_a_token_does_not_leave() {
    let parker = Parker::new();
    let _ = parker.unpark();
    assert!(!parker.leave_for(0), "there was a token");
    assert!(parker.leave_for(3), "and it was taken");
    assert_eq!(parker.unpark(), Unparked::Elsewhere(3));
    assert_eq!(parker.unpark(), Unparked::Awake, "one interruption is enough");
    parker.come_back();
    assert!(parker.leave_for(0), "coming back takes the token");
    parker.come_back();
}

#[test]
fn two_threads_pass_a_ball() {
    const ROUNDS: usize = 2_000;

    let ball = AtomicUsize::new(0);
    let parkers = [Parker::new(), Parker::new()];
    let play = |own: usize| {
        for round in (own..ROUNDS).step_by(2) {
            while ball.load(Ordering::Relaxed) != round {
                parkers[own].park(None);
            }
            ball.store(round + 1, Ordering::Relaxed);
            let _ = parkers[1 - own].unpark();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| play(1));
        play(0);
    });
    assert_eq!(ball.into_inner(), ROUNDS);
}

#[test]
fn many_unpark_one() {
    const THREADS: usize = 4;
    const TOKENS: usize = 500;

    let shared = (Parker::new(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..TOKENS {
                    shared.1.fetch_add(1, Ordering::Relaxed);
                    let _ = shared.0.unpark();
                }
            });
        }
        while shared.1.load(Ordering::Relaxed) < THREADS * TOKENS {
            shared.0.park(None);
        }
    });
}
