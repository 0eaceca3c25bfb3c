//! Workloads of the scheduler: tasks that come, go, wake each other and compute.
//!
//! Source: tokio's `benches/rt_multi_threaded.rs` for the shapes of ping-pong, yield and chained spawn;
//! async-executor's `benches/executor.rs` for the ring; atemerev's skynet.

use std::future::poll_fn;
use std::hint::black_box;
use std::mem;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use futures::channel::oneshot;

use crate::clock::{Scale, median_of, nanoseconds, now, per_operation};
use crate::rival::Rival;
use crate::row::Row;

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("spawn-join", "spawn 10k, then join them", "ns/task", |scale| {
            spawn_join::<R>(scale, scale.of(10_000))
        }),
        Row::new("spawn-await", "spawn one, await it", "ns/task", spawn_await::<R>),
        Row::new("yield-1", "yield, 1 task", "ns/yield", yield_one::<R>),
        Row::new("yield-200", "yield, 200 tasks", "ns/yield", |scale| {
            yield_many::<R>(scale, 200, scale.of(1_000))
        }),
        Row::new("ping-pong", "ping-pong over 2 oneshots", "ns/pair", |scale| {
            ping_pong::<R>(scale, scale.of(1_000))
        }),
        Row::new("chain", "chained spawn, 1000 deep", "ns/link", |scale| {
            chained_spawn::<R>(scale, scale.of(1_000))
        }),
        Row::new("ring", "ring of 503 tasks", "ns/hop", |scale| ring::<R>(scale, 503, 20)),
        Row::new("skynet", "skynet, 1.1M tasks", "ns/task", skynet::<R>),
        Row::per_threads("cpu", "speed-up of 16 busy tasks", "times", cpu::<R>).higher_is_better(),
    ]
}

