//! Notifications.

use std::io;
use std::sync::Arc;
use std::task::{Context, Waker};

use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::loom::thread;

use crate::interest::Interest;
use crate::mock::MockPoller;
use crate::{Deadline, Direction, Driver, Registration, Timer, TimerState, Wheel};

/// Two threads publish and notify; a third one sleeps until it has seen both.
pub(super) fn notification_reaches_the_sleeper() {
    let driver = Arc::new(Driver::from_poller(Box::new(MockPoller::new())));
    let posts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let senders: Vec<_> = (0..2)
        .map(|sender| {
            let (driver, posts) = (driver.clone(), posts.clone());
            thread::spawn(move || {
                // Relaxed: the notification must do what is necessary.
                posts[sender].store(1, Ordering::Relaxed);
                driver.notify();
            })
        })
        .collect();
    while posts.iter().any(|post| post.load(Ordering::Relaxed) == 0) {
        driver.try_claim().expect("nobody else waits").wait(None).expect("a mock does not fail");
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

/// A notification during a wait that ends for another reason, and a second one that finds the bell ringing.
pub(super) fn notification_outlives_a_wait_that_ends_by_an_event() {
    let poller = MockPoller::new();
    let driver = Arc::new(Driver::from_poller(Box::new(poller.clone())));
    let registration = Registration::new(driver.clone());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(registration.poll_ready(&mut cx, &io::stderr(), Direction::Read).is_pending());

    let post = Arc::new(AtomicUsize::new(0));
    let sender = {
        let (driver, post) = (driver.clone(), post.clone());
        thread::spawn(move || {
            driver.notify();
            post.store(1, Ordering::Relaxed);
            driver.notify();
        })
    };
    poller.report(Interest::BOTH);
    while post.load(Ordering::Relaxed) == 0 {
        driver.try_claim().expect("nobody else waits").wait(None).expect("a mock does not fail");
    }
    sender.join().unwrap();
}

/// A timer is armed while the thread that sleeps for the wheel asks how long it may.
pub(super) fn earlier_timer_ends_the_sleep() {
    let driver = Arc::new(Driver::from_poller(Box::new(MockPoller::new())));
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let owner = {
        let (driver, wheel) = (driver.clone(), wheel.clone());
        thread::spawn(move || {
            let mut timer = Box::pin(Timer::new(Deadline::from_nanos(1), None));
            let now = || Deadline::ZERO;
            if timer.as_mut().poll(now, Waker::noop(), |_| Some(wheel.clone())) == TimerState::First
            {
                driver.notify();
            }
            timer
        })
    };
    // A deadline would be a timeout; without one the sleep lasts until it is notified.
    while wheel.next_deadline().is_none() {
        driver.try_claim().expect("nobody else waits").wait(None).expect("a mock does not fail");
    }
    drop(owner.join().unwrap());
    assert_eq!(wheel.next_deadline(), None);
}
