//! Who waits for a lock, an event, a call: the gate and the wait list of pelmeni-sync.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake};

use loom::thread;
use pelmeni_core::primitive::{Arc, UnsafeCell};
use pelmeni_loom_tests::{Alarm, Model, Queue, block_on, reach};
use pelmeni_sync::{Event, Mutex, Notify, Semaphore, oneshot};

use crate::support::Drops;

/// Polls a future once, with a waker of its own, and drops it. True: it was ready.
fn try_once<F: Future>(future: F) -> bool {
    let alarm = Alarm::new();
    pin!(future).poll(&mut Context::from_waker(&alarm.waker())).is_ready()
}

/// A waiter is woken if the flag is raised while it lies down, or sees it.
#[test]
fn event_set_while_waiter_lies_down() {
    Model::new("waiters::event_set_while_waiter_lies_down").check(|| {
        let event = Arc::new(Event::new());
        let waiters = [event.clone(), event.clone()]
            .map(|event| thread::spawn(move || block_on(event.wait())));
        event.set();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

/// A call that went to a waiter which gives up goes to the other one.
#[test]
fn call_is_passed_on_when_its_waiter_gives_up() {
    let cases = &["gives up", "was called"];
    Model::new("waiters::call_is_passed_on_when_its_waiter_gives_up").reaches(cases).check(|| {
        let notify = Arc::new(Notify::new());
        let fickle = thread::spawn({
            let notify = notify.clone();
            move || try_once(notify.notified())
        });
        let patient = thread::spawn({
            let notify = notify.clone();
            move || block_on(notify.notified())
        });
        notify.notify_one();
        if fickle.join().unwrap() {
            reach("was called");
            notify.notify_one();
        } else {
            reach("gives up");
        }
        patient.join().unwrap();
    });
}

/// A permit that was granted to somebody who gives up goes on to the next, and none is lost or made.
#[test]
fn permit_is_handed_on_when_its_waiter_gives_up() {
    Model::new("waiters::permit_is_handed_on_when_its_waiter_gives_up").check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.try_acquire().unwrap();
        let fickle = thread::spawn({
            let semaphore = semaphore.clone();
            move || try_once(semaphore.acquire())
        });
        let patient = thread::spawn({
            let semaphore = semaphore.clone();
            move || drop(block_on(semaphore.acquire()).unwrap())
        });
        drop(permit);
        fickle.join().unwrap();
        patient.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// The value behind a lock is touched by one at a time, who sees what the last one has written.
#[test]
fn lock_is_exclusive() {
    Model::new("waiters::lock_is_exclusive").check(|| {
        let lock = Arc::new(Mutex::new(UnsafeCell::new(0)));
        let add = |lock: &Mutex<UnsafeCell<usize>>| {
            let guard = block_on(lock.lock());
            // Loom checks that the accesses do not overlap; the value is counted by the number of them.
            guard.with_mut(|value| assert!(!value.is_null()));
        };
        let fickle = thread::spawn({
            let lock = lock.clone();
            move || try_once(lock.lock())
        });
        let other = thread::spawn({
            let lock = lock.clone();
            move || add(&lock)
        });
        add(&lock);
        fickle.join().unwrap();
        other.join().unwrap();
        assert!(lock.try_lock().is_some());
    });
}

/// A waker that asks the primitive which wakes it finds it unlocked.
#[test]
fn waker_calls_back() {
    struct Caller {
        event: Arc<Event>,
        alarm: std::sync::Arc<Alarm>,
    }

    impl Wake for Caller {
        fn wake(self: std::sync::Arc<Self>) {
            assert!(self.event.is_set());
            self.alarm.waker().wake();
        }
    }

    Model::new("waiters::waker_calls_back").check(|| {
        let event = Arc::new(Event::new());
        let waiter = thread::spawn({
            let event = event.clone();
            move || {
                let alarm = Alarm::new();
                let caller = Caller { event: event.clone(), alarm: alarm.clone() };
                let waker = std::sync::Arc::new(caller).into();
                let mut wait = pin!(event.wait());
                while wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                    alarm.wait();
                }
            }
        });
        event.set();
        waiter.join().unwrap();
    });
}

/// A task receives what another thread sends, whenever that is.
#[test]
fn value_sent_to_a_task() {
    Model::new("waiters::value_sent_to_a_task").check(|| {
        let queue = Queue::new();
        let (sender, mut receiver) = oneshot::channel();
        let handle = queue.spawn(async move {
            // A first look, so that the wake may come while the task is being polled for something else.
            match poll_fn(|cx| Poll::Ready(Pin::new(&mut receiver).poll(cx))).await {
                Poll::Ready(value) => value.unwrap(),
                Poll::Pending => receiver.await.unwrap(),
            }
        });
        let drops = Drops::default();
        let value = drops.track();
        let send = thread::spawn(move || sender.send(value).map_err(drop).unwrap());
        queue.run();
        send.join().unwrap();
        drop(block_on(handle).unwrap());
        assert_eq!(drops.count(), 1);
    });
}
