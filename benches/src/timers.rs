//! Workloads of the timers: how much a sleep costs, and how late it ends.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::{Scale, median, nanoseconds, now, per_operation, percentile_99};
use crate::rival::Rival;

/// Tasks that each arm a hundred sleeps at once, the deadlines spread over 10 ms, and wait for all of them.
///
/// The 10 ms are part of the result: no runtime can stay below 100 ns per timer.
pub(crate) async fn many<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 1_000;
    /// Fewer than any runtime's budget of operations per poll, so that the first poll of every sleep registers it.
    const TIMERS_PER_TASK: u32 = 100;
    const STEP: Duration = Duration::from_nanos(100);
    per_operation(scale, TASKS * TIMERS_PER_TASK, || async {
        let task = |first: u32| {
            R::spawn(async move {
                let deadlines = (0..TIMERS_PER_TASK).map(|i| STEP * (first + i * TASKS));
                let mut left = Vec::new();
                for mut sleep in deadlines.map(|after| Box::pin(R::sleep(after))) {
                    if futures::poll!(&mut sleep).is_pending() {
                        left.push(sleep);
                    }
                }
                for sleep in left {
                    sleep.await;
                }
            })
        };
        let handles: Vec<_> = (0..TASKS).map(task).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// 100k tasks that each sleep once; the deadlines are spread over 10 ms, and armed in no order.
///
/// As in [`many`], the 10 ms are part of the result; so are the spawn and the join.
pub(crate) async fn sleepers<R: Rival>(scale: Scale) -> f64 {
    const TASKS: u32 = 100_000;
    /// Coprime to `TASKS`: the multiples visit every deadline once.
    const STRIDE: u64 = 70_001;
    const STEP: Duration = Duration::from_nanos(100);
    per_operation(scale, TASKS, || async {
        let sleeper = |i: u32| {
            let place = u64::from(i) * STRIDE % u64::from(TASKS);
            let place = u32::try_from(place).expect("a remainder of TASKS fits");
            R::spawn(R::sleep(STEP * place))
        };
        let handles: Vec<_> = (0..TASKS).map(sleeper).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// Arms a timeout of 1 s and gives it up at once, as a request that succeeds does.
pub(crate) async fn dropped<R: Rival>(scale: Scale) -> f64 {
    const TURNS: u32 = 1_000;
    /// Fewer than any runtime's budget of operations per poll, so that every poll of a sleep registers it.
    const TIMERS_PER_TURN: u32 = 50;
    per_operation(scale, TURNS * TIMERS_PER_TURN, || async {
        for _ in 0..TURNS {
            for _ in 0..TIMERS_PER_TURN {
                let sleep = pin!(R::sleep(Duration::from_secs(1)));
                assert!(futures::poll!(sleep).is_pending(), "a second does not pass in one poll");
            }
            R::yield_now().await;
        }
    })
    .await
}

/// How late a sleep of 5 ms ends on an idle runtime: the median, in microseconds.
pub(crate) async fn lateness<R: Rival>(scale: Scale) -> f64 {
    const NAP: Duration = Duration::from_millis(5);
    let mut late = Vec::new();
    for _ in 0..scale.of(100) {
        late.push(lateness_of::<R>(NAP).await);
    }
    median(&mut late)
}

/// Sleeps for `nap` and returns by how many microseconds it took longer.
async fn lateness_of<R: Rival>(nap: Duration) -> f64 {
    let start = now();
    R::sleep(nap).await;
    (nanoseconds(start.elapsed()) - nanoseconds(nap)) / 1e3
}

/// One task blocks its worker for 20 ms of every 40; 16 others sleep for a millisecond, again and again.
///
/// The 99th of a hundred latenesses, in microseconds. One thread cannot do better than 20 ms.
pub(crate) async fn beside_a_blocker<R: Rival>(scale: Scale) -> f64 {
    const NAP: Duration = Duration::from_millis(1);
    let blocks = scale.of(50);
    let blocking = Arc::new(AtomicBool::new(true));
    let napper = |_| {
        let blocking = Arc::clone(&blocking);
        R::spawn(async move {
            let mut late = Vec::new();
            // Relaxed: a flag that only ends the loop.
            while blocking.load(Ordering::Relaxed) {
                late.push(lateness_of::<R>(NAP).await);
            }
            late
        })
    };
    let nappers: Vec<_> = (0..16).map(napper).collect();
    R::join(R::spawn(async move {
        for _ in 0..blocks {
            block_and_pause::<R>().await;
        }
        blocking.store(false, Ordering::Relaxed);
    }))
    .await;
    let mut late = Vec::new();
    for napper in nappers {
        late.extend(R::join(napper).await);
    }
    percentile_99(&mut late)
}

/// Keeps a worker from its work for 20 ms, then lets go of it for 20 ms.
pub(crate) async fn block_and_pause<R: Rival>() {
    const BLOCK: Duration = Duration::from_millis(20);
    std::thread::sleep(BLOCK);
    R::sleep(BLOCK).await;
}
