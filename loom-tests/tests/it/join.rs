//! The handle, the joiner slot and the output of a task.

use std::task::Poll;

use loom::thread;
use pelmeni_loom_tests::{Alarm, Model, Queue, block_on, poll_once, reach};

use crate::support::Drops;

/// Whoever awaits the handle is woken when the task completes, or finds it complete, and gets the output.
#[test]
fn joined_while_task_completes() {
    let cases = &["found complete", "woken"];
    Model::new("join::joined_while_task_completes").reaches(cases).check(|| {
        let queue = Queue::new();
        let drops = Drops::default();
        let output = drops.track();
        let mut handle = queue.spawn(async move { output });
        let joiner = thread::spawn(move || {
            let alarm = Alarm::new();
            if let Poll::Ready(output) = poll_once(&mut handle, &alarm) {
                reach("found complete");
                return drop(output.unwrap());
            }
            alarm.wait();
            reach("woken");
            match poll_once(&mut handle, &alarm) {
                Poll::Ready(output) => drop(output.unwrap()),
                Poll::Pending => panic!("woken without reason"),
            }
            assert_eq!(alarm.wakes(), 1);
        });
        queue.run();
        joiner.join().unwrap();
        assert_eq!(drops.count(), 1);
    });
}

/// A handle that was polled and is then dropped leaves neither its waker nor the output behind.
#[test]
fn handle_dropped_while_task_completes() {
    let cases = &["dropped before the end", "woken before the drop"];
    Model::new("join::handle_dropped_while_task_completes").reaches(cases).check(|| {
        let queue = Queue::new();
        let drops = Drops::default();
        let (future, output) = (drops.track(), drops.track());
        let mut handle = queue.spawn(async move {
            let _future = future;
            output
        });
        let alarm = Alarm::new();
        let joiner = thread::spawn({
            let alarm = alarm.clone();
            move || {
                let _ = poll_once(&mut handle, &alarm);
                drop(handle);
            }
        });
        queue.run();
        joiner.join().unwrap();
        assert_eq!(drops.count(), 2);
        match alarm.wakes() {
            0 => reach("dropped before the end"),
            1 => reach("woken before the drop"),
            other => panic!("woken {other} times"),
        }
    });
}

/// The waker of the last poll is the one that is woken, also when it replaces another while the task completes.
#[test]
fn joiner_replaced_while_task_completes() {
    let cases = &["the first was woken", "the second was woken"];
    Model::new("join::joiner_replaced_while_task_completes").reaches(cases).check(|| {
        let queue = Queue::new();
        let drops = Drops::default();
        let output = drops.track();
        let mut handle = queue.spawn(async move { output });
        let first = Alarm::new();
        let second = Alarm::new();
        let joiner = thread::spawn({
            let (first, second) = (first.clone(), second.clone());
            move || {
                if poll_once(&mut handle, &first).is_ready() {
                    return;
                }
                if poll_once(&mut handle, &second).is_ready() {
                    return;
                }
                second.wait();
                assert!(poll_once(&mut handle, &second).is_ready());
            }
        });
        queue.run();
        joiner.join().unwrap();
        assert_eq!(drops.count(), 1);
        match (first.wakes(), second.wakes()) {
            (1, 0) => reach("the first was woken"),
            (0, 1) => reach("the second was woken"),
            (0, 0) => {}
            other => panic!("both were woken: {other:?}"),
        }
    });
}

/// A task that awaits another one: the inner task's waker slot holds the outer task's waker in one word.
#[test]
fn task_joins_task() {
    Model::new("join::task_joins_task").check(|| {
        let queue = Queue::new();
        let (inner, inner_handle) = queue.make(async { 6 });
        let outer = queue.spawn(async move { inner_handle.await.unwrap() * 7 });
        let other = thread::spawn(move || inner.run());
        queue.run();
        other.join().unwrap();
        assert_eq!(block_on(outer).unwrap(), 42);
    });
}

/// The handle goes, a kill switch is used, and the task completes, on three threads.
#[test]
fn handle_and_kill_switch_dropped_while_task_completes() {
    Model::new("join::handle_and_kill_switch_dropped_while_task_completes").check(|| {
        let queue = Queue::new();
        let drops = Drops::default();
        let output = drops.track();
        let handle = queue.spawn(async move { output });
        let killer = handle.abort_handle();
        let aborts = thread::spawn(move || killer.abort());
        let detaches = thread::spawn(move || drop(handle));
        queue.run();
        aborts.join().unwrap();
        detaches.join().unwrap();
        assert_eq!(drops.count(), 1);
    });
}
