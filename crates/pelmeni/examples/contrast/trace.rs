//! A stopwatch around a future: which thread polled it, when, and for how long it had to wait for the lock.
//!
//! ```text
//! Traced::poll   asked ---- lock held ---- begun ---- inner poll ---- ended
//!                  '---------- Lock ---------'----------- hue ----------'
//! ```
//!
//! [`Traced`] also is what makes the mode with one lock: it holds the lock for as long as the inner future is being
//! polled, and lets go of it while the future waits. That is what the GIL does to Python's threads.
//!
//! Each future keeps its own spans and hands them over when it is dropped: a common list would be one more lock, and
//! would change what is measured.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};
use std::time::Instant;

/// The clock of this program.
#[expect(clippy::disallowed_methods, reason = "a stopwatch beside the runtime, not a part of it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What a stretch of time was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hue {
    /// A task that has a colour of its own.
    Task(usize),
    /// Answering a request.
    Serve,
    /// Asking, and checking the answer.
    Fetch,
    /// Counting words.
    Count,
    /// Waiting for the one lock.
    Lock,
}

/// A stretch of time, in seconds since the work began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) hue: Hue,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// One row of a timeline: what one thread did.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) marks: Vec<Mark>,
}

/// One poll.
#[derive(Debug)]
struct Span {
    hue: Hue,
    thread: ThreadId,
    asked: Instant,
    begun: Instant,
    ended: Instant,
}

/// The record of one run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    began: OnceLock<Instant>,
    ended: OnceLock<Instant>,
    spans: Mutex<Vec<Span>>,
}

impl Trace {
    /// Starts the clock; what was polled before is not shown.
    pub(crate) fn begin(&self) -> Instant {
        *self.began.get_or_init(now)
    }

    /// Stops the clock.
    pub(crate) fn end(&self) {
        self.ended.get_or_init(now);
    }

    /// Seconds between the two.
    pub(crate) fn seconds(&self) -> f64 {
        let began = self.begin();
        self.ended.get().map_or(0.0, |ended| ended.duration_since(began).as_secs_f64())
    }

    /// What each thread did between the two, this thread first, and at least `threads` lanes.
    pub(crate) fn lanes(&self, threads: usize) -> Vec<Lane> {
        let mut spans = std::mem::take(&mut *lock(&self.spans));
        spans.sort_by_key(|span| span.asked);
        let began = self.begin();
        let limit = self.seconds();
        let seconds = |at: Instant| at.saturating_duration_since(began).as_secs_f64().min(limit);
        let mut numbers = HashMap::from([(thread::current().id(), 0)]);
        let mut lanes: Vec<Lane> = (0..threads).map(lane).collect();
        for span in spans {
            let (asked, begun, ended) =
                (seconds(span.asked), seconds(span.begun), seconds(span.ended));
            if ended <= 0.0 || asked >= limit {
                continue;
            }
            let next = numbers.len();
            let number = *numbers.entry(span.thread).or_insert(next);
            if number == lanes.len() {
                lanes.push(Lane { name: format!("spare {}", number + 1 - threads), marks: vec![] });
            }
            let marks = &mut lanes[number].marks;
            if begun > asked {
                marks.push(Mark { hue: Hue::Lock, from: asked, to: begun });
            }
            marks.push(Mark { hue: span.hue, from: begun, to: ended });
        }
        lanes
    }
}

fn lane(number: usize) -> Lane {
    Lane { name: format!("worker {number}"), marks: Vec::new() }
}

/// A future whose polls are recorded, and happen under the lock if there is one.
#[derive(Debug)]
pub(crate) struct Traced<F> {
    future: Pin<Box<F>>,
    hue: Hue,
    trace: Arc<Trace>,
    one_lock: Option<Arc<Mutex<()>>>,
    spans: Vec<Span>,
}

impl<F> Traced<F> {
    pub(crate) fn new(
        future: F,
        hue: Hue,
        trace: Arc<Trace>,
        one_lock: Option<Arc<Mutex<()>>>,
    ) -> Traced<F> {
        Traced { future: Box::pin(future), hue, trace, one_lock, spans: Vec::new() }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let asked = now();
        // A library must never hold a lock while it polls a future. Here it is the point of the exercise.
        let held = this.one_lock.as_deref().map(lock);
        let begun = if held.is_some() { now() } else { asked };
        let poll = this.future.as_mut().poll(context);
        let ended = now();
        drop(held);
        this.spans.push(Span {
            hue: this.hue,
            thread: thread::current().id(),
            asked,
            begun,
            ended,
        });
        poll
    }
}

impl<F> Drop for Traced<F> {
    fn drop(&mut self) {
        lock(&self.trace.spans).append(&mut self.spans);
    }
}

/// A lock that stays usable after a panic: what it guards here cannot be left half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll_once<F: Future>(future: Traced<F>) {
        let mut future = Box::pin(future);
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[test]
    fn a_poll_outside_the_run_leaves_no_mark() {
        let trace = Arc::new(Trace::default());
        poll_once(Traced::new(async {}, Hue::Count, trace.clone(), None));
        trace.begin();
        poll_once(Traced::new(async {}, Hue::Serve, trace.clone(), None));
        trace.end();
        poll_once(Traced::new(async {}, Hue::Fetch, trace.clone(), None));
        let lanes = trace.lanes(2);
        assert_eq!(lanes.len(), 2);
        assert_eq!(lanes[0].marks.len(), 1);
        assert_eq!(lanes[0].marks[0].hue, Hue::Serve);
        assert!(lanes[1].marks.is_empty());
    }

    #[test]
    fn another_thread_gets_another_lane_and_waits_for_the_lock() {
        let trace = Arc::new(Trace::default());
        let one_lock = Arc::new(Mutex::new(()));
        trace.begin();
        let held = lock(&one_lock);
        thread::scope(|scope| {
            let (trace, one_lock) = (trace.clone(), one_lock.clone());
            scope.spawn(|| poll_once(Traced::new(async {}, Hue::Count, trace, Some(one_lock))));
            drop(held);
        });
        trace.end();
        let lanes = trace.lanes(1);
        assert_eq!(lanes.len(), 2);
        assert_eq!(lanes[1].name, "spare 1");
        let hues: Vec<_> = lanes[1].marks.iter().map(|mark| mark.hue).collect();
        assert_eq!(hues, [Hue::Lock, Hue::Count]);
    }
}
