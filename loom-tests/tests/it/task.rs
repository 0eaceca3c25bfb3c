//! Wakes, polls, requests and the end of a task: the state word of pelmeni-core.

use std::future::{pending, poll_fn};
use std::task::{Context, Poll};

use loom::sync::Arc;
use loom::thread;
use pelmeni_core::cancel::catch_cancel;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::{Cause, JoinHandle, Runnable};
use pelmeni_loom_tests::{Model, Queue, block_on, reach};

use crate::support::{Cup, Drops};

/// What a task waits for: that a number, which is no synchronisation by itself, becomes large enough.
type Level = Arc<AtomicUsize>;

/// Waits until the level is reached. It keeps no waker: the models wake by one of the task's first poll.
async fn reached(level: Level, enough: usize) {
    poll_fn(|_| match level.load(Ordering::Relaxed) {
        now if now >= enough => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

/// A task that was polled once, is idle, and waits for the level; with `count` of its wakers.
struct Waiting<const COUNT: usize> {
    queue: Queue,
    level: Level,
    handle: JoinHandle<()>,
    wakers: [std::task::Waker; COUNT],
}

fn waiting<const COUNT: usize>() -> Waiting<COUNT> {
    let queue = Queue::new();
    let level = Level::default();
    let cup = Cup::default();
    let handle = queue.spawn({
        let (cup, level) = (cup.clone(), level.clone());
        async move {
            cup.fill().await;
            reached(level, COUNT).await;
        }
    });
    queue.run_ready();
    let waker = cup.take();
    let wakers = std::array::from_fn(|_| waker.clone());
    Waiting { queue, level, handle, wakers }
}

/// After a wake the task is polled again and sees what was stored before, whatever it was doing when the wake came.
#[test]
fn wake_while_polled() {
    let cases = &["woken while idle", "woken while scheduled or polled"];
    Model::new("task::wake_while_polled").reaches(cases).check(|| {
        let Waiting { queue, level, handle, wakers: [first, second] } = waiting::<2>();
        // One wake now, so that the other comes while the task is scheduled, polled, or idle again.
        level.fetch_add(1, Ordering::Relaxed);
        first.wake();
        let other = thread::spawn(move || {
            level.fetch_add(1, Ordering::Relaxed);
            second.wake_by_ref();
        });
        queue.run();
        other.join().unwrap();
        assert!(handle.is_finished());
        match queue.submitted(Cause::Wake) {
            1 => reach("woken while scheduled or polled"),
            2 => reach("woken while idle"),
            other => panic!("submitted {other} times by two wakes"),
        }
    });
}

/// A poll on one thread and the next poll on another do not overlap, and the second sees what the first has written.
#[test]
fn polled_by_one_thread_then_by_another() {
    let cases = &["moved to the other thread"];
    Model::new("task::polled_by_one_thread_then_by_another").reaches(cases).check(|| {
        let Waiting { queue, level, handle, wakers: [first, second] } = waiting::<2>();
        first.wake();
        let runnable = queue.try_next().expect("the task was woken");
        let other = thread::spawn({
            let queue = queue.clone();
            move || {
                level.fetch_add(2, Ordering::Relaxed);
                second.wake();
                if let Some(runnable) = queue.try_next() {
                    reach("moved to the other thread");
                    runnable.run();
                }
            }
        });
        runnable.run();
        other.join().unwrap();
        queue.run();
        drop(handle);
    });
}

/// Two wakers, one of which gives its reference up with the wake: no wake is lost, and the references come out even.
#[test]
fn two_wakes_at_once() {
    let cases = &["polled once", "polled twice"];
    Model::new("task::two_wakes_at_once").reaches(cases).check(|| {
        let Waiting { queue, level, handle, wakers: [first, second] } = waiting::<2>();
        let by_reference = thread::spawn({
            let level = level.clone();
            move || {
                level.fetch_add(1, Ordering::Relaxed);
                first.wake_by_ref();
            }
        });
        let by_value = thread::spawn(move || {
            level.fetch_add(1, Ordering::Relaxed);
            second.wake();
        });
        queue.run();
        by_reference.join().unwrap();
        by_value.join().unwrap();
        assert!(handle.is_finished());
        match queue.submitted(Cause::Wake) + queue.submitted(Cause::Again) {
            1 => reach("polled once"),
            2 => reach("polled twice"),
            other => panic!("submitted {other} times by two wakes"),
        }
    });
}

/// An abort ends a task that nothing else would wake.
#[test]
fn abort_while_polled() {
    Model::new("task::abort_while_polled").check(|| {
        let queue = Queue::new();
        let drops = Drops::default();
        let future = drops.track();
        let handle = queue.spawn(async move {
            let _future = future;
            pending::<()>().await;
        });
        let killer = handle.abort_handle();
        let other = thread::spawn(move || killer.abort());
        queue.run();
        other.join().unwrap();
        assert!(block_on(handle).unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
    });
}

/// Abort, wake and completion at once: the task ends as cancelled or with its output, once.
#[test]
fn abort_races_completion() {
    let cases = &["cancelled", "completed"];
    Model::new("task::abort_races_completion").reaches(cases).check(|| {
        let queue = Queue::new();
        let drops = Drops::default();
        let (future, output) = (drops.track(), drops.track());
        let handle = queue.spawn(async move {
            let _future = future;
            output
        });
        let joiner = thread::spawn({
            let drops = drops.clone();
            move || {
                handle.abort();
                match block_on(handle) {
                    Ok(output) => {
                        assert_eq!(drops.count(), 1);
                        reach("completed");
                        drop(output);
                    }
                    Err(error) => {
                        assert!(error.is_cancelled());
                        reach("cancelled");
                    }
                }
            }
        });
        queue.run();
        joiner.join().unwrap();
        assert_eq!(drops.count(), 2);
    });
}

/// A request to cancel reaches a task that waits, is caught once, and the task goes on.
#[test]
fn cancel_while_polled() {
    Model::new("task::cancel_while_polled").check(|| {
        let queue = Queue::new();
        let handle =
            queue.spawn(async { catch_cancel(pending::<()>()).await.unwrap_err().requests() });
        let canceller = handle.abort_handle();
        let other = thread::spawn(move || assert!(canceller.cancel()));
        queue.run();
        other.join().unwrap();
        assert_eq!(block_on(handle).unwrap(), 1);
    });
}

/// A request is either taken back or found by the task, never both and never neither.
#[test]
fn uncancel_races_the_poll() {
    let cases = &["taken back", "found"];
    Model::new("task::uncancel_races_the_poll").reaches(cases).check(|| {
        let Waiting { queue, level, handle, wakers: [waker] } = waiting::<1>();
        assert!(handle.cancel());
        let handle = Arc::new(handle);
        let other = thread::spawn({
            let handle = handle.clone();
            move || {
                let taken_back = handle.uncancel();
                level.fetch_add(1, Ordering::Relaxed);
                waker.wake();
                taken_back
            }
        });
        queue.run();
        let taken_back = other.join().unwrap();
        let handle = Arc::try_unwrap(handle).expect("the other thread has ended");
        let joined = block_on(handle);
        if taken_back {
            reach("taken back");
            joined.expect("nobody asks the task to end any more");
        } else {
            reach("found");
            assert!(joined.unwrap_err().is_cancelled());
        }
    });
}

/// The last waker, the handle and the end of the task go on three threads; the memory is freed once, after all of them.
#[test]
fn last_reference_dropped() {
    Model::new("task::last_reference_dropped").check(|| {
        let Waiting { queue, level, handle, wakers: [first, second] } = waiting::<2>();
        level.fetch_add(2, Ordering::Relaxed);
        first.wake();
        let waker = thread::spawn(move || drop(second));
        let handle = thread::spawn(move || drop(handle));
        queue.run();
        waker.join().unwrap();
        handle.join().unwrap();
    });
}

/// Somebody takes a reference out of the registry, as at shutdown, while the task ends.
#[test]
fn taken_from_the_registry_while_it_ends() {
    let cases = &["found and cancelled", "found too late", "gone"];
    Model::new("task::taken_from_the_registry_while_it_ends").reaches(cases).check(|| {
        let queue = Queue::new();
        let drops = Drops::default();
        let output = drops.track();
        drop(queue.spawn(async move { output }));
        let other = thread::spawn({
            let queue = queue.clone();
            move || match queue.oldest() {
                None => reach("gone"),
                Some(task) if task.cancel() => reach("found and cancelled"),
                Some(_) => reach("found too late"),
            }
        });
        queue.run();
        other.join().unwrap();
        assert_eq!(drops.count(), 1);
    });
}

/// Makes a waker of the poll that runs, and has another thread wake by it while the poll goes on, or after it.
fn wake_elsewhere(cx: &Context<'_>) -> thread::JoinHandle<()> {
    let waker = cx.waker().clone();
    thread::spawn(move || waker.wake())
}

/// A poll makes a waker, by which another thread wakes and gives up a reference that is perhaps not counted yet.
#[test]
fn waker_is_used_while_the_poll_that_made_it_goes_on() {
    let name = "task::waker_is_used_while_the_poll_that_made_it_goes_on";
    Model::new(name).check(|| {
        let queue = Queue::new();
        let mut other = None;
        let handle = queue.spawn(poll_fn(move |cx| match other.take() {
            None => {
                other = Some(wake_elsewhere(cx));
                Poll::Pending
            }
            Some(_) => Poll::Ready(()),
        }));
        queue.run();
        block_on(handle).unwrap();
    });
}

/// The poll that makes the waker is the last one, and a handle waits for the output.
#[test]
fn waker_of_the_last_poll() {
    Model::new("task::waker_of_the_last_poll").check(|| {
        let queue = Queue::new();
        let handle = queue.spawn(poll_fn(|cx| Poll::Ready(wake_elsewhere(cx))));
        queue.run();
        block_on(handle).unwrap().join().unwrap();
    });
}

/// As before, but nobody waits.
#[test]
fn waker_of_the_last_poll_of_a_detached_task() {
    Model::new("task::waker_of_the_last_poll_of_a_detached_task").check(|| {
        let queue = Queue::new();
        drop(queue.spawn(poll_fn(|cx| {
            wake_elsewhere(cx);
            Poll::Ready(())
        })));
        queue.run();
    });
}

/// A wake that comes after the end, by value, and is the last reference.
#[test]
fn last_reference_woken() {
    Model::new("task::last_reference_woken").check(|| {
        let Waiting { queue, level, handle, wakers: [first, second] } = waiting::<2>();
        drop(handle);
        level.fetch_add(2, Ordering::Relaxed);
        first.wake();
        let other = thread::spawn(move || second.wake());
        queue.run();
        other.join().unwrap();
        assert_eq!(queue.submitted(Cause::Wake), 1, "a task that was scheduled is submitted again");
    });
}

/// A task whose `Runnable` is dropped instead of run is cancelled there, while somebody wakes it.
#[test]
fn runnable_dropped_while_woken() {
    Model::new("task::runnable_dropped_while_woken").check(|| {
        let Waiting { queue, level: _, handle, wakers: [first, second] } = waiting::<2>();
        first.wake();
        let runnable: Runnable = queue.try_next().expect("the task was woken");
        let other = thread::spawn(move || second.wake());
        drop(runnable);
        other.join().unwrap();
        assert!(queue.try_next().is_none(), "a complete task is submitted");
        assert!(block_on(handle).unwrap_err().is_cancelled());
    });
}
