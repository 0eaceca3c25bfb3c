//! Workloads of the scheduler: tasks that come, go, wake each other and compute.
//!
//! Source: tokio's `benches/rt_multi_threaded.rs` for the shapes of ping-pong, yield and chained spawn;
//! async-executor's `benches/executor.rs` for the ring; atemerev's skynet.

use std::future::poll_fn;
use std::hint::black_box;
use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use futures::channel::oneshot;

use crate::clock::{Scale, per_operation};
use crate::rival::Rival;

/// Spawns a batch of empty tasks, then awaits every handle.
pub(crate) async fn spawn_join<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 10_000;
    per_operation(scale, TASKS, || async {
        let handles: Vec<_> = (0..TASKS).map(|_| R::spawn(async {})).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// Spawns an empty task and awaits it before the next one: request and reply with a task of its own.
pub(crate) async fn spawn_await<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 1_000;
    per_operation(scale, TASKS, || async {
        for _ in 0..TASKS {
            R::join(R::spawn(async {})).await;
        }
    })
    .await
}

/// A thread that is no worker spawns tasks; the time is up when the last one has run.
pub(crate) async fn outside<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 10_000;
    let spawner = &R::spawner();
    per_operation(scale, TASKS, || async move {
        let (done, end) = oneshot::channel();
        let left =
            Arc::new(Countdown { left: AtomicU32::new(TASKS), done: Mutex::new(Some(done)) });
        let spawner = spawner.clone();
        let outside = std::thread::Builder::new().spawn(move || {
            for _ in 0..TASKS {
                let left = Arc::clone(&left);
                R::spawn_from_outside(&spawner, async move { left.count() });
            }
        });
        end.await.expect("the last task reports");
        outside.expect("a thread starts").join().expect("spawning does not panic");
    })
    .await
}

/// Sends its message when it has been counted down to nothing.
struct Countdown {
    left: AtomicU32,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

impl Countdown {
    fn count(&self) {
        // Relaxed: nothing is handed over but the message, and the lock and the channel order that.
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let done = self.done.lock().expect("no one panics with this lock").take();
            done.expect("only the last one takes it").send(()).expect("the root waits for it");
        }
    }
}

/// Yields in the root task with nothing else to run.
pub(crate) async fn yield_one<R: Rival>(scale: Scale) -> f64 {
    const YIELDS: u32 = 10_000;
    per_operation(scale, YIELDS, || async {
        for _ in 0..YIELDS {
            R::yield_now().await;
        }
    })
    .await
}

/// Yields in 200 tasks at once.
pub(crate) async fn yield_many<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 200;
    const YIELDS: u32 = 1_000;
    per_operation(scale, TASKS * YIELDS, || async {
        let yielding = || {
            R::spawn(async {
                for _ in 0..YIELDS {
                    R::yield_now().await;
                }
            })
        };
        let handles: Vec<_> = (0..TASKS).map(|_| yielding()).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// 1000 tasks that each spawn a peer and do one round trip with it.
pub(crate) async fn ping_pong<R: Rival>(scale: Scale) -> f64 {
    const PAIRS: u32 = 1_000;
    per_operation(scale, PAIRS, || async {
        let handles: Vec<_> = (0..PAIRS).map(|_| R::spawn(one_ping_pong::<R>())).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

async fn one_ping_pong<R: Rival>() {
    let (ping, pinged) = oneshot::channel();
    let (pong, ponged) = oneshot::channel();
    R::detach(R::spawn(async move {
        pinged.await.expect("the ping is sent");
        pong.send(()).expect("the pong is awaited");
    }));
    ping.send(()).expect("the peer waits for its ping");
    ponged.await.expect("the pong is sent");
}

/// Every task spawns the next one and ends.
pub(crate) async fn chained_spawn<R: Rival>(scale: Scale) -> f64 {
    const LINKS: u32 = 1_000;
    per_operation(scale, LINKS, || async {
        let (done, end) = oneshot::channel();
        link::<R>(LINKS, done);
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

/// One token that goes round a ring of tasks: every hop wakes one task and parks another.
///
/// Not over a channel: those for any runtime cost several times what a hop costs.
pub(crate) async fn ring<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 503;
    const LAPS: u32 = 20;
    per_operation(scale, TASKS * LAPS, || async {
        let first = Arc::new(Baton::default());
        let mut inlet = Arc::clone(&first);
        for _ in 0..TASKS {
            let outlet = Arc::new(Baton::default());
            let next = Arc::clone(&outlet);
            R::detach(R::spawn(async move {
                for _ in 0..LAPS {
                    inlet.take().await;
                    outlet.put();
                }
            }));
            inlet = next;
        }
        for _ in 0..LAPS {
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

/// A tree of tasks, ten children each and five levels deep, that adds up the numbers of its leaves.
pub(crate) async fn skynet<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 111_111;
    const LEAVES: u64 = 100_000;
    per_operation(scale, TASKS, || async {
        let sum = R::join(node::<R>(0, LEAVES)).await;
        assert_eq!(sum, LEAVES * (LEAVES - 1) / 2, "every leaf is counted once");
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
pub(crate) async fn cpu<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 16;
    let steps = scale.of(3_000_000);
    let alone = per_operation(scale, TASKS, || async {
        for seed in 0..TASKS {
            black_box(crunch(seed, steps));
        }
    })
    .await;
    let together = per_operation(scale, TASKS, || async {
        let handles: Vec<_> =
            (0..TASKS).map(|seed| R::spawn(async move { crunch(seed, steps) })).collect();
        for handle in handles {
            black_box(R::join(handle).await);
        }
    })
    .await;
    alone / together
}

/// A chain of dependent multiplications: no two of them overlap, and none touches memory.
fn crunch(seed: u32, steps: u32) -> u64 {
    let mut x = u64::from(seed);
    for _ in 0..steps {
        x = black_box(x).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    x
}
