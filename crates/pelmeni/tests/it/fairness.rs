//! Nobody starves: the budget of a poll, bounded runs of tasks that talk, and workers that look at the driver while busy.

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::sync::{Event, Mutex, Notify, Semaphore};
use pelmeni::task::BUDGET;
use pelmeni::{sleep, spawn, timeout, yield_now};

use crate::kitchen::{AGES, Count, counting, each, on};

const SOON: Duration = Duration::from_millis(5);

/// For each leaf operation: done without end it is stopped by a timeout, and lets another task run.
// regress: tokio#4291, tokio#4470, tokio#6250, tokio#8459, tokio#4314
async fn is_stopped<F: Future<Output = std::convert::Infallible>>(name: &str, endless: F) {
    let other = spawn(async {
        yield_now().await;
        1
    });
    let stopped = timeout(SOON, endless).await;
    assert!(stopped.is_err(), "{name}");
    assert_eq!(other.await.unwrap(), 1, "{name}");
}

#[test]
fn an_endless_loop_over_a_ready_leaf_is_stopped_by_a_timeout() {
    each(|runtime| {
        runtime.run(async {
            is_stopped("yield_now", async {
                loop {
                    yield_now().await;
                }
            })
            .await;
            is_stopped("sleep", async {
                loop {
                    sleep(Duration::ZERO).await;
                }
            })
            .await;
            let mut ticks = pelmeni::interval(Duration::from_nanos(1));
            is_stopped("interval", async move {
                loop {
                    ticks.tick().await;
                }
            })
            .await;
            is_stopped("join", async {
                loop {
                    let handle = spawn(async {});
                    while !handle.is_finished() {
                        std::hint::spin_loop();
                        yield_now().await;
                    }
                    handle.await.unwrap();
                }
            })
            .await;
            is_stopped("gather", async {
                loop {
                    pelmeni::gather([ready(()), ready(())]).await;
                }
            })
            .await;
            is_stopped("blocking", async {
                loop {
                    pelmeni::spawn_blocking(|| ()).await.unwrap();
                }
            })
            .await;
        });
    });
}

#[test]
fn an_endless_loop_over_a_free_lock_is_stopped_by_a_timeout() {
    each(|runtime| {
        runtime.run(async {
            let lock = Mutex::new(0_u64);
            is_stopped("lock", async {
                loop {
                    *lock.lock().await += 1;
                }
            })
            .await;
            assert!(*lock.lock().await >= u64::from(BUDGET));
            let semaphore = Semaphore::new(1);
            is_stopped("semaphore", async {
                loop {
                    drop(semaphore.acquire().await.unwrap());
                }
            })
            .await;
            let event = Event::new();
            event.set();
            is_stopped("event", async {
                loop {
                    event.wait().await;
                }
            })
            .await;
            let notify = Notify::new();
            is_stopped("notify", async {
                loop {
                    notify.notify_one();
                    notify.notified().await;
                }
            })
            .await;
            is_stopped("oneshot", async {
                loop {
                    let (to, from) = pelmeni::sync::oneshot::channel();
                    to.send(1).unwrap();
                    from.await.unwrap();
                }
            })
            .await;
        });
    });
}

#[test]
fn an_endless_stream_of_bytes_is_stopped_by_a_timeout() {
    each(|runtime| {
        runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let bytes = vec![0_u8; 1 << 16];
                while stream.write_all(&bytes).await.is_ok() {}
            });
            let mut stream = TcpStream::connect(address).await.unwrap();
            let mut byte = [0];
            is_stopped("read", async {
                loop {
                    assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
                }
            })
            .await;
            drop(stream);
            server.await.unwrap();
        });
    });
}

#[test]
fn a_poll_ends_when_its_budget_is_spent() {
    on(1, |runtime| {
        let polls = Count::new();
        runtime.run(async {
            let lock = Arc::new(Mutex::new(()));
            let task = counting(polls.clone(), async move {
                for _ in 0..10 * BUDGET {
                    drop(lock.lock().await);
                }
            });
            spawn(task).await.unwrap();
        });
        assert_eq!(polls.get(), 10);
    });
}

