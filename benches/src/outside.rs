//! Tasks that come from threads that are no workers.
//!
//! Workers do nothing else meanwhile, so the figure holds all three costs: the allocation, the way into the runtime,
//! and waking a worker when there is none awake.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::channel::oneshot;

use crate::clock::{Scale, per_operation};
use crate::rival::Rival;
use crate::row::Row;

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("spawn-outside-1", "spawn from 1 outside thread", "ns/task", |scale| {
            spawn_from::<R>(scale, 1)
        }),
        Row::new("spawn-outside-2", "spawn from 2 outside threads", "ns/task", |scale| {
            spawn_from::<R>(scale, 2)
        }),
        Row::new("spawn-outside-4", "spawn from 4 outside threads", "ns/task", |scale| {
            spawn_from::<R>(scale, 4)
        }),
        Row::new("spawn-outside-8", "spawn from 8 outside threads", "ns/task", |scale| {
            spawn_from::<R>(scale, 8)
        }),
    ]
}

/// `threads` threads spawn tasks, 40k together; the time is up when the last one has run.
///
/// The countdown is not counted by references: a count that the spawning threads raise and the workers lower costs as
/// much as all else.
async fn spawn_from<R: Rival>(scale: Scale, threads: u32) -> f64 {
    let tasks = scale.of(40_000);
    let spawner = &R::spawner();
    per_operation(scale, tasks, || async move {
        let end = LAST.start(tasks);
        let outside = |_| {
            let spawner = spawner.clone();
            let spawning = move || {
                for _ in 0..tasks / threads {
                    R::spawn_from_outside(&spawner, async { LAST.count() });
                }
            };
            std::thread::Builder::new().spawn(spawning).expect("a thread starts")
        };
        let outside: Vec<_> = (0..threads).map(outside).collect();
        end.await.expect("the last task reports");
        for thread in outside {
            thread.join().expect("spawning does not panic");
        }
    })
    .await
}

/// Sends its message when it has been counted down to nothing.
struct Countdown {
    left: AtomicU32,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

/// One body runs at a time.
static LAST: Countdown = Countdown { left: AtomicU32::new(0), done: Mutex::new(None) };

impl Countdown {
    fn start(&self, tasks: u32) -> oneshot::Receiver<()> {
        let (done, end) = oneshot::channel();
        *self.done.lock().expect("no one panics with this lock") = Some(done);
        self.left.store(tasks, Ordering::Relaxed);
        end
    }

    fn count(&self) {
        // Relaxed: nothing is handed over but the message, and the lock and the channel order that.
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let done = self.done.lock().expect("no one panics with this lock").take();
            done.expect("only the last one takes it").send(()).expect("the root waits for it");
        }
    }
}
