//! Workloads of the timers: how much a sleep costs, and how late it ends.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::Either;

use crate::clock::{Scale, median, nanoseconds, now, per_operation};
use crate::rival::Rival;
use crate::row::Row;

/// The deadlines of a crowd of timers lie so far apart.
const STEP: Duration = Duration::from_nanos(100);

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("timers", "100k sleeps over 10 ms", "ns/timer", |scale| {
            many::<R>(scale, scale.of(100_000))
        }),
        Row::new("timers-in-order", "the same, armed in their order", "ns/timer", |scale| {
            in_order::<R>(scale, scale.of(100_000))
        }),
        Row::new("timers-floor", "the same, 1 in 100 a timer", "ns/timer", |scale| {
            unarmed::<R>(scale, scale.of(100_000))
        }),
        Row::new("sleepers", "100k tasks that sleep once", "ns/task", |scale| {
            sleepers::<R>(scale, scale.of(100_000))
        }),
        Row::new("timer-drop", "sleep armed and dropped", "ns/timer", |scale| {
            dropped::<R>(scale, 0)
        }),
        Row::new("lateness", "lateness of a 5 ms sleep", "us", lateness::<R>),
    ]
}

/// Fewer than any runtime's budget of operations per poll, so that the first poll of every sleep registers it.
const TIMERS_PER_TASK: u32 = 100;

/// Tasks that each arm a hundred sleeps at once, the deadlines 100 ns apart, and wait for all of them.
///
/// The deadlines of a task are spread over the whole time, so that sleeps which fire one after the other are far apart in
/// memory. The time to the last deadline is part of the result: no runtime can stay below 100 ns per timer.
pub(crate) async fn many<R: Rival>(scale: Scale, timers: u32) -> f64 {
    let tasks = timers / TIMERS_PER_TASK;
    let nth = move |task, place| task + place * tasks;
    armed_together::<R, _>(scale, timers, move |task, place| R::sleep(STEP * nth(task, place)))
        .await
}

/// As [`many`], but sleeps fire in the order in which they were armed, as timeouts of one length do.
async fn in_order<R: Rival>(scale: Scale, timers: u32) -> f64 {
    let nth = |task, place| task * TIMERS_PER_TASK + place;
    armed_together::<R, _>(scale, timers, move |task, place| R::sleep(STEP * nth(task, place)))
        .await
}

/// As [`many`], but only the last sleep of each task is one: the others take as much memory and read the clock as often, and
/// wait for nothing. What this takes, [`many`] takes without its timers.
async fn unarmed<R: Rival>(scale: Scale, timers: u32) -> f64 {
    const LAST: u32 = TIMERS_PER_TASK - 1;
    armed_together::<R, _>(scale, timers, move |_, place| match place {
        LAST => Either::Left(R::sleep(STEP * timers)),
        _ => Either::Right(Unarmed { deadline: now() + STEP * place, polled: false }),
    })
    .await
}

/// Knows when it should end, as a sleep does, but is ready when it is polled for the second time.
struct Unarmed {
    deadline: Instant,
    polled: bool,
}

impl Future for Unarmed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        black_box(self.deadline); // it would not be read otherwise
        if std::mem::replace(&mut self.polled, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Tasks that each poll a hundred sleeps once and then wait for them in their order; `sleep` makes them, from the
/// number of the task and the place in it.
async fn armed_together<R: Rival, S: Future<Output = ()> + Send>(
    scale: Scale,
    timers: u32,
    sleep: impl Fn(u32, u32) -> S + Copy + Send + 'static,
) -> f64 {
    let tasks = timers / TIMERS_PER_TASK;
    per_operation(scale, timers, || async {
        let task = |task: u32| {
            R::spawn(async move {
                // Were it to grow, glibc would have the threads wait for each other for longer than the timers take.
                let mut left = Vec::with_capacity(TIMERS_PER_TASK as usize);
                for place in 0..TIMERS_PER_TASK {
                    let mut sleep = Box::pin(sleep(task, place));
                    if futures::poll!(&mut sleep).is_pending() {
                        left.push(sleep);
                    }
                }
                for sleep in left {
                    sleep.await;
                }
            })
        };
        let handles: Vec<_> = (0..tasks).map(task).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// Tasks that each sleep once; the deadlines are 100 ns apart, and armed in no order.
///
/// As in [`many`], the time to the last deadline is part of the result; so are the spawn and the join.
pub(crate) async fn sleepers<R: Rival>(scale: Scale, tasks: u32) -> f64 {
    /// Coprime to every power of ten: the multiples visit every deadline once.
    const STRIDE: u64 = 70_001;
    per_operation(scale, tasks, || async {
        let sleeper = |i: u32| {
            let place = u64::from(i) * STRIDE % u64::from(tasks);
            let place = u32::try_from(place).expect("a remainder of u32 fits");
            R::spawn(R::sleep(STEP * place))
        };
        let handles: Vec<_> = (0..tasks).map(sleeper).collect();
        for handle in handles {
            R::join(handle).await;
        }
    })
    .await
}

/// Arms a timeout of 1 s and gives it up at once, as a request that succeeds does, while `others` sleep for an hour.
pub(crate) async fn dropped<R: Rival>(scale: Scale, others: u32) -> f64 {
    let turns = scale.of(1_000);
    sleep_long::<R>(others).await;
    /// Fewer than any runtime's budget of operations per poll, so that every poll of a sleep registers it.
    const TIMERS_PER_TURN: u32 = 50;
    per_operation(scale, turns * TIMERS_PER_TURN, || async {
        for _ in 0..turns {
            for _ in 0..TIMERS_PER_TURN {
                let sleep = pin!(R::sleep(Duration::from_secs(1)));
                assert!(futures::poll!(sleep).is_pending(), "a second does not pass in one poll");
            }
            R::yield_now().await;
        }
    })
    .await
}

/// Spawns tasks that sleep past the end of this process, each for another time, and waits until all of them do.
async fn sleep_long<R: Rival>(tasks: u32) {
    const HOUR: Duration = Duration::from_secs(3_600);
    const BATCH: u32 = 1_000;
    let asleep = Arc::new(AtomicU32::new(0));
    for i in 0..tasks {
        let asleep = Arc::clone(&asleep);
        R::detach(R::spawn(async move {
            // Relaxed: a plain count.
            asleep.fetch_add(1, Ordering::Relaxed);
            R::sleep(HOUR + STEP * i).await;
        }));
        // So that the length of a run queue is not what is measured.
        if i % BATCH == 0 {
            R::yield_now().await;
        }
    }
    while asleep.load(Ordering::Relaxed) < tasks {
        R::yield_now().await;
    }
}

/// How late a sleep of 5 ms ends on an idle runtime: the median, in microseconds.
async fn lateness<R: Rival>(scale: Scale) -> f64 {
    const NAP: Duration = Duration::from_millis(5);
    let mut late = Vec::new();
    for _ in 0..scale.of(100) {
        late.push(lateness_of::<R>(NAP).await);
    }
    median(&mut late)
}

/// Sleeps for `nap` and returns by how many microseconds it took longer.
pub(crate) async fn lateness_of<R: Rival>(nap: Duration) -> f64 {
    let start = now();
    R::sleep(nap).await;
    (nanoseconds(start.elapsed()) - nanoseconds(nap)) / 1e3
}
