//! Telling of polls that last too long, while they last: [`SlowPoll`].
//!
//! ```text
//!   monitor: a poll has lasted for `threshold`, and again whenever that time has doubled
//!      |
//!      v
//!   a thread of the blocking pool: the hook, or a line on stderr
//! ```
//! The monitor runs no code of the user's and writes nowhere: either could block it.

use std::env;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use pelmeni_core::TaskInfo;
use pelmeni_core::primitive::Mutex;

use crate::drive::{Deadline, now};
use crate::home::Meta;
use crate::lease::Lease;
use crate::misuse;

/// How long a poll may last in asyncio's debug mode; also ours.
const THRESHOLD: Duration = Duration::from_millis(100);
/// At most one line in so long goes to stderr.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// A poll that has lasted long, and is not over yet.
#[derive(Debug, Clone)]
pub struct SlowPoll {
    task: TaskInfo,
    worker: usize,
    lasts: Duration,
}

impl SlowPoll {
    pub(crate) fn new(task: TaskInfo, worker: usize, lasts: Duration) -> SlowPoll {
        SlowPoll { task, worker, lasts }
    }

    /// The task that is polled: its name and where it was spawned.
    pub fn task(&self) -> &TaskInfo {
        &self.task
    }

    /// The number of the worker that polls it. Worker 0 is whoever calls `run`.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// How long the poll has lasted so far.
    pub fn lasts(&self) -> Duration {
        self.lasts
    }
}

/// What has happened, and what to do.
impl fmt::Display for SlowPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} has held worker {} for {} ms in one poll; `spawn_blocking` what blocks, and \
             `yield_now().await` in what computes",
            self.task,
            self.worker,
            self.lasts.as_millis()
        )
    }
}

/// Who hears of slow polls, and from when on a poll is slow.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) threshold: Duration,
    hook: Arc<dyn Fn(&SlowPoll) + Send + Sync>,
}

impl Listener {
    pub(crate) fn new(
        threshold: Duration,
        hook: impl Fn(&SlowPoll) + Send + Sync + 'static,
    ) -> Listener {
        Listener { threshold, hook: Arc::new(hook) }
    }

    /// Stderr, in builds with debug assertions, or as `PELMENI_DEBUG` says: 0 is no, and everything else yes.
    pub(crate) fn from_environment() -> Option<Listener> {
        let asked = env::var_os("PELMENI_DEBUG");
        let listens = asked.map_or(cfg!(debug_assertions), |value| value != "0");
        listens.then(|| {
            let lines = Lines(Mutex::new(Written::NOTHING));
            Listener::new(THRESHOLD, move |poll| lines.write(poll))
        })
    }
}

/// Has whoever listens told, on a thread of the blocking pool.
pub(crate) fn tell(lease: &Lease, poll: SlowPoll) {
    if let Some(Listener { hook, .. }) = lease.slow.clone() {
        let meta = Meta { name: Some("slow poll".into()), location: Location::caller() };
        drop(lease.spawn_blocking(move || hook(&poll), meta));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("threshold", &self.threshold).finish_non_exhaustive()
    }
}

/// What goes to stderr: not every line.
struct Lines(Mutex<Written>);

struct Written {
    /// When there may be another line.
    next: Deadline,
    /// How many there were not, since the last one.
    left_out: usize,
}

impl Lines {
    fn write(&self, poll: &SlowPoll) {
        if let Some(left_out) = self.0.lock().admit(now()) {
            let others = match left_out {
                0 => String::new(),
                more => format!(" ({more} more were not shown)"),
            };
            misuse::say(format_args!("{poll}{others}"));
        }
    }
}

impl Written {
    const NOTHING: Written = Written { next: Deadline::ZERO, left_out: 0 };

    /// Whether there may be a line now; and how many were left out before it.
    fn admit(&mut self, now: Deadline) -> Option<usize> {
        if !self.next.has_passed(now) {
            self.left_out += 1;
            return None;
        }
        self.next = now + LINE_EVERY;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_a_second() {
        let mut written = Written::NOTHING;
        let at = |millis| now() + Duration::from_secs(5) + Duration::from_millis(millis);
        let admitted: Vec<_> =
            [0, 10, 900, 1100, 1200, 3000].map(|millis| written.admit(at(millis))).into();
        assert_eq!(admitted, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
