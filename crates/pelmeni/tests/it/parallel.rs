//! Many threads: tasks move, work spreads, and no wake is lost.

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use pelmeni::sync::Notify;
use pelmeni::{Handle, Runtime, gather_iter, sleep, spawn, yield_now};

use crate::kitchen::{Count, compute, each, on};

// regress: async-executor#104
#[test]
fn work_of_a_root_that_blocks_is_seen_by_others() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            runtime.run(async {
                for i in 0..50 {
                    let (to, from) = mpsc::channel();
                    drop(spawn(async move { to.send(i).unwrap() }));
                    assert_eq!(from.recv().unwrap(), i); // blocks this worker, inside the poll
                }
                // Several at once, each of which spawns once more.
                let (to, from) = mpsc::channel();
                for i in 0..50 {
                    let to = to.clone();
                    drop(spawn(async move {
                        drop(spawn(async move { to.send(i).unwrap() }));
                    }));
                }
                drop(to);
                assert_eq!(from.iter().sum::<i32>(), 1225);
            });
        });
    }
}

// regress: async-std#644
#[test]
fn what_a_blocked_task_has_woken_is_run_by_others() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            runtime.run(async {
                for _ in 0..20 {
                    let (to_waiter, waiter_hears) = pelmeni::sync::oneshot::channel::<()>();
                    let (to_us, from_waiter) = mpsc::channel();
                    let waiter = spawn(async move {
                        waiter_hears.await.unwrap();
                        to_us.send(()).unwrap();
                    });
                    let blocker = spawn(async move {
                        to_waiter.send(()).unwrap(); // into this worker's next slot, perhaps
                        from_waiter.recv().unwrap(); // and nobody takes it out here
                    });
                    waiter.await.unwrap();
                    blocker.await.unwrap();
                }
            });
        });
    }
}

// regress: tokio eager_driver_handoff_fixes_deadlock
#[test]
fn events_come_in_while_the_worker_that_waited_for_them_is_blocked() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            runtime.run(async {
                for _ in 0..20 {
                    let (mut one, mut other) = crate::tcp::pair().await;
                    let (mut third, mut fourth) = crate::tcp::pair().await;
                    let (to, from) = mpsc::channel();
                    let blocks = spawn(async move {
                        other.read_exact(&mut [0]).await.unwrap();
                        third.write_all(&[1]).await.unwrap();
                        from.recv().unwrap(); // until the next event was served
                    });
                    let serves = spawn(async move {
                        fourth.read_exact(&mut [0]).await.unwrap();
                        to.send(()).unwrap();
                    });
                    yield_now().await;
                    one.write_all(&[1]).await.unwrap();
                    blocks.await.unwrap();
                    serves.await.unwrap();
                }
            });
        });
    }
}

// regress: Go#38860
#[test]
fn timers_of_a_worker_that_is_blocked_end() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            runtime.run(async {
                for _ in 0..20 {
                    let (to, from) = mpsc::channel();
                    // Polled here, so that it is this worker's timer; and awaited by a task that anybody may run.
                    let mut nap = Box::pin(sleep(Duration::from_millis(10)));
                    let _ = futures::poll!(nap.as_mut());
                    let sleeper = spawn(async move {
                        nap.await;
                        to.send(()).unwrap();
                    });
                    yield_now().await;
                    from.recv().unwrap(); // blocks this worker
                    sleeper.await.unwrap();
                }
            });
        });
    }
}

#[test]
fn tasks_that_compute_spread_over_the_workers() {
    on(4, |runtime| {
        // As many tasks as threads, each of which ends only when all run at once.
        let together = Arc::new(Barrier::new(4));
        let threads: HashSet<_> = runtime
            .run(async {
                let tasks = (0..4).map(|_| {
                    let together = together.clone();
                    async move {
                        together.wait();
                        thread::current().id()
                    }
                });
                gather_iter(tasks.collect::<Vec<_>>()).await
            })
            .into_iter()
            .collect();
        assert!(threads.len() >= 3, "{threads:?}"); // the root's seat may stay with the root
    });
}

