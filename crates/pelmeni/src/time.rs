//! Waiting for the clock: [`sleep`], [`timeout`], [`interval`].
//!
//! Nothing ends early. A duration that reaches beyond the clock never ends, and none panics.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use pelmeni_core::cancel::{Scope, Stopped};
use pelmeni_driver::{Deadline, clock};
pub use pelmeni_scheduler::Sleep;
use pin_project_lite::pin_project;

/// Waits for a duration, and never for less.
///
/// A duration of centuries waits forever. To let other tasks run without waiting, use [`yield_now`](crate::yield_now).
///
/// # Cancel safety
/// Nothing is lost.
///
/// # Panics
/// When it is polled outside a runtime.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// pelmeni::run(async {
///     pelmeni::sleep(Duration::from_millis(5)).await;
/// });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(duration)
}

/// Waits until an instant, and not at all if it has passed.
///
/// # Cancel safety
/// Nothing is lost.
///
/// # Panics
/// When it is polled outside a runtime.
#[track_caller]
pub fn sleep_until(instant: Instant) -> Sleep {
    Sleep::until(instant)
}

/// Runs a future, and stops it if it takes longer than a duration.
///
/// When the time is over, the future is sent a request to cancel, like one from outside: what is in it may clean up, and the
/// timeout waits for that. A future that is ready in the same poll keeps its value. A timeout of zero stops the future
/// at its first wait. No timer is set before the future waits for the first time, and the time counts from there.
///
/// # Errors
/// [`Elapsed`] if the future was stopped.
///
/// # Cancel safety
/// Dropping it drops the future inside.
///
/// # Panics
/// If the future waits outside a runtime.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// # use pelmeni::{sleep, timeout};
/// pelmeni::run(async {
///     let soup = timeout(Duration::from_millis(5), sleep(Duration::from_secs(60))).await;
///     assert!(soup.is_err());
/// });
/// ```
#[track_caller]
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    // Made here for the caller's line; its deadline is set when the future waits first.
    Timeout { scope: Scope::new(future), limit: Limit::After(duration), sleep: Sleep::never() }
}

/// As [`timeout`], with an instant at which the time is over.
///
/// # Errors
/// [`Elapsed`] if the future was stopped.
///
/// # Cancel safety
/// Dropping it drops the future inside.
///
/// # Panics
/// If the future waits outside a runtime.
#[track_caller]
pub fn timeout_at<F: Future>(instant: Instant, future: F) -> Timeout<F> {
    Timeout { scope: Scope::new(future), limit: Limit::At(instant), sleep: Sleep::never() }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "futures do nothing unless awaited or spawned"]
    #[derive(Debug)]
    pub struct Timeout<F> {
        #[pin]
        scope: Scope<F>,
        limit: Limit,
        #[pin]
        sleep: Sleep,
    }
}

/// When the time is over.
#[derive(Debug)]
enum Limit {
    /// This long after the future first waits, which it has not done yet.
    After(Duration),
    At(Instant),
    /// When the sleep ends.
    Set,
}

/// The time was over before the future was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> Self {
        std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let is_over = match this.limit {
            Limit::After(duration) => duration.is_zero(),
            Limit::At(instant) => *instant <= clock::instant(),
            Limit::Set => {
                !this.scope.is_stopping() && this.sleep.as_mut().poll_deadline(cx).is_ready()
            }
        };
        let polled = this.scope.as_mut().poll(cx, is_over);
        if let Poll::Ready(outcome) = polled {
            return Poll::Ready(outcome.map_err(|Stopped| Elapsed));
        }
        let deadline = match std::mem::replace(this.limit, Limit::Set) {
            Limit::Set => return Poll::Pending,
            Limit::At(instant) => Deadline::at(instant),
            Limit::After(duration) => Deadline::after(duration),
        };
        // The future waits for the first time: now there is something to limit.
        if deadline != Deadline::NEVER && !this.scope.is_stopping() {
            // It has not been in any wheel, and so keeps the place where it was made.
            this.sleep.as_mut().reset_for(deadline, Location::caller());
            if this.sleep.as_mut().poll_deadline(cx).is_ready() {
                cx.waker().wake_by_ref(); // it is over already: at the next poll
            }
        }
        Poll::Pending
    }
}

/// Ticks at a fixed distance: first at once, then a period after the last tick was due.
///
/// A tick that comes late does not move the ones after it; if it is late by more than a period, the ticks that were missed
/// are skipped.
///
/// # Panics
/// If the period is zero.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// pelmeni::run(async {
///     let mut ticks = pelmeni::interval(Duration::from_millis(2));
///     let first = ticks.tick().await;
///     let second = ticks.tick().await;
///     assert!(second - first >= Duration::from_millis(2));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "interval(0) would tick without end; give it a period above zero");
    Interval { sleep: Box::pin(sleep(Duration::ZERO)), period, location: Location::caller() }
}

/// A stream of ticks; see [`interval`].
#[derive(Debug)]
pub struct Interval {
    sleep: Pin<Box<Sleep>>,
    period: Duration,
    /// Where it was made: what a tick outside any runtime is told to name.
    location: &'static Location<'static>,
}

impl Interval {
    /// Waits for the next tick, and tells when it was due.
    ///
    /// # Cancel safety
    /// No tick is lost.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// The distance of two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Waits for the next tick.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.sleep.as_mut().poll(cx));
        let now = clock::instant();
        let due = self.sleep.deadline().unwrap_or(now);
        let next = after(due, self.period, now).map_or(Deadline::NEVER, Deadline::at);
        self.sleep.as_mut().reset_for(next, self.location);
        Poll::Ready(due)
    }
}

/// The first tick after `now` among those that lie whole periods after `due`; `None` if it is beyond the clock.
fn after(due: Instant, period: Duration, now: Instant) -> Option<Instant> {
    let next = due.checked_add(period)?;
    if next > now {
        return Some(next);
    }
    let late = (now - due).as_nanos() % period.as_nanos();
    let ahead = period - Duration::from_nanos(u64::try_from(late).unwrap_or(0));
    now.checked_add(ahead)
}

impl Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }
}
