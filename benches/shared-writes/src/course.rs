//! How an operation is measured: every worker runs it at the same time as the others, and none of them sleeps meanwhile.
//!
//! ```text
//!   each worker    some of them     all there    new window    as many again      all there    N of them      all there
//!                  (memory, costs)  ---------->  ---------->   (who writes where) ---------->  (counted)      ---------->
//! ```
//! A worker that has come to the end of its part yields in a task of its own until the others have, too. So nobody looks
//! for tasks of others, and the lines that are shared in the window are shared by what is measured. On a machine that is
//! busy with something else, a worker can look as if it were stuck, and then others come for what it has; a measurement in
//! which that may have happened is void, and made once more.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use pelmeni::{Builder, Handle, JoinHandle, spawn, spawn_local, yield_now};
use pelmeni_core::count::{self, Counts, Tally};

use crate::operations::Operation;

/// What is run: so many operations; the answer is what they have cost on this worker, if they stayed there.
pub type Run = fn(Arc<Course>, usize) -> Pin<Box<dyn Future<Output = Option<Tally>>>>;

/// What the workers have in common. Its atomics are std's, and are not counted.
#[derive(Debug)]
pub struct Course {
    workers: usize,
    /// The operation's tasks stay on their workers.
    stay: bool,
    arrivals: AtomicUsize,
    /// `None` if the measurement is void.
    tally: Mutex<Option<Tally>>,
}

/// What one operation costs on average.
#[derive(Clone, Debug)]
pub struct Cost {
    /// All that was counted.
    pub tally: Tally,
    /// For how many operations.
    pub operations: usize,
}

/// One measurement at a time: a window is everybody's.
static TURN: Mutex<()> = Mutex::new(());

/// How often a measurement may be void.
const ATTEMPTS: usize = 100;

/// Counts an operation on so many workers, so many times on each.
///
/// # Panics
/// If there can be no runtime; if workers looked for each other's tasks in each attempt.
pub fn measure(operation: &Operation, workers: usize, times: usize) -> Cost {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let tally = (0..ATTEMPTS).find_map(|_| attempt(operation, workers, times));
    let tally = tally.expect("on a machine that is less busy, tasks stay on their workers");
    Cost { tally, operations: workers * times }
}

fn attempt(operation: &Operation, workers: usize, times: usize) -> Option<Tally> {
    let run = operation.run;
    let course = Arc::new(Course {
        workers,
        stay: operation.stay,
        arrivals: AtomicUsize::new(0),
        tally: Mutex::new(Some(Tally::default())),
    });
    let runtime = Builder::new().threads(workers).build().expect("a runtime can be built");
    runtime.run(async {
        let others: Vec<_> = (1..workers).map(|_| start_elsewhere(&course, run, times)).collect();
        spawn_local(course.clone().go(run, times)).await.expect("it does not panic");
        for other in others {
            other.await.expect("it does not panic");
        }
    });
    course.tally.lock().expect("nobody panicked").take()
}

/// Starts a worker's part, and blocks this one until another has taken it.
fn start_elsewhere(course: &Arc<Course>, run: Run, times: usize) -> JoinHandle<()> {
    let here = thread::current().id();
    let started = Arc::new(AtomicBool::new(false));
    let part = {
        let (course, started) = (course.clone(), started.clone());
        spawn(async move {
            assert_ne!(thread::current().id(), here, "this thread waits for another to take it");
            let part = spawn_local(course.go(run, times));
            started.store(true, Ordering::Relaxed);
            part.await.expect("it does not panic");
        })
    };
    while !started.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    part
}

impl Course {
    /// One worker's part.
    async fn go(self: Arc<Course>, run: Run, times: usize) {
        run(self.clone(), times / 10).await;
        self.meet().await;
        let before = searches();
        count::window();
        self.meet().await;
        run(self.clone(), times / 10).await;
        self.meet().await;
        let tally = run(self.clone(), times).await;
        self.meet().await;
        let is_good = !stands_in() && (!self.stay || searches() == before);
        self.add(tally.filter(|_| is_good));
        self.meet().await;
    }

    fn add(&self, tally: Option<Tally>) {
        let mut sum = self.tally.lock().expect("nobody panicked");
        *sum = sum.take().zip(tally).map(|(mut sum, tally)| {
            sum += tally;
            sum
        });
    }

    /// Waits until all workers have called this as often as this one. It keeps the worker awake, which costs nothing that is
    /// counted: a task that stays on its thread needs no atomics to yield.
    pub async fn meet(&self) {
        let arrivals = self.arrivals.fetch_add(1, Ordering::Relaxed);
        let all = (arrivals / self.workers + 1) * self.workers;
        while self.arrivals.load(Ordering::Relaxed) < all {
            yield_now().await;
        }
    }
}

/// This thread stands in for another one, with whom it has the timers in common: it is a spare, or the one that works while
/// nobody calls `run`.
fn stands_in() -> bool {
    let is = |name: &str| name.contains("-spare-") || name.ends_with("-worker-0");
    thread::current().name().is_some_and(is)
}

/// How often a worker has looked for what others have, so far.
fn searches() -> u64 {
    Handle::current().stats().workers.iter().map(|worker| worker.searches).sum()
}

impl Cost {
    /// What one operation did: read-modify-writes, writes to shared lines, fences.
    pub fn each(&self) -> [f64; 3] {
        self.share(self.tally.total())
    }

    /// As [`each`](Cost::each), without what was done at some places.
    pub fn without(&self, is_left_out: impl Fn(&str) -> bool) -> [f64; 3] {
        let mut sum = Counts::default();
        let places = self.tally.places().filter(|(file, ..)| !is_left_out(file));
        places.for_each(|(.., counts)| sum += counts);
        self.share(sum)
    }

    /// The part of an operation in these counts.
    pub fn share(&self, counts: Counts) -> [f64; 3] {
        let Counts { exchanges, shared, fences } = counts;
        [exchanges, shared, fences].map(|count| count as f64 / self.operations as f64)
    }
}
