//! A waiter is given what it waits for, and is dropped before it looks: the next one in line must get it.
//!
//! The scenarios are written once, against a thing of which there is one. Each primitive that can hold such a thing goes
//! through all of them.

use crate::support::Task;
use pelmeni_sync::{BoundedSemaphore, Mutex, Notify, Semaphore};
use std::pin::Pin;
use std::sync::Arc;

/// A thing of which there is one. Dropping what `take` leads to gives it back.
trait Resource {
    fn take(&self) -> Taking<'_>;
}

type Taking<'a> = Pin<Box<dyn Future<Output = Box<dyn Held + 'a>> + 'a>>;

trait Held {}
impl<T> Held for T {}

fn hold<'a>(held: impl Held + 'a) -> Box<dyn Held + 'a> {
    Box::new(held)
}

impl Resource for Mutex<()> {
    fn take(&self) -> Taking<'_> {
        Box::pin(async { hold(self.lock().await) })
    }
}

impl Resource for Semaphore {
    fn take(&self) -> Taking<'_> {
        Box::pin(async { hold(self.acquire().await.unwrap()) })
    }
}

impl Resource for BoundedSemaphore {
    fn take(&self) -> Taking<'_> {
        Box::pin(async { hold(self.acquire().await.unwrap()) })
    }
}

/// All of a semaphore's three permits, as one thing.
struct AllOf(Semaphore);

impl Resource for AllOf {
    fn take(&self) -> Taking<'_> {
        Box::pin(async { hold(self.0.acquire_many(3).await.unwrap()) })
    }
}

impl Resource for Arc<Semaphore> {
    fn take(&self) -> Taking<'_> {
        Box::pin(async { hold(self.clone().acquire_owned().await.unwrap()) })
    }
}

/// A call that is passed around: who has heard it calls again when done.
struct Call(Notify);

impl Resource for Call {
    fn take(&self) -> Taking<'_> {
        Box::pin(async {
            self.0.notified().await;
            hold(Echo(&self.0))
        })
    }
}

struct Echo<'a>(&'a Notify);

impl Drop for Echo<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn call() -> Call {
    let notify = Notify::new();
    notify.notify_one();
    Call(notify)
}

/// Runs a scenario with every primitive.
fn with_each(scenario: impl Fn(&dyn Resource)) {
    scenario(&Mutex::new(()));
    scenario(&Semaphore::new(1));
    scenario(&BoundedSemaphore::new(1));
    scenario(&AllOf(Semaphore::new(3)));
    scenario(&Arc::new(Semaphore::new(1)));
    scenario(&call());
}

/// There is one, free, and not two.
#[track_caller]
fn there_is_one(resource: &dyn Resource) {
    let held = Task::new(resource.take()).ready();
    drop(Task::waiting(resource.take()));
    drop(held);
    drop(Task::new(resource.take()).ready());
}

#[test]
fn goes_to_the_next_in_line() {
    with_each(|resource| {
        let held = Task::new(resource.take()).ready();
        let first = Task::waiting(resource.take());
        let second = Task::waiting(resource.take());
        drop(held);
        assert!(first.is_woken());
        assert!(!second.is_woken());
        drop(first);
        assert!(second.is_woken());
        drop(second.ready());
        there_is_one(resource);
    });
}

#[test]
fn goes_back_if_nobody_is_in_line() {
    with_each(|resource| {
        let held = Task::new(resource.take()).ready();
        let only = Task::waiting(resource.take());
        drop(held);
        drop(only);
        there_is_one(resource);
    });
}

#[test]
fn passes_through_many_who_give_up() {
    with_each(|resource| {
        let held = Task::new(resource.take()).ready();
        let line: Vec<_> = (0..10).map(|_| Task::waiting(resource.take())).collect();
        let last = Task::waiting(resource.take());
        drop(held);
        drop(line);
        assert_eq!(last.wakes(), 1);
        drop(last.ready());
        there_is_one(resource);
    });
}

#[test]
fn those_behind_give_up_before() {
    with_each(|resource| {
        let held = Task::new(resource.take()).ready();
        let first = Task::waiting(resource.take());
        let second = Task::waiting(resource.take());
        let third = Task::waiting(resource.take());
        drop(second);
        drop(held);
        drop(first);
        assert!(third.is_woken());
        drop(third.ready());
        there_is_one(resource);
    });
}

#[test]
fn newcomer_does_not_get_it_before_those_in_line() {
    with_each(|resource| {
        let held = Task::new(resource.take()).ready();
        let first = Task::waiting(resource.take());
        let second = Task::waiting(resource.take());
        drop(held);
        let newcomer = Task::waiting(resource.take());
        drop(first);
        assert!(!newcomer.is_woken());
        drop(second.ready());
        assert!(newcomer.is_woken());
        drop(newcomer.ready());
        there_is_one(resource);
    });
}

#[test]
fn never_polled_takes_nothing() {
    with_each(|resource| {
        let idle = Task::new(resource.take());
        let held = Task::new(resource.take()).ready();
        let first = Task::waiting(resource.take());
        drop(held);
        drop(idle);
        drop(first.ready());
        there_is_one(resource);
    });
}

#[test]
fn dropped_by_a_panic_that_unwinds() {
    with_each(|resource| {
        let held = Task::new(resource.take()).ready();
        let first = Task::waiting(resource.take());
        let second = Task::waiting(resource.take());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _first = first;
            drop(held);
            panic!("in the middle of it");
        }));
        assert!(panicked.is_err());
        drop(second.ready());
        there_is_one(resource);
    });
}
