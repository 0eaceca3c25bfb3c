//! Requests to cancel, and the boundaries that take them.
//!
//! ```text
//!   task.cancel()          a request waits in the task's state
//!        |
//!        v  poll           it travels DOWN with the next poll; pelmeni's leaf futures stay pending meanwhile
//!   [ timeout [ catch_cancel [ sleep ] ] ]
//!                    ^
//!                    |     on the way UP the innermost boundary whose inside is pending takes it
//! ```
//! * [`catch_cancel`] is `try: ... except CancelledError:`. It drops its inside (destructors are the `finally`), and the
//!   code around it goes on: it may await a clean-up, carry on, or [pass the requests on](Cancelled::pass_on).
//! * If nobody takes a request, the whole task is dropped and ends cancelled.
//! * A [`Scope`] that wants its inside to stop sends a request of its own, the same way, waits for the clean-ups
//!   inside, and takes its own back if more come up than went down. `timeout` is one.
//! * Requests that are held, in order to be passed on later, are handed back when their holder is dropped ([`Held`]).
//!
//! So no request is lost or counted twice, asynchronous clean-up works under timeouts too, and foreign futures between two
//! boundaries need to know nothing.
//!
//! # Rejected
//! Errors that each leaf returns: every signature would carry them, and foreign futures would swallow them. Unwinding: it
//! cannot pass an `await`. Dropping from outside, as other runtimes do: nothing can be awaited on the way.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::context;

/// What [`catch_cancel`] gives when it has stopped its inside: the requests that it took.
///
/// Dropping it means: dealt with, the task goes on.
#[derive(Debug, PartialEq, Eq)]
pub struct Cancelled {
    requests: u32,
}

impl Cancelled {
    /// How many requests were taken at once; at least one.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Keeps the requests in order to pass them on later; they are not lost if that never happens.
    pub fn hold(self) -> Held {
        Held { requests: self.requests }
    }

