//! Polls that last too long are told of while they last.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use pelmeni::{Builder, SlowPoll, sleep, spawn, task, yield_now};

use crate::kitchen::{Count, alone_and_well, each_number};

const THRESHOLD: Duration = Duration::from_millis(20);

fn listening(threads: usize) -> (Builder, Receiver<SlowPoll>) {
    let (sender, heard) = channel();
    let hook = move |poll: &SlowPoll| drop(sender.send(poll.clone()));
    (Builder::new().threads(threads).on_slow_poll(THRESHOLD, hook), heard)
}

/// The poll ends only when it has been told of twice.
#[test]
fn told_of_while_it_lasts_and_again_when_the_time_has_doubled() {
    each_number(|threads| {
        let (builder, heard) = listening(threads);
        let runtime = builder.build().unwrap();
        let told = runtime.run(async {
            let chops = task::Builder::new()
                .name("chop onions")
                .spawn(async move { [heard.recv().unwrap(), heard.recv().unwrap()] });
            chops.await.unwrap()
        });
        for poll in &told {
            assert_eq!(poll.task().name(), Some("chop onions"));
            assert!(poll.task().location().file().ends_with("slow.rs"));
            assert!(poll.worker() < threads);
        }
        assert!(told[0].lasts() >= THRESHOLD && told[1].lasts() >= 2 * THRESHOLD);
        let said = told[0].to_string();
        assert!(said.starts_with("task `chop onions` spawned at "), "{said}");
        assert!(said.contains("has held worker") && said.contains("spawn_blocking"), "{said}");
        assert!(runtime.close().is_clean());
    });
}

/// The root of `run`, tasks that stay, and tasks beside many others.
#[test]
fn whoever_it_is() {
    each_number(|threads| {
        let (builder, heard) = listening(threads);
        let runtime = builder.build().unwrap();
        runtime.run(async {
            let others: Vec<_> = (0..1000).map(|_| spawn(sleep(Duration::from_secs(60)))).collect();
            yield_now().await;
            let root = heard.recv().unwrap();
            assert_eq!(root.task().name(), None);
            assert_eq!(root.worker(), 0);
            others.iter().for_each(|task| task.abort());
        });
        assert!(runtime.close().is_clean());
    });
}

#[test]
fn waiting_is_not_slow() {
    each_number(|threads| {
        let (builder, heard) = listening(threads);
        let runtime = builder.build().unwrap();
        runtime.run(async {
            let waits = spawn(sleep(4 * THRESHOLD));
            sleep(6 * THRESHOLD).await;
            waits.await.unwrap();
        });
        assert!(runtime.close().is_clean());
        assert_eq!(heard.iter().count(), 0);
    });
}

fn block_a_worker() {
    let runtime = Builder::new().threads(2).build().unwrap();
    runtime.run(async {
        spawn(async { thread::sleep(Duration::from_millis(450)) }).await.unwrap();
    });
    assert!(runtime.close().is_clean());
}

fn lines(said: &str) -> usize {
    said.lines().filter(|line| line.contains("has held worker")).count()
}

#[test]
fn hook_that_panics_or_blocks_harms_nobody() {
    alone_and_well(&[], || {
        let (called, end) = (Count::new(), Count::new());
        let hook = {
            let (called, end) = (called.clone(), end.clone());
            move |_: &SlowPoll| {
                called.add();
                assert_ne!(called.get(), 1, "on purpose");
                end.block_until(1);
            }
        };
        let runtime = Builder::new().threads(2).on_slow_poll(THRESHOLD, hook).build().unwrap();
        runtime.run(async {
            for calls in 1..=3 {
                let called = called.clone();
                spawn(async move { called.block_until(calls) }).await.unwrap();
            }
            end.add();
        });
        assert!(runtime.close().is_clean());
    });
}

/// Two reports are due, after 100 and after 200 ms, and only one line is written in a second.
#[test]
fn stderr_hears_of_it_if_asked() {
    let said = alone_and_well(&[("PELMENI_DEBUG", "1")], || {
        block_a_worker();
    });
    assert_eq!(lines(&said), 1, "{said}");
}

#[test]
fn stderr_does_not_if_asked() {
    let said = alone_and_well(&[("PELMENI_DEBUG", "0")], || {
        block_a_worker();
    });
    assert_eq!(lines(&said), 0, "{said}");
}
