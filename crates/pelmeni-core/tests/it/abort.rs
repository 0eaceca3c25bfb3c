//! Aborts, and runnables that are not run.

use std::future::pending;
use std::io;
use std::sync::Mutex;

use pelmeni_core::{AbortHandle, Cause};

use crate::bench::{Bench, Count, Door, result};

#[test]
fn abort_while_idle() {
    let bench = Bench::new();
    let futures = Count::default();
    let live = futures.live();
    let handle = bench.start(async move {
        let _live = live;
        pending::<()>().await;
    });
    handle.abort();
    assert_eq!(futures.get(), 1, "the future is dropped where tasks run, not here");
    assert_eq!(bench.causes(), [Cause::Wake]);
    bench.run();
    assert_eq!((futures.get(), bench.released.get()), (0, 1));
    assert!(result(handle).unwrap_err().is_cancelled());
}

#[test]
fn abort_while_queued() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    door.open();
    handle.abort();
    assert_eq!(bench.causes(), [Cause::Wake], "it is in the queue once");
    bench.run();
    assert_eq!(door.polls.get(), 1);
    assert!(result(handle).unwrap_err().is_cancelled());
}

#[test]
fn abort_before_the_first_poll() {
    let bench = Bench::new();
    let polled = Count::default();
    let (runnable, handle) = bench.make({
        let polled = polled.clone();
        async move { polled.add() }
    });
    handle.abort();
    runnable.run();
    assert_eq!((polled.get(), bench.released.get()), (0, 1));
    assert!(result(handle).unwrap_err().is_cancelled());
}

#[test]
fn abort_while_running_waits_for_the_poll() {
    let bench = Bench::new();
    let killer = std::sync::Arc::new(Mutex::new(None::<AbortHandle>));
    let steps = Count::default();
    let (runnable, handle) = bench.make({
        let (killer, steps) = (killer.clone(), steps.clone());
        async move {
            killer.lock().unwrap().take().expect("it was put there").abort();
            steps.add();
            pending::<()>().await;
        }
    });
    *killer.lock().unwrap() = Some(handle.abort_handle());
    runnable.run();
    assert_eq!(steps.get(), 1, "the poll goes on to its next wait");
    assert!(!handle.is_finished());
    assert_eq!(bench.causes(), [Cause::Again]);
    bench.run();
    assert!(result(handle).unwrap_err().is_cancelled());
}

#[test]
fn abort_in_the_last_poll_comes_too_late() {
    let bench = Bench::new();
    let killer = std::sync::Arc::new(Mutex::new(None::<AbortHandle>));
    let (runnable, handle) = bench.make({
        let killer = killer.clone();
        async move {
            killer.lock().unwrap().take().expect("it was put there").abort();
            5
        }
    });
    *killer.lock().unwrap() = Some(handle.abort_handle());
    runnable.run();
    assert_eq!(result(handle).unwrap(), 5);
}

#[test]
fn abort_after_the_end_does_nothing() {
    let bench = Bench::new();
    let handle = bench.start(async { 5 });
    let killer = handle.abort_handle();
    handle.abort();
    killer.abort();
    assert!(!killer.cancel());
    assert!(bench.causes().is_empty());
    assert_eq!(result(handle).unwrap(), 5);
    assert!(killer.is_finished());
}

#[test]
fn kill_switch_outlives_task_and_handle() {
    let bench = Bench::new();
    let handle = bench.start(pending::<()>());
    let killer = handle.abort_handle();
    let copy = killer.clone();
    drop(handle);
    copy.abort();
    bench.run();
    assert!(killer.is_finished());
    drop(copy);
    assert_eq!(bench.homes.get(), 1);
    drop(killer);
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn detached_task_goes_on() {
    let bench = Bench::new();
    let door = Door::new();
    let ended = Count::default();
    drop(bench.start({
        let (door, ended) = (door.clone(), ended.clone());
        async move {
            door.pass().await;
            ended.add();
        }
    }));
    door.open();
    bench.run();
    assert_eq!((ended.get(), bench.homes.get()), (1, 0));
}

#[test]
fn runnable_dropped_cancels_its_task() {
    let bench = Bench::new();
    let futures = Count::default();
    let live = futures.live();
    let (runnable, handle) = bench.make(async move {
        let _live = live;
    });
    drop(runnable);
    assert_eq!((futures.get(), bench.released.get()), (0, 1));
    assert!(result(handle).unwrap_err().is_cancelled());
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn runnable_refused_says_why() {
    let bench = Bench::new();
    let (runnable, handle) = bench.make(async {});
    runnable.refuse(io::Error::other("no thread to spare"));
    let error = result(handle).unwrap_err();
    assert!(error.is_refused() && !error.is_cancelled() && !error.is_panic());
    assert_eq!(error.to_string(), "task was not started: no thread to spare");
    let why = std::error::Error::source(&error).unwrap();
    assert_eq!(why.to_string(), "no thread to spare");
    assert_eq!(bench.released.get(), 1);
}

#[test]
fn runnable_dropped_without_a_handle_frees_its_task() {
    let bench = Bench::new();
    let (runnable, handle) = bench.make(pending::<()>());
    drop(handle);
    drop(runnable);
    assert_eq!((bench.released.get(), bench.homes.get()), (1, 0));
}
