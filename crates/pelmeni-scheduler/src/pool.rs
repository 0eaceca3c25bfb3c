//! The blocking pool: threads for work that blocks, started when needed, ended when they have been idle for a while.
//!
//! A job is a task whose future is ready after one poll; so it has a handle, can be cancelled before it begins, and its panic
//! is contained, all by the same code as every other task's.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pelmeni_core::cancel;
use pelmeni_core::primitive::{Condvar, Mutex};
use pelmeni_core::{
    Cause, JoinError, JoinHandle, Runnable, Schedule, TaskInfo, TaskRef, coop, task,
};

use crate::current;
use crate::drive::{Deadline, now};
use crate::home::Meta;
use crate::lease::Lease;
use crate::misuse;
use crate::thread;

/// The threads of a runtime that may block.
#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<State>,
    /// There is a job, or the pool closes.
    job: Condvar,
    /// A thread has ended.
    ended: Condvar,
    max: usize,
    keep_alive: Duration,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Runnable>,
    /// Threads that wait for a job, those included that were notified and have not woken up yet. Counted by
    /// themselves only, so that it is always exact under the lock.
    idle: usize,
    threads: usize,
    /// Threads that take no more jobs and have not given back what they hold of the runtime.
    leaving: usize,
    /// For names.
    started: usize,
    closed: bool,
}

impl Pool {
    pub(crate) fn new(max: usize, keep_alive: Duration) -> Pool {
        Pool {
            state: Mutex::default(),
            job: Condvar::new(),
            ended: Condvar::new(),
            max,
            keep_alive,
        }
    }

    pub(crate) fn threads(&self) -> usize {
        self.state.lock().threads
    }

    /// Drops the jobs that have not begun, and ends the idle threads.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        self.job.notify_all();
        drop(jobs); // each ends cancelled
    }

    /// Waits until all threads have ended, or the limit has come; tells how many have not.
    pub(crate) fn await_all(&self, limit: Deadline) -> usize {
        let mut state = self.state.lock();
        loop {
            let left = limit.until(now()).unwrap_or(Duration::MAX);
            let busy = state.threads + state.leaving;
            if busy == 0 || left.is_zero() {
                return busy;
            }
            state = self.ended.wait_timeout(state, left);
        }
    }

    /// Queues a job and sees to it that a thread takes it.
    fn submit(&self, lease: &Lease, job: Runnable) {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            return drop(job); // it ends cancelled
        }
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            drop(state);
            return self.job.notify_one(); // an idle thread for each job that is queued
        }
        if state.threads == self.max {
            return; // a busy thread takes it when it is done
        }
        state.threads += 1;
        state.started += 1;
        let name = format!("pelmeni-blocking-{}", state.started);
        drop(state);
        let own = lease.clone();
        let pool = lease.pool.clone();
        let work = move || {
            pool.work(&own);
            drop(own); // before anybody hears of the end
            pool.end();
        };
        if let Err(error) = thread::start(name, None, work) {
            self.not_started(error);
        }
    }

    /// A thread could not be started. If there is none at all, nobody would ever take the jobs: they fail.
    fn not_started(&self, error: io::Error) {
        let mut state = self.state.lock();
        state.threads -= 1;
        if state.threads > 0 {
            return;
        }
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        for job in jobs {
            let message = format!("no thread of the blocking pool could be started: {error}");
            job.refuse(io::Error::new(error.kind(), message));
        }
    }

    fn work(&self, lease: &Lease) {
        let _entered = current::enter(lease);
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job.run();
                state = self.state.lock();
                continue;
            }
            if state.closed {
                break;
            }
            let until = Deadline::after(self.keep_alive);
            state.idle += 1;
            while state.jobs.is_empty() && !state.closed && !until.has_passed(now()) {
                let left = until.until(now()).unwrap_or(Duration::MAX);
                state = self.job.wait_timeout(state, left);
            }
            state.idle -= 1;
            if state.jobs.is_empty() {
                break;
            }
        }
        // Under the same lock as the last look at the jobs: whoever submits one from now on does not count on us.
        state.threads -= 1;
        state.leaving += 1;
    }

    fn end(&self) {
        self.state.lock().leaving -= 1;
        self.ended.notify_all();
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
        Poll::Ready(cancel::unaffected(work))
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
        let (runnable, handle) = task(Job(Some(work)), home);
        self.pool.submit(self, runnable);
        handle
    }
}
