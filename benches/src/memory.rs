//! Bytes of memory per task: the growth of the resident set while tasks come to rest.
//!
//! The resident set, not a counter in the allocator: it includes what the allocator loses to alignment and rounding,
//! costs the other workloads nothing, and is what a user pays for. Tasks are spawned in batches that come to rest
//! before the next one, so that the length of a run queue is not counted; the first batch comes before the first
//! reading, so that stacks and tables are not counted either.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::rival::Rival;
use crate::row::Row;

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("bytes-parked", "memory of a parked task", "bytes", |scale| {
            parked_bytes::<R>(scale.of(100_000))
        }),
        Row::new("bytes-sleeping", "memory of a sleeping task", "bytes", |scale| {
            sleeping_bytes::<R>(scale.of(100_000))
        }),
    ]
}

const BATCH: u32 = 1_000;

/// Where a parked task's waker is kept, outside of the task and allocated before the first reading.
type Slot = Mutex<Option<Waker>>;

/// How many tasks have been polled once.
///
/// Relaxed: a plain count. The tasks it counts are not touched by who reads it.
static AT_REST: AtomicU32 = AtomicU32::new(0);

/// Returns the bytes that a task of one pointer takes while it waits for a waker kept elsewhere.
pub(crate) async fn parked_bytes<R: Rival>(tasks: u32) -> f64 {
    // Written with a waker each, so that every page of the slots is resident before the first reading.
    let slots: Vec<Slot> =
        (0..tasks + BATCH).map(|_| Mutex::new(Some(Waker::noop().clone()))).collect();
    let mut slots: &'static [Slot] = Vec::leak(slots);
    bytes_per_task::<R>(tasks, || {
        let slot = slots.split_off_first().expect("as many slots as tasks");
        R::detach(R::spawn(Parked { slot, parked: false }));
    })
    .await
}

/// Returns the bytes that a task takes while it sleeps.
pub(crate) async fn sleeping_bytes<R: Rival>(tasks: u32) -> f64 {
    const LONG: Duration = Duration::from_secs(3_600);
    bytes_per_task::<R>(tasks, || {
        R::detach(R::spawn(async {
            AT_REST.fetch_add(1, Ordering::Relaxed);
            R::sleep(LONG).await;
        }));
    })
    .await
}

async fn bytes_per_task<R: Rival>(tasks: u32, mut spawn: impl FnMut()) -> f64 {
    let mut before = 0.0;
    AT_REST.store(0, Ordering::Relaxed);
    for spawned in (0..tasks + BATCH).step_by(BATCH as usize) {
        if spawned == BATCH {
            before = resident_bytes();
        }
        for _ in 0..BATCH {
            spawn();
        }
        while AT_REST.load(Ordering::Relaxed) < spawned + BATCH {
            R::yield_now().await;
        }
    }
    (resident_bytes() - before) / f64::from(tasks)
}

/// Waits for ever; its waker is kept in a slot.
struct Parked {
    slot: &'static Slot,
    parked: bool,
}

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.slot.lock().expect("no one panics while holding a slot") = Some(cx.waker().clone());
        if !self.parked {
            self.parked = true;
            AT_REST.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Pending
    }
}

/// Returns the size of this process's resident set.
///
/// `smaps_rollup` walks the page tables: unlike `statm`, it has no counters that lag behind.
fn resident_bytes() -> f64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")
        .expect("memory is measured on Linux, where /proc/self/smaps_rollup is");
    let kib: f64 = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse().ok())
        .expect("smaps_rollup has a line `Rss: n kB`");
    kib * 1024.0
}
