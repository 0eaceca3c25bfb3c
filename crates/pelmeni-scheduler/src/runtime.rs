//! A runtime, how it is run and how it ends: [`Runtime`], [`ShutdownReport`].

use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use pelmeni_core::TaskInfo;

use crate::builder::Builder;
use crate::counters::Stats;
use crate::current;
use crate::drive::{Deadline, now};
use crate::handle::Handle;
use crate::lease::Lease;
use crate::misuse;
use crate::root;
use crate::thread;
use crate::worker;

/// An event loop on one thread, or a pool of workers on many.
///
/// Dropping it closes it, as [`close`](Runtime::close) does; inside a task or a blocking job it closes in the background.
pub struct Runtime {
    handle: Handle,
    open: bool,
}

impl Runtime {
    pub(crate) fn new(lease: Lease) -> Runtime {
        Runtime { handle: Handle::new(lease), open: true }
    }

    /// Runs a future until it is ready, with this thread as a worker; tasks that were spawned go on when it returns.
    ///
    /// The future may borrow, and need not be [`Send`]. On a runtime with one thread, tasks run only during such calls.
    ///
    /// # Panics
    /// On a worker of any runtime; and if the future panics.
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// A way in from other threads.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What the workers have done so far.
    pub fn stats(&self) -> Stats {
        self.handle.stats()
    }

    /// Ends everything, in this order, and tells what did not end in time:
    ///
    /// 1. no more tasks start: what is spawned from now on ends cancelled;
    /// 2. every task is asked to end, and may clean up for as long as the builder's `grace` says;
    /// 3. tasks that are still there are dropped;
    /// 4. the workers' threads end; blocking jobs that have not begun are dropped, others may end within the grace;
    /// 5. waits for events and timers end.
    ///
    /// # Panics
    /// On a worker: a task cannot wait for its own end. Drop the runtime there, and it closes in the background.
    #[track_caller]
    pub fn close(mut self) -> ShutdownReport {
        assert!(
            !worker::with_current(|worker| worker.is_some()),
            "pelmeni: `close` inside a task would wait for that task; drop the Runtime instead, and it closes in the \
             background"
        );
        self.open = false;
        close(self.handle.lease())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        // Neither a worker nor a blocking job can wait for its own end.
        if !current::with_lease(|lease| lease.is_some()) {
            close(self.handle.lease());
            return;
        }
        let lease = self.handle.lease().clone();
        let closer = move || drop(close(&lease));
        if thread::start("pelmeni-closer".into(), None, closer).is_err() {
            // No thread to wait for the end: nothing new starts, and what runs ends by itself.
            let lease = self.handle.lease();
            lease.close_registries();
            ask_all(lease);
            lease.pool.close();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// What was left when a runtime was closed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many tasks were asked to end, or had not begun.
    pub cancelled: usize,
    /// Tasks that did not end within the grace and were dropped.
    pub dropped: Vec<TaskInfo>,
    /// Tasks that could not even be dropped, because they have not returned from a poll.
    pub stuck: Vec<TaskInfo>,
    /// Names of workers' threads that have not ended, because of such a task.
    pub threads: Vec<String>,
    /// Threads of the blocking pool that were still at work.
    pub blocking: usize,
}

impl ShutdownReport {
    /// Says whether everything ended in time and by itself.
    pub fn is_clean(&self) -> bool {
        self.dropped.is_empty()
            && self.stuck.is_empty()
            && self.threads.is_empty()
            && self.blocking == 0
    }
}

/// A line for each thing that did not end in time; `clean` if there is none.
impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("clean");
        }
        self.dropped.iter().try_for_each(|task| writeln!(f, "dropped after the grace: {task}"))?;
        self.stuck.iter().try_for_each(|task| writeln!(f, "stuck in a poll: {task}"))?;
        self.threads.iter().try_for_each(|name| writeln!(f, "thread still at work: {name}"))?;
        if self.blocking > 0 {
            writeln!(f, "blocking jobs still at work: {}", self.blocking)?;
        }
        Ok(())
    }
}

/// How long a dropped task may take to return from its last poll, and threads to end, at least.
const MOMENT: Duration = Duration::from_millis(500);

fn close(lease: &Lease) -> ShutdownReport {
    let mut report = ShutdownReport::default();
    let limit = Deadline::after(lease.grace);
    lease.close_registries();
    report.cancelled = ask_all(lease);
    await_tasks(lease, limit);
    for seat in &lease.seats {
        for registry in [&seat.tasks, &seat.locals] {
            registry.for_each(|task, info| {
                task.abort();
                report.dropped.push(info);
            });
        }
    }
    if !report.dropped.is_empty() {
        await_tasks(lease, now() + MOMENT);
    }
    for seat in &lease.seats {
        for registry in [&seat.tasks, &seat.locals] {
            registry.for_each(|_, info| report.stuck.push(info));
        }
    }
    for stuck in &report.stuck {
        if let Some(index) = report.dropped.iter().position(|task| same(task, stuck)) {
            report.dropped.swap_remove(index);
        }
    }
    lease.stop();
    root::clear_up(lease);
    lease.pool.close();
    report.threads = lease.running.await_all(limit.max(now() + MOMENT));
    report.blocking = lease.pool.await_all(limit.max(now() + MOMENT));
    report.cancelled += lease.newcomers.dropped();
    lease.close_drive();
    report
}

fn same(one: &TaskInfo, other: &TaskInfo) -> bool {
    one.location() == other.location() && one.name() == other.name()
}

/// Sends every task a request to cancel.
fn ask_all(lease: &Lease) -> usize {
    let mut asked = 0;
    for seat in &lease.seats {
        for registry in [&seat.tasks, &seat.locals] {
            registry.for_each(|task, _| asked += usize::from(task.cancel()));
        }
    }
    asked
}

/// Works, or waits, until no task is left or the limit has come.
fn await_tasks(lease: &Lease, limit: Deadline) {
    if lease.callers.enter_unless(limit, || lease.tasks() == 0) {
        worker::occupy(lease, 0, |worker| worker.run_until_or(limit, || lease.tasks() == 0));
        root::leave(lease);
    }
}

/// Runs a future with this thread as a worker of a new runtime, and closes that when the future is ready.
///
/// `asyncio.run`. The runtime has the default settings: as many threads as `PELMENI_THREADS` says, or else as the machine
/// has cores. Tasks that are left are asked to end, and may clean up for five seconds.
///
/// # Panics
/// On a worker of any runtime; if the runtime cannot be made; and if the future panics.
#[track_caller]
pub fn run<F: Future>(future: F) -> F::Output {
    match try_run(future) {
        Ok(output) => output,
        Err(error) => panic!("pelmeni: cannot run: {error}"),
    }
}

/// As [`run`], with an error where that would panic for want of a runtime.
///
/// # Errors
/// `ResourceBusy` on a worker of any runtime; what [`Builder::build`](crate::Builder::build) says.
///
/// # Panics
/// If the future does.
#[track_caller]
pub fn try_run<F: Future>(future: F) -> io::Result<F::Output> {
    if worker::with_current(|worker| worker.is_some()) {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, misuse::NESTED));
    }
    let runtime = Builder::new().build()?;
    Ok(runtime.run(future))
}
