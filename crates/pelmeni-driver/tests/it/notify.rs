//! Calling back a thread that waits for the kernel.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pelmeni_driver::clock;

use crate::kitchen::{FOREVER, glance, turn, with_each_poller};

#[test]
fn notify_before_wait_ends_it_at_once() {
    with_each_poller(|driver| {
        driver.notify();
        driver.notify();
        assert_eq!(driver.try_claim().unwrap().wait(None).unwrap(), 0);
    });
}

#[test]
fn notify_from_another_thread_ends_a_wait() {
    with_each_poller(|driver| {
        for timeout in [None, Some(Duration::MAX), Some(FOREVER)] {
            std::thread::scope(|scope| {
                scope.spawn(|| driver.notify());
                driver.try_claim().unwrap().wait(timeout).unwrap();
            });
        }
    });
}

/// What was published before the notification is seen after the wait, in every one of many rounds.
#[test]
fn every_notification_is_followed_by_a_wait_that_ends() {
    const ROUNDS: usize = 20_000;
    with_each_poller(|driver| {
        let rounds = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        rounds.fetch_add(1, Ordering::Relaxed);
                        driver.notify();
                    }
                });
            }
            while rounds.load(Ordering::Relaxed) < 2 * ROUNDS {
                driver.try_claim().unwrap().wait(None).unwrap();
            }
        });
    });
}

#[test]
fn notification_outlives_turns_that_only_look() {
    with_each_poller(|driver| {
        driver.notify();
        glance(driver);
        driver.try_claim().unwrap().wait(None).unwrap();
    });
}

#[test]
fn wait_does_not_end_before_its_timeout() {
    with_each_poller(|driver| {
        for micros in [0, 1, 50, 999, 1000, 1001, 2500, 10_000] {
            let timeout = Duration::from_micros(micros);
            let end = clock::now() + timeout;
            assert_eq!(driver.try_claim().unwrap().wait(Some(timeout)).unwrap(), 0);
            assert!(end <= clock::now(), "{micros} us");
        }
    });
}

#[test]
fn event_ends_a_wait_of_less_than_a_millisecond() {
    use crate::kitchen::{Ear, Pair};
    use std::io::Write;

    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let ear = Ear::new();
        assert!(pair.near.poll_read(&ear.waker(), &mut [0; 1]).is_pending());
        glance(driver);
        pair.far.write_all(b"x").unwrap();
        let woken = driver.try_claim().unwrap().wait(Some(Duration::from_micros(900))).unwrap();
        assert_eq!(woken, 1);
    });
}

#[test]
fn only_one_turn_exists() {
    with_each_poller(|driver| {
        let held = driver.try_claim().unwrap();
        assert!(driver.try_claim().is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(driver.try_claim().is_none()));
        });
        drop(held);
        driver.notify();
        turn(driver);
    });
}
