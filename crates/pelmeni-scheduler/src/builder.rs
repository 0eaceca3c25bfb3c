//! How a runtime is to be: [`Builder`].

use std::env;
use std::io;
use std::time::Duration;

use crate::drive::Drive;
use crate::lease::Lease;
use crate::monitor;
use crate::pool::Pool;
use crate::runtime::Runtime;
use crate::scheduler::Scheduler;
use crate::slow::{Listener, SlowPoll};
use crate::thread;
use crate::worker;

/// How many threads a runtime may have.
const THREADS_MAX: usize = 4096;
const BLOCKING_MAX: usize = 512;
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(5);

/// Makes a [`Runtime`].
///
/// ```
/// let runtime = pelmeni_scheduler::Builder::new().threads(2).build()?;
/// let answer = runtime.run(async { 6 * 7 });
/// assert_eq!(answer, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    threads: Option<usize>,
    name: String,
    stack: Option<usize>,
    blocking_max: usize,
    keep_alive: Duration,
    grace: Duration,
    /// Who hears of slow polls, if the program has said so.
    slow: Option<Listener>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl Builder {
    /// A runtime with as many threads as `PELMENI_THREADS` says, or else as the machine has cores.
    pub fn new() -> Builder {
        Builder {
            threads: None,
            name: "pelmeni".into(),
            stack: None,
            blocking_max: BLOCKING_MAX,
            keep_alive: KEEP_ALIVE,
            grace: GRACE,
            slow: None,
        }
    }

    /// How many threads run tasks, the caller of `run` among them; 1 is concurrency without parallelism.
    pub fn threads(mut self, threads: usize) -> Builder {
        self.threads = Some(threads);
        self
    }

    /// What the names of its threads begin with.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.name = name.into();
        self
    }

    /// The stack of each worker's thread, in bytes; the default is the standard library's.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack = Some(bytes);
        self
    }

    /// How many threads the blocking pool may have; the default is 512. More jobs wait their turn.
    pub fn blocking_threads(mut self, max: usize) -> Builder {
        self.blocking_max = max;
        self
    }

    /// How long a thread of the blocking pool waits for a job before it ends; the default is ten seconds.
    pub fn blocking_keep_alive(mut self, keep_alive: Duration) -> Builder {
        self.keep_alive = keep_alive;
        self
    }

    /// How long tasks may clean up, and blocking jobs go on, when the runtime closes; the default is five seconds.
    pub fn grace(mut self, grace: Duration) -> Builder {
        self.grace = grace;
        self
    }

    /// Calls `hook` for each poll that lasts for `threshold` or longer: while it lasts, and again whenever the time has
    /// doubled. Such a poll keeps a worker from its other tasks, which others then have to take over.
    ///
    /// The hook runs on a thread of the blocking pool, and may block; its panics are caught. Without one, builds with
    /// debug assertions tell of polls of 100 ms and more on stderr, at most once in a second; `PELMENI_DEBUG=1` has
    /// other builds do so, and `PELMENI_DEBUG=0` none. On a single thread, whoever listens costs a second thread that watches.
    ///
    /// # Examples
    /// ```
    /// use pelmeni_scheduler::{Builder, spawn};
    /// use std::{sync::mpsc, thread, time::Duration};
    ///
    /// let (sender, slow) = mpsc::channel();
    /// let runtime = Builder::new()
    ///     .threads(2)
    ///     .on_slow_poll(Duration::from_millis(10), move |poll| drop(sender.send(poll.clone())))
    ///     .build()?;
    /// runtime.run(async {
    ///     let chops = spawn(async { thread::sleep(Duration::from_millis(200)) }); // blocks its worker
    ///     chops.await
    /// })?;
    /// assert!(slow.recv()?.lasts() >= Duration::from_millis(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_slow_poll(
        mut self,
        threshold: Duration,
        hook: impl Fn(&SlowPoll) + Send + Sync + 'static,
    ) -> Builder {
        self.slow = Some(Listener::new(threshold, hook));
        self
    }

    /// Makes the runtime and starts its threads.
    ///
    /// # Errors
    /// `InvalidInput` if the number of threads is zero or beyond 4096, or `PELMENI_THREADS` or `PELMENI_POLLER` cannot be
    /// understood; else the system's, if it has no more threads or descriptors.
    pub fn build(self) -> io::Result<Runtime> {
        let threads = self.checked_threads()?;
        if self.blocking_max == 0 {
            return Err(invalid(
                "blocking_threads(0): the blocking pool needs a thread, say at least 1",
            ));
        }
        let pool = Pool::new(self.blocking_max, self.keep_alive, threads);
        let must_listen = self.slow.is_some();
        let slow = self.slow.or_else(Listener::from_environment);
        let drive = Drive::new(threads)?;
        let lease = Scheduler::make(threads, self.name, self.stack, self.grace, pool, slow, drive);
        // From here on the runtime sees to it that what was started ends.
        let runtime = Runtime::new(lease.clone());
        for seat in 1..threads {
            let name = format!("{}-worker-{seat}", lease.name);
            thread::start_worker(&lease, name, lease.stack, move |lease| work(lease, seat))?;
        }
        if threads > 1 {
            let name = format!("{}-worker-0", lease.name);
            thread::start_worker(&lease, name, lease.stack, move |lease| {
                substitute(lease, threads)
            })?;
        }
        if lease.is_monitored() {
            let started = monitor::start(&lease);
            // A program that asked for one thread, and for nothing else, must not fail for want of a second.
            if threads > 1 || must_listen {
                started?;
            }
        }
        Ok(runtime)
    }

    fn checked_threads(&self) -> io::Result<usize> {
        match self.threads.map_or_else(default_threads, Ok)? {
            0 => {
                Err(invalid("threads(0): a runtime needs at least one thread, that of the caller"))
            }
            threads if threads > THREADS_MAX => {
                let message = format!("threads({threads}): at most {THREADS_MAX} are possible");
                Err(invalid(&message))
            }
            threads => Ok(threads),
        }
    }
}

fn default_threads() -> io::Result<usize> {
    match env::var("PELMENI_THREADS") {
        Err(env::VarError::NotPresent) => Ok(num_cpus::get()),
        Err(error) => Err(invalid(&format!("PELMENI_THREADS: {error}"))),
        Ok(text) => match text.trim().parse() {
            Ok(threads) if threads > 0 => Ok(threads),
            _ => {
                let message = format!(
                    "PELMENI_THREADS={text:?} is not a number of threads; say 1 or more, or unset it"
                );
                Err(invalid(&message))
            }
        },
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("pelmeni: {message}"))
}

/// What a worker's thread does.
pub(crate) fn work(lease: &Lease, seat: usize) {
    worker::occupy(lease, seat, |worker| {
        worker.run_until(|| worker.scheduler.is_stopping());
        worker.end_locals();
    });
}

/// What the thread does that works while no caller is inside.
pub(crate) fn substitute(lease: &Lease, seat: usize) {
    while lease.callers.await_turn(|| lease.is_stopping()) {
        worker::occupy(lease, seat, |worker| {
            // Tasks that must stay on this thread keep it at work.
            let may_leave =
                || worker.scheduler.callers.is_inside() && worker.seat.locals.len() == 0;
            worker.run_until(|| worker.scheduler.is_stopping() || may_leave());
            worker.end_locals();
        });
    }
}
