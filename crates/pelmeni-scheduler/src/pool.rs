//! The blocking pool: threads for work that blocks, started when needed, ended when they have been idle for a while.
//!
//! A job is a task whose future is ready after one poll; so it has a handle, can be cancelled before it begins, and its panic
//! is contained, all by the same code as every other task's.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pelmeni_core::cancel;
use pelmeni_core::park::Parker;
use pelmeni_core::{
    Cause, JoinError, JoinHandle, Runnable, Schedule, TaskInfo, TaskRef, coop, task, thread_state,
};

use crate::backlog::Stranded;
use crate::crew::Crew;
use crate::current;
use crate::drive::{Deadline, now};
use crate::errand::Errands;
use crate::home::Meta;
use crate::lease::Lease;
use crate::lookout::Rest;
use crate::misuse;
use crate::patience::{LOOKS, stay_awake};
use crate::thread;
use crate::worker;

/// So many threads are called at a time, or as many as the runtime has workers: no more can come at once. Fewer have less
/// to do with short jobs, but on a machine that is busy each of them comes late, and all others behind it.
const AT_ONCE: usize = 4;
/// How long who is on watch naps. A job behind one that blocks unexpectedly waits for two naps, and for the thread to come.
const NAP: Duration = Duration::from_micros(500);

thread_state! {
    /// Whether the job that runs on this thread is timed.
    static TIMED: Cell<Timed> = Cell::new(Timed::No)
}

#[derive(Clone, Copy)]
enum Timed {
    No,
    Asked,
    Took(Duration),
}

/// The threads of a runtime that may block.
#[derive(Debug)]
pub(crate) struct Pool {
    crew: Crew<Runnable>,
    keep_alive: Duration,
}

impl Pool {
    /// The pool of a runtime with so many workers: the cores that it means to use.
    pub(crate) fn new(max: usize, keep_alive: Duration, workers: usize) -> Pool {
        Pool { crew: Crew::new(max, workers.max(AT_ONCE)), keep_alive }
    }

    pub(crate) fn threads(&self) -> usize {
        self.crew.threads()
    }

    /// Drops the jobs that have not begun, which end cancelled, and ends the idle threads.
    pub(crate) fn close(&self) {
        self.crew.close();
    }

    /// Waits until all threads have ended, or the limit has come; tells how many have not.
    pub(crate) fn await_all(&self, limit: Deadline) -> usize {
        self.crew.await_all(|| limit.until(now()).unwrap_or(Duration::MAX))
    }

    /// Has a thread run the job. If there is none at all, nobody would ever take the jobs that wait: they fail.
    fn submit(&self, lease: &Lease, job: Runnable) {
        with_errands(|errands| {
            let is_awaited = errands.is_some_and(Errands::send);
            let start = |number| start(lease, number);
            let sent = self.crew.submit(job.kind(), job, is_awaited, start);
            match sent {
                Ok(true) => errands.into_iter().for_each(Errands::expect_soon),
                Ok(false) => {}
                Err(stranded) => refuse(stranded),
            }
        });
    }
}

/// The errands of this thread, if it is a worker.
fn with_errands<R>(f: impl FnOnce(Option<&Errands>) -> R) -> R {
    worker::with_current(|worker| f(worker.map(|worker| &worker.errands)))
}

/// Has jobs fail that nobody will ever run.
fn refuse(Stranded { jobs, error }: Stranded<Runnable>) {
    for job in jobs {
        let message = format!("no thread of the blocking pool could be started: {error}");
        job.refuse(io::Error::new(error.kind(), message));
    }
}

/// Starts a thread of the pool.
fn start(lease: &Lease, number: usize) -> io::Result<()> {
    let own = lease.clone();
    let pool = lease.pool.clone();
    let work = move || {
        let entered = current::enter(&own);
        let sleep = |parker: &Parker, how| {
            let limit = match how {
                Rest::Alert => {
                    stay_awake(LOOKS, || parker.has_token());
                    Duration::ZERO
                }
                Rest::Idle => pool.keep_alive,
                Rest::Nap => NAP,
            };
            parker.park(Some(limit));
        };
        pool.crew.work(|number| start(&own, number), run, sleep);
        drop(entered);
        drop(own); // before anybody hears of the end
        pool.crew.end();
    };
    thread::start(format!("pelmeni-blocking-{number}"), None, work).map(drop)
}

/// Runs a job; tells how long its function took if asked, without the wake of whoever waits for it.
fn run(job: Runnable, is_timed: bool) -> Option<Duration> {
    if !is_timed {
        job.run();
        return None;
    }
    TIMED.with(|timed| timed.set(Timed::Asked));
    job.run();
    match TIMED.with(|timed| timed.replace(Timed::No)) {
        Timed::Took(took) => Some(took),
        Timed::No | Timed::Asked => None,
    }
}

/// A job's way home: the pool. It needs no registry, since the pool knows its jobs and threads.
#[derive(Debug)]
struct PoolHome {
    lease: Lease,
    info: TaskInfo,
}

// SAFETY: `schedule` clones the lease, which keeps the pool, before it passes the job on.
#[expect(unsafe_code, reason = "the promise of a scheduler")]
unsafe impl Schedule for PoolHome {
    fn schedule(&self, job: Runnable, _cause: Cause) {
        // Once the job is passed on, it can end, and its lease with it.
        let lease = self.lease.clone();
        lease.pool.submit(&lease, job);
    }

    fn release(&self) {}

    fn describe(&self) -> TaskInfo {
        self.info.clone()
    }

    fn unobserved(&self, panic: &JoinError) {
        misuse::say(format_args!("{panic}; nobody joined it"));
    }
}

/// A closure as a future that is ready after one poll.
struct Job<F>(Option<F>);

impl<F> Unpin for Job<F> {}

impl<F: FnOnce() -> T, T> Future for Job<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        ready!(coop::poll_proceed(cx)); // a request to cancel came before it began
        let work = self.0.take().expect("a job is polled once");
        // What the closure does is its own affair; it may wait for many futures with `block_on`.
        let start = TIMED.with(|timed| matches!(timed.get(), Timed::Asked).then(now));
        let output = cancel::unaffected(work);
        if let Some(start) = start {
            let took = now().until(start).unwrap_or_default();
            TIMED.with(|timed| timed.set(Timed::Took(took)));
        }
        Poll::Ready(output)
    }
}

impl Lease {
    /// Runs a closure on a thread of the pool.
    pub(crate) fn spawn_blocking<F, T>(&self, work: F, meta: Meta) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let info = TaskInfo::new(meta.name, meta.location);
        let home = |_: TaskRef<'_>| PoolHome { lease: self.clone(), info };
        let (runnable, handle) = task(Job(Some(work)), None, home);
        self.pool.submit(self, runnable);
        handle
    }
}
