//! In a pelmeni task a wait that never has to wait still lets others run, and stops for a request to cancel.

use crate::support::in_time;
use pelmeni_core::{Cause, JoinError, JoinHandle, Runnable, Schedule, TaskInfo, coop, task};
use pelmeni_sync::{Barrier, BoundedSemaphore, Event, Mutex, Notify, Semaphore, oneshot};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A scheduler of one queue.
struct Queue(Sender<Runnable>);

// SAFETY: `schedule` works on a clone, and nothing of its own.
#[expect(unsafe_code, reason = "the promise of a scheduler")]
unsafe impl Schedule for Queue {
    fn schedule(&self, task: Runnable, _: Cause) {
        let queue = self.0.clone();
        queue.send(task).expect("the test keeps the queue");
    }

    fn release(&self) {}

    fn describe(&self) -> TaskInfo {
        TaskInfo::new(None, Location::caller())
    }

    fn unobserved(&self, panic: &JoinError) {
        panic!("{panic}");
    }
}

fn spawn<F>(future: F) -> (Receiver<Runnable>, JoinHandle<F::Output>)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (sender, queue) = channel();
    let (runnable, handle) = task(future, None, |_| Queue(sender.clone()));
    sender.send(runnable).expect("the queue is here");
    (queue, handle)
}

/// Repeats for ever what is ready every time. It must come back to the scheduler after the budget, and go on later; and
/// it must end when it is cancelled.
fn lets_others_run<F: Future + Send>(operation: impl Fn() -> F + Send + 'static) {
    in_time(move || {
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        let (queue, handle) = spawn(async move {
            loop {
                operation().await;
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        for poll in 1..=3 {
            queue.try_recv().expect("it is ready").run();
            assert_eq!(done.load(Ordering::SeqCst), poll * coop::BUDGET as usize);
        }
        handle.cancel();
        while let Ok(runnable) = queue.try_recv() {
            runnable.run();
        }
        assert_eq!(done.load(Ordering::SeqCst), 3 * coop::BUDGET as usize);
        assert!(handle.is_finished());
    });
}

#[test]
fn mutex() {
    let mutex = Arc::new(Mutex::new(()));
    lets_others_run(move || {
        let mutex = mutex.clone();
        async move { drop(mutex.lock().await) }
    });
}

#[test]
fn semaphores() {
    let semaphore = Arc::new(Semaphore::new(1));
    lets_others_run(move || semaphore.clone().acquire_owned());
    let semaphore = Arc::new(BoundedSemaphore::new(1));
    lets_others_run(move || {
        let semaphore = semaphore.clone();
        async move { drop(semaphore.acquire().await) }
    });
}

#[test]
fn event() {
    let event = Arc::new(Event::new());
    event.set();
    lets_others_run(move || {
        let event = event.clone();
        async move { event.wait().await }
    });
}

#[test]
fn notify() {
    let notify = Arc::new(Notify::new());
    lets_others_run(move || {
        let notify = notify.clone();
        async move {
            notify.notify_one();
            notify.notified().await;
        }
    });
}

#[test]
fn barrier() {
    let barrier = Arc::new(Barrier::new(1));
    lets_others_run(move || {
        let barrier = barrier.clone();
        async move { barrier.wait().await }
    });
}

#[test]
fn both_halves_of_a_channel() {
    lets_others_run(|| {
        let (sender, receiver) = oneshot::channel();
        sender.send(1).expect("the receiver is here");
        receiver
    });
    lets_others_run(|| async {
        let (mut sender, _) = oneshot::channel::<u8>();
        sender.closed().await;
    });
}

#[test]
fn cancelled_with_the_lock_granted() {
    let mutex = Arc::new(Mutex::new(()));
    let held = mutex.try_lock();
    let shared = mutex.clone();
    let (queue, handle) = spawn(async move { drop(shared.lock().await) });
    queue.try_recv().expect("it was spawned").run();
    drop(held);
    handle.cancel();
    while let Ok(runnable) = queue.try_recv() {
        runnable.run();
    }
    assert!(handle.is_finished());
    assert!(!mutex.is_locked(), "the cancelled task has kept the lock");
}