    /// Passes the requests on to whoever is further out. Never returns.
    pub async fn pass_on(self) -> Infallible {
        self.hold().pass_on().await
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl std::error::Error for Cancelled {}

/// Requests on hold. Dropping it hands them back to the poll in which it is dropped; outside any poll they are gone.
#[derive(Debug)]
#[must_use = "dropping it hands the requests back at once"]
pub struct Held {
    requests: u32,
}

impl Held {
    /// One request that nobody has sent: dropped inside a poll, it raises one there.
    pub fn one() -> Held {
        Held { requests: 1 }
    }

    /// Takes the requests that travel with the poll that runs now; `None` if there are none.
    pub fn take() -> Option<Held> {
        match context::replace_requests(0) {
            0 => None,
            requests => Some(Held { requests }),
        }
    }

    /// Passes the requests on to whoever is further out. Never returns.
    ///
    /// # Cancel safety
    /// Requests are handed back when this is dropped.
    pub async fn pass_on(self) -> Infallible {
        let mut held = Some(self);
        std::future::poll_fn(move |_| {
            drop(held.take());
            Poll::Pending
        })
        .await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        context::replace_requests(context::requests().saturating_add(self.requests));
    }
}

/// Runs a future until it is ready or a request to cancel reaches it: `try: ... except CancelledError:`.
///
/// If a request travels and the future is pending, the future is dropped, and the code around goes on with
/// `Err(Cancelled)`. If the future is ready in that very poll, its value is kept and the request goes on to the task's
/// next wait.
///
/// # Cancel safety
/// Dropping it drops the future inside.
pub fn catch_cancel<F: Future>(future: F) -> CatchCancel<F> {
    CatchCancel { inner: Some(future) }
}

pin_project! {
    /// The future of [`catch_cancel`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited or spawned"]
    pub struct CatchCancel<F> {
        #[pin]
        inner: Option<F>,
    }
}

impl<F: Future> Future for CatchCancel<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let inner = this.inner.as_mut().as_pin_mut().expect("catch_cancel polled after it ended");
        match inner.poll(cx) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending if context::requests() > 0 => {
                this.inner.set(None); // a clean-up inside may hand requests back
                Poll::Ready(Err(Cancelled { requests: context::replace_requests(0) }))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Runs a future and then a clean-up that may wait, however the future ends: `try: ... finally: await cleanup()`.
///
/// If the future is cancelled, the requests are held while the clean-up runs and passed on after it. A further request
/// during the clean-up stops the clean-up.
///
/// # Cancel safety
/// That is what it is for. If it is dropped, the clean-up does not run, and requests on hold are handed back.
pub async fn with_cleanup<F: Future, C: Future>(
    future: F,
    cleanup: impl FnOnce() -> C,
) -> F::Output {
    match catch_cancel(future).await {
        Ok(value) => {
            cleanup().await;
            value
        }
        Err(cancelled) => {
            let held = cancelled.hold();
            cleanup().await;
            match held.pass_on().await {}
        }
    }
}

pin_project! {
    /// A future that can be told to stop: the common part of timeouts, groups and races.
    #[derive(Debug)]
    pub struct Scope<F> {
        #[pin]
        inner: Option<F>,
        sent: bool,
        taken: bool,
    }
}

/// The inside of a [`Scope`] was stopped by the scope's own request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl<F: Future> Scope<F> {
    /// A scope around a future.
    pub fn new(future: F) -> Scope<F> {
        Scope { inner: Some(future), sent: false, taken: false }
    }

    /// Says whether the scope has sent its request.
    pub fn is_stopping(&self) -> bool {
        self.sent
    }

    /// Polls the inside; from the first time that `stop` is true, with a request of the scope's own.
    ///
    /// `Err(Stopped)` is the answer if that request came back, or if somebody inside took it and has ended since.
    ///
    /// # Panics
    /// If it is called again after it was ready.
    pub fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        stop: bool,
    ) -> Poll<Result<F::Output, Stopped>> {
        let mut this = self.project();
        let inner = this.inner.as_mut().as_pin_mut().expect("a scope polled after it ended");
        let sends = stop && !*this.sent;
        *this.sent |= sends;
        let own = Own::send(sends);
        let polled = inner.poll(cx);
        let came_back = own.take_back(*this.sent);
        match polled {
            Poll::Ready(_) if *this.taken => Poll::Ready(Err(Stopped)),
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending if came_back => {
                this.inner.set(None);
                Poll::Ready(Err(Stopped))
            }
            Poll::Pending => {
                *this.taken |= sends;
                Poll::Pending
            }
        }
    }
}

/// A scope's own request during one poll; taken back when the poll unwinds, too.
struct Own {
    down: u32,
}

impl Own {
    fn send(sends: bool) -> Own {
        let down = context::requests();
        if sends {
            context::replace_requests(down.saturating_add(1));
        }
        Own { down }
    }

    fn take_back(self, sent: bool) -> bool {
        let up = context::requests();
        // What comes up before the scope has sent anything is somebody else's, which a clean-up inside held.
        let came_back = sent && up > self.down;
        if came_back {
            context::replace_requests(up - 1);
        }
        std::mem::forget(self);
        came_back
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        context::replace_requests(context::requests().min(self.down));
    }
}

/// Polls a future that is no task and has this waker.
///
/// # Errors
/// [`Cancelled`] if requests to cancel came out of it, which nobody inside has taken: they would end a task.
pub fn poll_visitor<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Result<Poll<F::Output>, Cancelled> {
    let _scope = context::enter_visit(cx.waker().data());
    let polled = future.poll(cx);
    match context::replace_requests(0) {
        0 => Ok(polled),
        requests => Err(Cancelled { requests }),
    }
}

/// Polls a part of a scope's own work, which neither its budget nor the requests that travel reach: a timeout's timer.
pub fn unaffected<T>(work: impl FnOnce() -> T) -> T {
    let _scope = context::unaffected();
    work()
}