/// Spawns a batch of empty tasks, then awaits every handle.
pub(crate) async fn spawn_join<R: Rival>(scale: Scale, tasks: u32) -> f64 {
    per_operation(scale, tasks, || async {
        let handles: Vec<_> = (0..tasks).map(|_| R::spawn(async {})).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// Spawns an empty task and awaits it before the next one: request and reply with a task of its own.
async fn spawn_await<R: Rival>(scale: Scale) -> f64 {
    let tasks = scale.of(1_000);
    per_operation(scale, tasks, || async {
        for _ in 0..tasks {
            R::join(R::spawn(async {})).await;
        }
    })
    .await
}

/// Yields in the root task with nothing else to run.
async fn yield_one<R: Rival>(scale: Scale) -> f64 {
    let yields = scale.of(10_000);
    per_operation(scale, yields, || async {
        for _ in 0..yields {
            R::yield_now().await;
        }
    })
    .await
}

/// Yields in so many tasks at once, so many times in each.
pub(crate) async fn yield_many<R: Rival>(scale: Scale, tasks: u32, yields: u32) -> f64 {
    per_operation(scale, tasks * yields, || async {
        let yielding = || {
            R::spawn(async move {
                for _ in 0..yields {
                    R::yield_now().await;
                }
            })
        };
        let handles: Vec<_> = (0..tasks).map(|_| yielding()).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// Tasks that each spawn a peer and do one round trip with it.
pub(crate) async fn ping_pong<R: Rival>(scale: Scale, pairs: u32) -> f64 {
    per_operation(scale, pairs, || async {
        let handles: Vec<_> = (0..pairs).map(|_| R::spawn(one_ping_pong::<R>())).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

async fn one_ping_pong<R: Rival>() {
    let (ping, pinged) = R::oneshot();
    let (pong, ponged) = R::oneshot();
    R::detach(R::spawn(async move {
        pinged.await;
        pong();
    }));
    ping();
    ponged.await;
}

/// Every task spawns the next one and ends.
pub(crate) async fn chained_spawn<R: Rival>(scale: Scale, links: u32) -> f64 {
    per_operation(scale, links, || async {
        let (done, end) = oneshot::channel();
        link::<R>(links, done);
        end.await.expect("the last link reports");
    })
    .await
}

fn link<R: Rival>(left: u32, done: oneshot::Sender<()>) {
    R::detach(R::spawn(async move {
        if left == 1 {
            done.send(()).expect("the root waits for the last link");
        } else {
            link::<R>(left - 1, done);
        }
    }));
}

/// One token that goes round a ring of tasks, lap after lap: every hop wakes one task and parks another.
///
/// Not over a channel, as the thread ring of `channels` is: those for any runtime cost several times what a hop costs.
pub(crate) async fn ring<R: Rival>(scale: Scale, tasks: u32, laps: u32) -> f64 {
    per_operation(scale, tasks * laps, || async {
        let first = Arc::new(Baton::default());
        let mut inlet = Arc::clone(&first);
        for _ in 0..tasks {
            let outlet = Arc::new(Baton::default());
            let next = Arc::clone(&outlet);
            R::detach(R::spawn(async move {
                for _ in 0..laps {
                    inlet.take().await;
                    outlet.put();
                }
            }));
            inlet = next;
        }
        for _ in 0..laps {
            first.put();
            inlet.take().await;
        }
    })
    .await
}

/// A place for one token and the task that waits for it.
#[derive(Default)]
struct Baton {
    here: Mutex<(bool, Option<Waker>)>,
}

impl Baton {
    fn put(&self) {
        let waker = {
            let mut here = self.here.lock().expect("no one panics with this lock");
            here.0 = true;
            here.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn take(&self) {
        poll_fn(|cx| {
            let mut here = self.here.lock().expect("no one panics with this lock");
            if mem::take(&mut here.0) {
                return Poll::Ready(());
            }
            here.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// A tree of tasks, ten children each, that adds up the numbers of its million leaves; a level less on the quick scale.
async fn skynet<R: Rival>(scale: Scale) -> f64 {
    let leaves = scale.of(1_000_000);
    // A tenth as many parents as leaves, a tenth of that above them, up to the one root: 1.111111 of the leaves.
    let tasks = leaves + leaves / 9;
    per_operation(scale, tasks, || async {
        let leaves = u64::from(leaves);
        let sum = R::join(node::<R>(0, leaves)).await;
        assert_eq!(sum, leaves * (leaves - 1) / 2, "every leaf is counted once");
    })
    .await
}

fn node<R: Rival>(first: u64, leaves: u64) -> R::Join<u64> {
    R::spawn(async move {
        if leaves == 1 {
            return first;
        }
        let share = leaves / 10;
        let children: Vec<_> = (0..10).map(|i| node::<R>(first + i * share, share)).collect();
        let mut sum = 0;
        for child in children {
            sum += R::join(child).await;
        }
        sum
    })
}

/// How many times faster 16 tasks of pure arithmetic end than the same work done in a plain loop.
///
/// The loop runs in plain threads, at once, as many as the runtime has cores for its own, and what counts is the mean of
/// their speeds: cores that differ by a tenth, or are slower together than alone, would say more about the core on which
/// the only loop came to run than about the runtime.
async fn cpu<R: Rival>(scale: Scale, threads: usize) -> f64 {
    const TASKS: u32 = 16;
    let steps = scale.of(3_000_000);
    let cores = thread::available_parallelism().map_or(threads, |cores| threads.min(cores.get()));
    median_of(scale, || async {
        let alone = plain_loops(cores, || {
            for seed in 0..TASKS {
                black_box(crunch(seed, steps));
            }
        });
        let start = now();
        let handles: Vec<_> =
            (0..TASKS).map(|seed| R::spawn(async move { crunch(seed, steps) })).collect();
        for handle in handles {
            black_box(R::join(handle).await);
        }
        alone / nanoseconds(start.elapsed())
    })
    .await
}

/// The nanoseconds that `work` takes in one of so many threads, this one among them, all at it at the same time: the
/// harmonic mean, which is how long a thread of their mean speed would take.
fn plain_loops(threads: usize, work: impl Fn() + Sync) -> f64 {
    let start_together = Barrier::new(threads);
    let timed = || {
        start_together.wait();
        let start = now();
        work();
        nanoseconds(start.elapsed())
    };
    let speed: f64 = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(timed)).collect();
        let own = 1.0 / timed();
        let speeds = others.into_iter().map(|other| 1.0 / other.join().expect("it only computes"));
        own + speeds.sum::<f64>()
    });
    threads as f64 / speed
}

/// A chain of dependent multiplications: no two of them overlap. It is one function for all, since two copies of such a
/// loop may differ by a fourth, depending on where they come to lie.
#[inline(never)]
fn crunch(seed: u32, steps: u32) -> u64 {
    let mut x = u64::from(seed);
    for _ in 0..steps {
        x = black_box(x).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    x
}
