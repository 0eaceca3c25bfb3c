//! The order of the line, for every primitive that has one.

use crate::support::Task;
use pelmeni_sync::{Mutex, Notify, Semaphore};

#[test]
fn mutex() {
    let mutex = Mutex::new(());
    let mut held = mutex.try_lock();
    let mut line: Vec<_> = (0..5).map(|_| Task::waiting(mutex.lock())).collect();
    while !line.is_empty() {
        drop(held);
        let woken: Vec<_> = line.iter().map(Task::is_woken).collect();
        assert!(woken[0] && !woken[1..].contains(&true), "{woken:?}");
        held = Some(line.remove(0).ready());
    }
}

#[test]
fn semaphore() {
    let semaphore = Semaphore::new(0);
    let line: Vec<_> = (0..5).map(|_| Task::waiting(semaphore.acquire())).collect();
    semaphore.add_permits(2);
    let woken: Vec<_> = line.iter().map(Task::is_woken).collect();
    assert_eq!(woken, [true, true, false, false, false]);
    drop(line);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn small_request_does_not_overtake_a_large_one() {
    let semaphore = Semaphore::new(2);
    let held = semaphore.try_acquire().unwrap();
    let large = Task::waiting(semaphore.acquire_many(2));
    let small = Task::waiting(semaphore.acquire());
    assert!(semaphore.try_acquire().unwrap_err().is_exhausted());
    assert_eq!(semaphore.available_permits(), 1);
    drop(held);
    assert!(large.is_woken() && !small.is_woken());
    drop(large.ready());
    drop(small.ready());
}

#[test]
fn large_request_gives_up_and_lets_the_small_ones_behind_it_go() {
    let semaphore = Semaphore::new(2);
    let large = Task::waiting(semaphore.acquire_many(3));
    let small = [(); 3].map(|()| Task::waiting(semaphore.acquire()));
    drop(large);
    assert_eq!(small.each_ref().map(Task::is_woken), [true, true, false]);
}

#[test]
fn one_release_serves_several() {
    let semaphore = Semaphore::new(4);
    let held = semaphore.try_acquire_many(4).unwrap();
    let line = [1, 2, 2].map(|count| Task::waiting(semaphore.acquire_many(count)));
    drop(held);
    assert_eq!(line.each_ref().map(Task::is_woken), [true, true, false]);
}

#[test]
fn who_releases_and_asks_again_stands_in_line() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock();
    let other = Task::waiting(mutex.lock());
    drop(held);
    assert!(mutex.try_lock().is_none());
    let again = Task::waiting(mutex.lock());
    drop(other.ready());
    drop(again.ready());
}

#[test]
fn notify_one_calls_the_longest_wait() {
    let notify = Notify::new();
    let line = [(); 3].map(|()| Task::waiting(notify.notified()));
    notify.notify_one();
    assert_eq!(line.each_ref().map(Task::is_woken), [true, false, false]);
    notify.notify_one();
    assert_eq!(line.each_ref().map(Task::is_woken), [true, true, false]);
}