#[test]
fn each_task_has_its_own_budget() {
    on(1, |runtime| {
        let polls = Count::new();
        runtime.run(async {
            let tasks = (0..20).map(|_| {
                let polls = polls.clone();
                counting(polls, async {
                    let lock = Mutex::new(());
                    for _ in 0..BUDGET {
                        drop(lock.lock().await);
                    }
                })
            });
            pelmeni::gather_iter(tasks.collect::<Vec<_>>()).await;
        });
        assert_eq!(polls.get(), 20);
    });
}

// regress: tokio#2390, futures#2047
#[test]
fn a_spent_budget_under_foreign_combinators_is_no_livelock() {
    on(1, |runtime| {
        let polls = Count::new();
        runtime.run(async {
            let lock = Arc::new(Mutex::new(0_u32));
            let many: FuturesUnordered<_> = (0..2000)
                .map(|_| {
                    let lock = lock.clone();
                    async move { *lock.lock().await += 1 }
                })
                .collect();
            let all = counting(polls.clone(), many.for_each(|()| ready(())));
            spawn(all).await.unwrap();
            assert_eq!(*lock.lock().await, 2000);
        });
        // 2000 operations at 128 a poll.
        assert!(polls.get() <= 200, "{} polls", polls.get());
    });
}

// regress: tokio#5686
#[test]
fn two_tasks_that_talk_do_not_starve_a_third() {
    each(|runtime| {
        runtime.run(async {
            let stop = Arc::new(AtomicBool::new(false));
            let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let talk = |mine: &Arc<Notify>, other: &Arc<Notify>| {
                let (mine, other, stop) = (mine.clone(), other.clone(), stop.clone());
                async move {
                    while !stop.load(Ordering::Relaxed) {
                        mine.notified().await;
                        other.notify_one();
                    }
                    other.notify_one();
                }
            };
            let pairs = [spawn(talk(&ping, &pong)), spawn(talk(&pong, &ping))];
            ping.notify_one();
            let third = spawn(async {
                for _ in 0..100 {
                    yield_now().await;
                }
            });
            third.await.unwrap();
            sleep(SOON).await;
            stop.store(true, Ordering::Relaxed);
            for handle in pairs {
                handle.await.unwrap();
            }
        });
    });
}

/// How many polls of others there had been when it was woken.
struct Witness {
    polls: Count,
    when_woken: AtomicUsize,
}

impl Wake for Witness {
    fn wake(self: Arc<Self>) {
        self.when_woken.store(self.polls.get(), Ordering::SeqCst);
    }
}

#[test]
fn timer_does_not_wait_for_a_long_queue() {
    const POLLS: usize = 1_000;
    const POLL: Duration = Duration::from_micros(200);
    on(1, |runtime| {
        let polls = Count::new();
        let witness = Arc::new(Witness { polls: polls.clone(), when_woken: usize::MAX.into() });
        runtime.run(async {
            let queue: Vec<_> = (0..POLLS)
                .map(|_| {
                    let polls = polls.clone();
                    spawn(async move {
                        for _ in 0..2 {
                            let start = Instant::now();
                            while start.elapsed() < POLL {}
                            polls.add();
                            yield_now().await;
                        }
                    })
                })
                .collect();
            let mut nap = pin!(sleep(10 * SOON));
            let waker = Waker::from(witness.clone());
            assert!(nap.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            for handle in queue {
                handle.await.unwrap();
            }
        });
        // It is due after 250 polls at most, in the first round of three.
        let polls = witness.when_woken.load(Ordering::SeqCst);
        assert!(polls < POLLS * 3 / 4, "woken after {polls} polls");
    });
}

// regress: tokio rt_common io_driver_called_when_under_load
#[test]
fn sockets_are_served_while_all_workers_are_busy() {
    each(|runtime| {
        runtime.run(async {
            let stop = Arc::new(AtomicBool::new(false));
            let busy: Vec<_> = (0..20)
                .map(|_| {
                    let stop = stop.clone();
                    spawn(async move {
                        while !stop.load(Ordering::Relaxed) {
                            yield_now().await;
                        }
                    })
                })
                .collect();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut byte = [0];
                while stream.read(&mut byte).await.unwrap() == 1 {
                    stream.write_all(&byte).await.unwrap();
                }
            });
            let mut stream = TcpStream::connect(address).await.unwrap();
            for i in 0..20 {
                stream.write_all(&[i]).await.unwrap();
                let mut byte = [0];
                stream.read_exact(&mut byte).await.unwrap();
                assert_eq!(byte, [i]);
            }
            drop(stream);
            server.await.unwrap();
            stop.store(true, Ordering::Relaxed);
            for handle in busy {
                handle.await.unwrap();
            }
        });
    });
}

