//! Both semaphores.

use crate::support::Task;
use pelmeni_sync::{BoundedSemaphore, Semaphore};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[test]
fn permits_go_out_and_come_back() {
    let semaphore = Semaphore::new(3);
    let two = Task::new(semaphore.acquire_many(2)).ready().unwrap();
    assert_eq!((two.count(), semaphore.available_permits()), (2, 1));
    drop(Task::waiting(semaphore.acquire_many(2)));
    drop(two);
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn no_permits_at_all_can_be_had_but_not_out_of_turn() {
    let semaphore = Semaphore::new(0);
    assert_eq!(semaphore.try_acquire_many(0).unwrap().count(), 0);
    let one = Task::waiting(semaphore.acquire());
    let none = Task::waiting(semaphore.acquire_many(0));
    drop(one);
    assert!(none.is_woken());
}

#[test]
fn forgotten_permits_do_not_come_back() {
    let semaphore = Arc::new(Semaphore::new(3));
    semaphore.try_acquire().unwrap().forget();
    Task::new(semaphore.clone().acquire_owned()).ready().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(Arc::strong_count(&semaphore), 1);
}

#[test]
fn owned_permit_keeps_the_semaphore() {
    let semaphore = Arc::new(Semaphore::new(2));
    let permit = Task::new(semaphore.clone().acquire_many_owned(2)).ready().unwrap();
    assert!(Arc::ptr_eq(permit.semaphore(), &semaphore));
    assert_eq!(permit.count(), 2);
    drop(permit);
    assert_eq!((Arc::strong_count(&semaphore), semaphore.available_permits()), (1, 2));
}

#[test]
fn closing_ends_all_waits_and_those_to_come() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.try_acquire().unwrap();
    let line = [(); 2].map(|()| Task::waiting(semaphore.acquire()));
    semaphore.close();
    assert!(semaphore.is_closed());
    for task in line {
        assert!(task.is_woken());
        assert_eq!(task.ready().unwrap_err().to_string(), "the semaphore is closed");
    }
    drop(held);
    assert!(Task::new(semaphore.acquire()).ready().is_err());
    assert!(semaphore.try_acquire().unwrap_err().is_closed());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn granted_before_it_was_closed() {
    let semaphore = Semaphore::new(0);
    let task = Task::waiting(semaphore.acquire());
    semaphore.add_permits(1);
    semaphore.close();
    assert_eq!(task.ready().unwrap().count(), 1);
}

#[test]
fn more_permits_than_can_be_counted() {
    let semaphore = Semaphore::new(usize::MAX - 1);
    let held = semaphore.try_acquire_many(usize::MAX - 1).unwrap();
    semaphore.add_permits(1);
    let added = catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(1)));
    assert!(added.is_err());
    drop(held);
    assert_eq!(semaphore.available_permits(), usize::MAX);
}

#[test]
fn bounded_takes_back_only_what_was_forgotten() {
    let semaphore = BoundedSemaphore::new(2);
    assert!(semaphore.release(1).is_err());
    let held = semaphore.try_acquire().unwrap();
    assert!(semaphore.release(1).is_err(), "the permit in use counts");
    held.forget();
    let error = semaphore.release(2).unwrap_err();
    assert!(error.to_string().contains("bounded to 2 permits"));
    assert_eq!(semaphore.release(1), Ok(()));
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn bounded_release_serves_the_line() {
    let semaphore = BoundedSemaphore::new(1);
    semaphore.try_acquire().unwrap().forget();
    let task = Task::waiting(semaphore.acquire_many(1));
    semaphore.release(1).unwrap();
    assert!(task.is_woken());
    semaphore.close();
    assert!(semaphore.is_closed());
}

#[test]
fn debug_shows_the_numbers() {
    let semaphore = Semaphore::new(1);
    let _large = Task::waiting(semaphore.acquire_many(2));
    let shown = "Semaphore { available: 1, waiting: 1, closed: false }";
    assert_eq!(format!("{semaphore:?}"), shown);
}