#[test]
fn a_task_moves_between_workers() {
    on(8, |runtime| {
        let seen = Arc::new(Mutex::new(HashSet::new()));
        runtime.run(async {
            let stop = Arc::new(AtomicBool::new(false));
            let tasks: Vec<_> = (0..32)
                .map(|_| {
                    let (seen, stop) = (seen.clone(), stop.clone());
                    spawn(async move {
                        let mut mine = HashSet::new();
                        while !stop.load(Ordering::Relaxed) {
                            compute(2000);
                            mine.insert(thread::current().id());
                            if mine.len() > 1 {
                                seen.lock().unwrap().extend(mine.iter().copied());
                                stop.store(true, Ordering::Relaxed);
                            }
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert!(seen.lock().unwrap().len() > 1, "one task has seen two threads");
        assert!(runtime.stats().workers.iter().map(|worker| worker.steals).sum::<u64>() > 0);
    });
}

/// Data that is written before a wake is there after it.
struct Mailbox {
    letters: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

impl Mailbox {
    fn new() -> Arc<Mailbox> {
        Arc::new(Mailbox { letters: AtomicUsize::new(0), waker: Mutex::new(None) })
    }

    fn send(&self) {
        self.letters.fetch_add(1, Ordering::Relaxed);
        let waker = self.waker.lock().unwrap().clone();
        if let Some(waker) = waker {
            waker.wake_by_ref();
        }
    }

    /// Takes letters until so many have come.
    async fn take(&self, mut left: usize) {
        poll_fn(|cx| {
            *self.waker.lock().unwrap() = Some(cx.waker().clone());
            left -= self.letters.swap(0, Ordering::Relaxed);
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

// regress: tokio#525, tokio#1768, tokio#7622, compio#948
#[test]
fn a_storm_of_wakes_from_foreign_threads_loses_none() {
    each(|runtime| {
        const TASKS: usize = 64;
        const THREADS: usize = 4;
        const LETTERS: usize = 400;
        let boxes: Vec<_> = (0..TASKS).map(|_| Mailbox::new()).collect();
        let takers: Vec<_> = boxes
            .iter()
            .map(|mailbox| {
                let mailbox = mailbox.clone();
                runtime.handle().spawn(async move { mailbox.take(THREADS * LETTERS).await })
            })
            .collect();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let boxes = &boxes;
                scope.spawn(move || {
                    for round in 0..LETTERS {
                        for i in 0..TASKS {
                            boxes[(i * 7 + thread * 13 + round) % TASKS].send();
                        }
                    }
                });
            }
            runtime.run(async {
                for taker in takers {
                    taker.await.unwrap();
                }
            });
        });
    });
}

// regress: tokio#4383, Go#45867
#[test]
fn single_wakes_of_a_sleeping_runtime_lose_none() {
    each(|runtime| {
        // All workers sleep between any two letters: the path from idle to awake, again and again.
        let mailbox = Mailbox::new();
        let answered = Count::new();
        let (taker, answers) = (mailbox.clone(), answered.clone());
        let task = runtime.handle().spawn(async move {
            for _ in 0..1000 {
                taker.take(1).await;
                answers.add();
            }
        });
        thread::scope(|scope| {
            scope.spawn(|| {
                for i in 0..1000 {
                    mailbox.send();
                    answered.block_until(i + 1);
                }
            });
            runtime.run(task).unwrap();
        });
    });
}

#[test]
fn spawns_from_outside_wake_a_sleeping_runtime() {
    each(|runtime| {
        let done = Arc::new(Notify::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                for i in 0..500_u32 {
                    let task = runtime.handle().spawn(async move { i });
                    assert_eq!(futures::executor::block_on(task).unwrap(), i);
                }
                done.notify_one();
            });
            runtime.run(done.notified());
        });
    });
}

#[test]
fn wakes_among_tasks_lose_none() {
    each(|runtime| {
        // A ring: each task passes what it gets on to the next.
        let sum = runtime.run(async {
            const RING: usize = 50;
            const ROUNDS: usize = 40;
            let places: Vec<_> = (0..RING).map(|_| Arc::new(Notify::new())).collect();
            let hops = Arc::new(AtomicU64::new(0));
            let tasks: Vec<_> = (0..RING)
                .map(|i| {
                    let (mine, next) = (places[i].clone(), places[(i + 1) % RING].clone());
                    let hops = hops.clone();
                    spawn(async move {
                        for _ in 0..ROUNDS {
                            mine.notified().await;
                            hops.fetch_add(1, Ordering::Relaxed);
                            next.notify_one();
                        }
                    })
                })
                .collect();
            places[0].notify_one();
            for task in tasks {
                task.await.unwrap();
            }
            hops.load(Ordering::Relaxed)
        });
        assert_eq!(sum, 2000);
    });
}

#[test]
fn a_tree_of_tasks_is_counted_to_the_last_leaf() {
    each(|runtime| {
        fn leaves(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
            Box::pin(async move {
                if depth == 0 {
                    return 1;
                }
                let children: Vec<_> = (0..5).map(|_| spawn(leaves(depth - 1))).collect();
                let mut sum = 0;
                for child in children {
                    sum += child.await.unwrap();
                }
                sum
            })
        }
        assert_eq!(runtime.run(leaves(5)), 3125);
    });
}

/// Everything that runs does so once: what stealing must not change.
#[test]
fn no_task_is_lost_or_run_twice() {
    each(|runtime| {
        let runs: Arc<Vec<AtomicUsize>> =
            Arc::new((0..5000).map(|_| AtomicUsize::new(0)).collect());
        let all = runs.clone();
        runtime.run(async {
            let spawner = |from: usize, upto: usize| {
                let all = all.clone();
                async move {
                    for i in from..upto {
                        let all = all.clone();
                        drop(spawn(async move { _ = all[i].fetch_add(1, Ordering::SeqCst) }));
                        if i % 97 == 0 {
                            yield_now().await;
                        }
                    }
                }
            };
            gather_iter((0..10).map(|part| spawner(part * 500, (part + 1) * 500))).await;
            while all.iter().any(|count| count.load(Ordering::SeqCst) == 0) {
                sleep(Duration::from_micros(200)).await;
            }
        });
        assert!(runs.iter().all(|count| count.load(Ordering::SeqCst) == 1));
    });
}

#[test]
fn stats_count_what_was_done() {
    each(|runtime| {
        let polls = |runtime: &Runtime| -> u64 {
            runtime.stats().workers.iter().map(|worker| worker.polls).sum()
        };
        let before = polls(runtime);
        runtime.run(async {
            spawn(async {
                for _ in 0..9 {
                    yield_now().await;
                }
            })
            .await
            .unwrap();
            assert_eq!(Handle::current().stats().tasks, 1, "the root");
        });
        // Ten of the task; of the root one at the beginning and one at the end, or one if the task was faster.
        let polls = polls(runtime) - before;
        assert!((11..=12).contains(&polls), "{polls}");
        assert_eq!(runtime.stats().tasks, 0);
    });
}
