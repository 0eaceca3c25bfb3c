//! Real threads that wait, give up and release at random: nothing is lost and nothing is given twice.

use crate::support::{Dice, Task};
use futures::executor::block_on;
use pelmeni_sync::{Barrier, Event, Mutex, Notify, Semaphore, oneshot};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const THREADS: usize = 4;
const ROUNDS: usize = 5_000;

/// Runs `act` on several threads, each with its own dice.
fn on_threads(act: impl Fn(&mut Dice) + Sync) {
    thread::scope(|scope| {
        for seed in 0..THREADS as u64 {
            let act = &act;
            scope.spawn(move || act(&mut Dice::new(seed + 1)));
        }
    });
}

#[test]
fn permits_are_conserved_by_those_who_give_up() {
    const PERMITS: usize = 3;
    let semaphore = Semaphore::new(PERMITS);
    let in_use = AtomicUsize::new(0);
    on_threads(|dice| {
        for _ in 0..ROUNDS {
            let wanted = 1 + dice.roll(PERMITS);
            let mut task = Task::new(semaphore.acquire_many(wanted));
            // One half gives up after a poll or two, perhaps with the permits in hand.
            for _ in 0..dice.roll(3) {
                if task.poll().is_ready() {
                    task = Task::new(semaphore.acquire_many(wanted));
                }
            }
            drop(task);
            let permit = block_on(semaphore.acquire_many(wanted)).unwrap();
            assert!(in_use.fetch_add(wanted, Ordering::SeqCst) + wanted <= PERMITS);
            in_use.fetch_sub(wanted, Ordering::SeqCst);
            drop(permit);
        }
    });
    assert_eq!(semaphore.available_permits(), PERMITS);
}

#[test]
fn lock_is_held_by_one() {
    let mutex = Mutex::new(0_usize);
    on_threads(|dice| {
        for _ in 0..ROUNDS {
            let mut gives_up = Task::new(mutex.lock());
            if dice.roll(2) == 0 {
                drop(gives_up.poll());
            }
            drop(gives_up);
            let mut count = block_on(mutex.lock());
            let seen = *count;
            *count = seen + 1;
        }
    });
    assert_eq!(mutex.into_inner(), THREADS * ROUNDS);
}

#[test]
fn calls_are_passed_on_by_those_who_give_up() {
    let notify = Notify::new();
    // A token that goes round: whoever is called calls the next.
    notify.notify_one();
    on_threads(|dice| {
        for _ in 0..ROUNDS {
            let mut gives_up = Task::new(notify.notified());
            if dice.roll(2) == 0 && gives_up.poll().is_ready() {
                notify.notify_one();
            }
            drop(gives_up);
            block_on(notify.notified());
            notify.notify_one();
        }
    });
    Task::new(notify.notified()).ready();
}

#[test]
fn event_is_seen_by_all_who_wait() {
    let (first, second) = (Event::new(), Event::new());
    let passed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 1..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS / 10 {
                    block_on(first.wait());
                    passed.fetch_add(1, Ordering::SeqCst);
                    block_on(second.wait());
                    passed.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..ROUNDS / 10 {
            first.set();
            while passed.load(Ordering::SeqCst) < THREADS - 1 {
                thread::yield_now();
            }
            first.clear();
            second.set();
            while passed.load(Ordering::SeqCst) > 0 {
                thread::yield_now();
            }
            second.clear();
        }
    });
}

#[test]
fn rounds_of_a_barrier_do_not_mix() {
    let barrier = Barrier::new(THREADS);
    let arrived = AtomicUsize::new(0);
    on_threads(|_| {
        for round in 1..=ROUNDS / 10 {
            arrived.fetch_add(1, Ordering::SeqCst);
            block_on(barrier.wait()).unwrap();
            let seen = arrived.load(Ordering::SeqCst);
            assert!((round * THREADS..(round + 1) * THREADS).contains(&seen));
        }
    });
}

#[test]
fn value_arrives_or_comes_back() {
    for round in 0..ROUNDS {
        let (sender, mut receiver) = oneshot::channel();
        thread::scope(|scope| {
            let sent = scope.spawn(move || sender.send(Box::new(round)));
            if round % 2 == 0 {
                assert_eq!(*block_on(&mut receiver).unwrap(), round);
                assert_eq!(sent.join().unwrap(), Ok(()));
            } else {
                receiver.close();
                let received = block_on(&mut receiver);
                match sent.join().unwrap() {
                    Ok(()) => assert_eq!(*received.unwrap(), round),
                    Err(back) => assert!(received.is_err() && *back == round),
                }
            }
        });
    }
}
