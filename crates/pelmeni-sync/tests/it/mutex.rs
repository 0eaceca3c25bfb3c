//! The lock.

use crate::support::Task;
use pelmeni_sync::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[test]
fn free_lock_is_taken_without_waiting() {
    let mutex = Mutex::new(1);
    *Task::new(mutex.lock()).ready() += 1;
    assert_eq!(mutex.into_inner(), 2);
}

#[test]
fn says_whether_it_is_locked() {
    let mutex = Mutex::new(());
    assert!(!mutex.is_locked());
    let held = mutex.try_lock();
    assert!(mutex.is_locked());
    let next = Task::waiting(mutex.lock());
    drop(held);
    assert!(mutex.is_locked(), "it belongs to the next in line");
    drop(next.ready());
    assert!(!mutex.is_locked());
}

#[test]
fn panic_with_the_lock_held_releases_it() {
    let mutex = Mutex::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        *mutex.try_lock().unwrap() = 2;
        let _held = mutex.try_lock();
        panic!("in the middle of it");
    }));
    assert!(panicked.is_err());
    assert_eq!(*mutex.try_lock().unwrap(), 2);
}

#[test]
fn value_is_dropped_once() {
    let value = Arc::new(());
    let mut mutex = Mutex::new(value.clone());
    assert_eq!(Arc::strong_count(mutex.get_mut()), 2);
    drop(mutex);
    assert_eq!(Arc::strong_count(&value), 1);
    let taken = Mutex::new(value.clone()).into_inner();
    assert_eq!(Arc::strong_count(&value), 2);
    drop(taken);
}

#[test]
fn forgotten_guard_keeps_the_lock() {
    let mutex = Mutex::new(());
    std::mem::forget(mutex.try_lock());
    drop(Task::waiting(mutex.lock()));
    assert!(mutex.try_lock().is_none());
}

#[test]
fn forgotten_waiter_is_skipped_by_nobody_and_frees_nothing() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock();
    std::mem::forget(Task::waiting(mutex.lock()));
    drop(held);
    assert!(mutex.is_locked(), "it was given to the one that was forgotten");
}

#[test]
fn debug_shows_who_waits_and_locks_nothing() {
    let mutex = Mutex::new(5);
    let guard = mutex.try_lock().unwrap();
    let _next = Task::waiting(mutex.lock());
    assert_eq!(format!("{mutex:?}"), "Mutex { locked: true, waiting: 1, .. }");
    assert_eq!(format!("{guard:?} {guard}"), "5 5");
}
