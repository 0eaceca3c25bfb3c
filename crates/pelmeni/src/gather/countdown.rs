//! How many tasks have not ended, and who wants to know: [`Countdown`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use pelmeni_core::primitive::Mutex;
use pin_project_lite::pin_project;

/// Shared by the tasks and whoever gathers them, who is woken once: by the last that ends, or the first that fails.
#[derive(Debug)]
pub(super) struct Countdown(Mutex<State>);

#[derive(Debug)]
struct State {
    left: usize,
    failed: bool,
    waker: Option<Waker>,
}

impl Countdown {
    pub(super) fn new() -> Arc<Countdown> {
        Arc::new(Countdown(Mutex::new(State { left: 0, failed: false, waker: None })))
    }

    /// Wraps a future that becomes one of the tasks.
    pub(super) fn count<F>(self: &Arc<Self>, future: F) -> Counted<F> {
        self.0.lock().left += 1;
        Counted { future, ticket: Ticket { countdown: self.clone(), failed: true } }
    }

    /// Says whether all have ended, or any has failed if that is asked for; if not, wakes this waker when it is so.
    pub(super) fn is_over(&self, or_failed: bool, waker: &Waker) -> bool {
        let mut state = self.0.lock();
        let is_over = state.left == 0 || (or_failed && state.failed);
        let old = if is_over {
            state.waker.take()
        } else if state.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            None
        } else {
            drop(state);
            let new = waker.clone(); // somebody's code: not under the lock
            state = self.0.lock();
            let missed = state.left == 0 || (or_failed && state.failed);
            let old = state.waker.replace(new);
            drop(state);
            drop(old);
            return missed;
        };
        drop(state);
        drop(old);
        is_over
    }

    fn ended(&self, failed: bool) {
        let mut state = self.0.lock();
        state.left -= 1;
        state.failed |= failed;
        let waker = if failed || state.left == 0 { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

pin_project! {
    /// A future that tells the countdown when it ends, however it ends.
    #[derive(Debug)]
    pub struct Counted<F> {
        #[pin]
        future: F,
        ticket: Ticket,
    }
}

#[derive(Debug)]
struct Ticket {
    countdown: Arc<Countdown>,
    failed: bool,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.countdown.ended(self.failed);
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Future for Counted<F> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.future.poll(cx));
        this.ticket.failed = outcome.is_err();
        Poll::Ready(outcome)
    }
}