#[test]
fn tasks_from_outside_come_in_while_all_workers_are_busy() {
    each(|runtime| {
        runtime.run(async {
            let stop = Arc::new(AtomicBool::new(false));
            let busy: Vec<_> = (0..20)
                .map(|_| {
                    let stop = stop.clone();
                    spawn(async move {
                        while !stop.load(Ordering::Relaxed) {
                            yield_now().await;
                        }
                    })
                })
                .collect();
            let handle = pelmeni::Handle::current();
            let outside = std::thread::spawn(move || {
                drop(handle.spawn(async move { stop.store(true, Ordering::Relaxed) }));
            });
            for handle in busy {
                handle.await.unwrap();
            }
            outside.join().unwrap();
        });
    });
}

#[test]
fn pinned_and_free_tasks_do_not_starve_each_other() {
    each(|runtime| {
        runtime.run(async {
            for (busy_are_local, count) in [(false, 1), (false, 3), (true, 1), (true, 3)] {
                let stop = Arc::new(AtomicBool::new(false));
                let endless = || {
                    let stop = stop.clone();
                    async move {
                        while !stop.load(Ordering::Relaxed) {
                            yield_now().await;
                        }
                    }
                };
                let turns = async {
                    for _ in 0..50 {
                        yield_now().await;
                    }
                };
                let (busy, other): (Vec<_>, _) = if busy_are_local {
                    ((0..count).map(|_| pelmeni::spawn_local(endless())).collect(), spawn(turns))
                } else {
                    ((0..count).map(|_| spawn(endless())).collect(), pelmeni::spawn_local(turns))
                };
                other.await.unwrap();
                stop.store(true, Ordering::Relaxed);
                for task in busy {
                    task.await.unwrap();
                }
            }
        });
    });
}

#[test]
fn work_that_spawns_its_successor_without_end_is_stopped() {
    // regress: tokio rt_common, self-respawning tasks
    each(|runtime| {
        runtime.run(async {
            let stop = Arc::new(AtomicBool::new(false));
            let ended = Count::new();
            fn link(stop: Arc<AtomicBool>, ended: Count) {
                drop(spawn(async move {
                    if stop.load(Ordering::Relaxed) {
                        ended.add();
                    } else {
                        link(stop, ended);
                    }
                }));
            }
            link(stop.clone(), ended.clone());
            assert!(timeout(SOON, sleep(AGES)).await.is_err());
            stop.store(true, Ordering::Relaxed);
            while ended.get() == 0 {
                yield_now().await;
            }
        });
    });
}

/// With one thread the order is given: whoever accepts lets the other task run after a budget of connections at most.
#[test]
fn full_backlog_does_not_starve_another_task() {
    const WAITING: usize = 500;
    on(1, |runtime| {
        runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let connect = |_| std::net::TcpStream::connect(address).unwrap();
            let clients: Vec<_> = (0..WAITING).map(connect).collect();
            let accepted = Count::new();
            let acceptor = spawn({
                let accepted = accepted.clone();
                async move {
                    for _ in 0..WAITING {
                        drop(listener.accept().await.unwrap());
                        accepted.add();
                    }
                }
            });
            let (mut seen, mut turns) = (0, 0);
            while seen < WAITING {
                yield_now().await;
                let now = accepted.get();
                assert!(now - seen <= BUDGET as usize, "{} in a row", now - seen);
                (seen, turns) = (now, turns + 1);
            }
            // And not one by one: the poller is not asked in between.
            assert!(turns <= WAITING.div_ceil(BUDGET as usize) + 2, "{turns} turns");
            acceptor.await.unwrap();
            drop(clients);
        });
    });
}
