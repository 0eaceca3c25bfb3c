//! Tasks that keep a worker from its work, and what becomes of the tasks beside them.
//!
//! | rows | who blocks | who suffers |
//! |---|---|---|
//! | `blocked-sleep`, `blocked-echo` | one task, for 20 ms of every 40 | 16 that sleep 1 ms; 16 connections |
//! | `stalled-half`, `stalled-all` | 2 or 4 tasks on 4 workers, for 100 ms of every 200 | 16 that sleep 5 ms |
//!
//! The blockers sleep in the kernel, as in a file that is slow to come: they cost no processor, so there is one for the
//! others. All figures are 99th percentiles, because the median of most runtimes is undisturbed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::client::Load;
use crate::clock::{Scale, percentile_99};
use crate::echo::serve;
use crate::rival::Rival;
use crate::row::Row;
use crate::timers::lateness_of;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_millis(100);

/// The rows about several blockers need a known number of workers.
const WORKERS: usize = 4;

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("blocked-sleep", "p99 late beside a blocker", "us", |scale| {
            late_beside::<R>(1, SHORT, scale.of(50), Duration::from_millis(1))
        }),
        Row::new("blocked-echo", "p99 of echo beside a blocker", "us", echo_beside::<R>),
        Row::new("stalled-half", "p99 late, 2 of 4 blocked", "us", |scale| {
            late_beside::<R>(2, LONG, scale.of(20), Duration::from_millis(5))
        })
        .on_workers(WORKERS),
        Row::new("stalled-all", "p99 late, 4 of 4 blocked", "us", |scale| {
            late_beside::<R>(4, LONG, scale.of(20), Duration::from_millis(5))
        })
        .on_workers(WORKERS),
    ]
}

/// `blockers` tasks block their workers for `block` and pause as long, `blocks` times; 16 others sleep for `nap`, again
/// and again. Returns the 99th of a hundred latenesses, in microseconds.
///
/// Where all workers are blocked, one that does nothing about it cannot do better than `block`.
async fn late_beside<R: Rival>(blockers: u32, block: Duration, blocks: u32, nap: Duration) -> f64 {
    let blocking = Arc::new(AtomicBool::new(true));
    let napper = |_| {
        let blocking = Arc::clone(&blocking);
        R::spawn(async move {
            let mut late = Vec::new();
            // Relaxed: a flag that only ends the loop.
            while blocking.load(Ordering::Relaxed) {
                late.push(lateness_of::<R>(nap).await);
            }
            late
        })
    };
    let nappers: Vec<_> = (0..16).map(napper).collect();
    let blocker = |_| {
        R::spawn(async move {
            for _ in 0..blocks {
                block_and_pause::<R>(block).await;
            }
        })
    };
    let blockers: Vec<_> = (0..blockers).map(blocker).collect();
    for blocker in blockers {
        R::join(blocker).await;
    }
    blocking.store(false, Ordering::Relaxed);
    let mut late = Vec::new();
    for napper in nappers {
        late.extend(R::join(napper).await);
    }
    percentile_99(&mut late)
}

/// Serves 16 connections that send once in a millisecond or so, while a task blocks its worker for 20 ms of every 40; returns the
/// 99th percentile of their round trips in microseconds.
///
/// One thread cannot do better than 20 ms.
async fn echo_beside<R: Rival>(scale: Scale) -> f64 {
    let blocking = Arc::new(AtomicBool::new(true));
    let blocker = R::spawn({
        let blocking = Arc::clone(&blocking);
        async move {
            // Relaxed: a flag that only ends the loop.
            while blocking.load(Ordering::Relaxed) {
                block_and_pause::<R>(SHORT).await;
            }
        }
    });
    let percentile = serve::<R>(Load::Paced, 16, scale.of(1_000)).await;
    blocking.store(false, Ordering::Relaxed);
    R::join(blocker).await;
    percentile
}

/// Keeps a worker from its work for so long, then lets go of it for as long.
async fn block_and_pause<R: Rival>(block: Duration) {
    std::thread::sleep(block);
    R::sleep(block).await;
}
