//! The barrier.

use crate::support::Task;
use pelmeni_sync::Barrier;

#[test]
fn all_go_on_when_the_last_arrives() {
    let barrier = Barrier::new(3);
    let first = Task::waiting(barrier.wait());
    let second = Task::waiting(barrier.wait());
    assert_eq!((barrier.waiting(), barrier.parties()), (2, 3));
    let third = Task::new(barrier.wait()).ready();
    assert_eq!([first.ready(), second.ready(), third], [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(barrier.waiting(), 0);
}

#[test]
fn next_round_begins_before_the_last_one_has_woken() {
    let barrier = Barrier::new(2);
    let slow = Task::waiting(barrier.wait());
    assert_eq!(Task::new(barrier.wait()).ready(), Ok(1));
    let next = Task::waiting(barrier.wait());
    assert_eq!(slow.ready(), Ok(0));
    assert!(!next.is_woken());
}

#[test]
fn one_gives_up_and_the_others_wait_on() {
    let barrier = Barrier::new(3);
    let first = Task::waiting(barrier.wait());
    let second = Task::waiting(barrier.wait());
    drop(first);
    assert_eq!(barrier.waiting(), 1);
    let third = Task::waiting(barrier.wait());
    assert_eq!(Task::new(barrier.wait()).ready(), Ok(2));
    assert_eq!([second.ready(), third.ready()], [Ok(0), Ok(1)]);
}

#[test]
fn one_gives_up_after_all_have_arrived() {
    let barrier = Barrier::new(2);
    let first = Task::waiting(barrier.wait());
    assert_eq!(Task::new(barrier.wait()).ready(), Ok(1));
    drop(first);
    assert_eq!(barrier.waiting(), 0);
    drop(Task::waiting(barrier.wait()));
}

#[test]
fn reset_sends_away_who_waits_and_no_later_one() {
    let barrier = Barrier::new(2);
    let waits = Task::waiting(barrier.wait());
    barrier.reset();
    assert!(waits.is_woken() && waits.ready().is_err());
    assert!(!barrier.is_broken());
    let first = Task::waiting(barrier.wait());
    assert_eq!(Task::new(barrier.wait()).ready(), Ok(1));
    assert_eq!(first.ready(), Ok(0));
}

#[test]
fn aborted_until_it_is_reset() {
    let barrier = Barrier::new(2);
    let waits = Task::waiting(barrier.wait());
    barrier.abort();
    assert!(barrier.is_broken());
    let error = waits.ready().unwrap_err();
    assert_eq!(error.to_string(), "the barrier was reset or aborted");
    assert!(Task::new(barrier.wait()).ready().is_err());
    barrier.reset();
    drop(Task::waiting(barrier.wait()));
}

#[test]
fn barrier_for_one_never_waits() {
    let barrier = Barrier::new(1);
    assert_eq!(Task::new(barrier.wait()).ready(), Ok(0));
    assert_eq!(Task::new(barrier.wait()).ready(), Ok(0));
}

#[test]
#[should_panic(expected = "write 1 or more")]
fn barrier_for_nobody() {
    Barrier::new(0);
}
