//! Many tasks, many wakers, several threads that run them: what loom shows for two or three, in bulk.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use crate::bench::{Bench, Count, Door, result};

const TASKS: usize = 64;
const WAKES: usize = 200;
const RUNNERS: usize = 3;

/// Runs what is ready, on several threads, until all tasks have ended.
fn run_all(bench: &Bench, tasks: usize) {
    thread::scope(|scope| {
        for _ in 0..RUNNERS {
            scope.spawn(|| {
                while bench.released.get() < tasks {
                    match bench.next() {
                        Some(task) => task.run(),
                        None => thread::yield_now(),
                    }
                }
            });
        }
    });
}

/// Each wake is preceded by a step of a number that is no synchronisation by itself; the task sees the last one.
#[test]
fn no_wake_is_lost() {
    let bench = Bench::new();
    let waiting = [(); TASKS].map(|()| {
        let level = Arc::new(AtomicUsize::new(0));
        let door = Door::new();
        let handle = bench.start({
            let (level, door) = (level.clone(), door.clone());
            async move {
                let mut pass = std::pin::pin!(door.pass());
                poll_fn(|cx| {
                    if level.load(Ordering::Relaxed) == 2 * WAKES {
                        return Poll::Ready(());
                    }
                    let _ = pass.as_mut().poll(cx);
                    Poll::Pending
                })
                .await;
            }
        });
        (level, door.waker(), handle)
    });
    thread::scope(|scope| {
        let wake = |wakes: fn(&Waker)| {
            for _ in 0..WAKES {
                for (level, waker, _) in &waiting {
                    level.fetch_add(1, Ordering::Relaxed);
                    wakes(waker);
                }
            }
        };
        scope.spawn(move || wake(Waker::wake_by_ref));
        scope.spawn(move || wake(|waker| Waker::wake(waker.clone())));
        run_all(&bench, TASKS);
    });
    for (_, waker, handle) in waiting {
        drop(waker);
        result(handle).unwrap();
    }
    assert_eq!(bench.homes.get(), 0);
}

/// Tasks that end, are aborted and lose their handles on different threads leave nothing behind.
#[test]
fn nothing_is_left_behind() {
    let bench = Bench::new();
    let values = Count::default();
    let doors = [(); TASKS].map(|()| Door::new());
    let handles = doors.each_ref().map(|door| {
        let (door, future, output) = (door.clone(), values.live(), values.live());
        bench.start(async move {
            let _future = future;
            door.pass().await;
            output
        })
    });
    let killers = handles.each_ref().map(|handle| handle.abort_handle());
    thread::scope(|scope| {
        scope.spawn(|| doors.iter().for_each(Door::open));
        scope.spawn(move || killers.iter().step_by(2).for_each(|killer| killer.abort()));
        scope.spawn(move || drop(handles));
        run_all(&bench, TASKS);
    });
    assert_eq!((values.get(), bench.homes.get()), (0, 0));
}
