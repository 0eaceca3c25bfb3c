//! Calls for one and for all.

use crate::support::Task;
use pelmeni_sync::Notify;

#[test]
fn call_is_kept_for_the_next_to_come() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    Task::new(notify.notified()).ready();
    drop(Task::waiting(notify.notified()));
}

#[test]
fn call_for_all_is_not_kept() {
    let notify = Notify::new();
    notify.notify_waiters();
    drop(Task::waiting(notify.notified()));
}

#[test]
fn call_for_all_reaches_futures_that_were_not_polled() {
    let notify = Notify::new();
    let early = Task::new(notify.notified());
    notify.notify_waiters();
    early.ready();
}

#[test]
fn unpolled_future_leaves_a_kept_call_to_others() {
    let notify = Notify::new();
    let early = Task::new(notify.notified());
    notify.notify_waiters();
    notify.notify_one();
    early.ready();
    Task::new(notify.notified()).ready();
    drop(Task::waiting(notify.notified()));
}

#[test]
fn call_for_all_that_is_not_heard_goes_to_nobody() {
    let notify = Notify::new();
    let first = Task::waiting(notify.notified());
    notify.notify_waiters();
    let second = Task::waiting(notify.notified());
    drop(first);
    assert!(!second.is_woken());
    drop(second);
    drop(Task::waiting(notify.notified()));
}

#[test]
fn call_for_one_that_is_not_heard_survives_a_call_for_all() {
    let notify = Notify::new();
    let first = Task::waiting(notify.notified());
    notify.notify_one();
    notify.notify_waiters();
    drop(first);
    Task::new(notify.notified()).ready();
}

#[test]
fn debug_shows_the_kept_call() {
    let notify = Notify::new();
    let _waits = Task::waiting(notify.notified());
    assert_eq!(format!("{notify:?}"), "Notify { permit: false, waiting: 1 }");
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn polled_after_it_was_ready() {
    let notify = Notify::new();
    let mut task = Task::new(notify.notified());
    notify.notify_one();
    assert!(task.poll().is_ready());
    let _ = task.poll();
}
