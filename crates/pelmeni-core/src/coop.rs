//! Cooperation: every leaf operation asks here before it goes on.
//!
//! A task that always finds its sockets readable and its queues filled would never return to its worker. So each leaf
//! operation takes one unit of the poll's budget of [`BUDGET`]; when it is spent, the leaf wakes its task and stays
//! pending, and the worker goes on to the next one. The same question answers "stop" while a request to cancel travels
//! with the poll (see [`cancel`](mod@crate::cancel)).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::context;
pub use crate::context::BUDGET;
use crate::waker;

/// Says whether a leaf operation may go on, and takes a unit of budget for it; leaf futures use [`poll_leaf`].
///
/// Pending means that the budget of this poll is spent, or that a request to cancel travels with it. The task has been
/// woken already, because whoever takes the request may be another branch of the same task, and this one must be polled
/// again. Outside a task it is always ready.
#[inline]
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<()> {
    if context::proceed() {
        Poll::Ready(())
    } else {
        again(cx);
        Poll::Pending
    }
}

/// Polls a leaf operation, unless it must not go on; it costs a unit of budget if it is ready.
///
/// One that stays pending costs nothing, so that a future which looks at all its parts at each poll gets through them.
#[inline]
pub fn poll_leaf<T>(
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    ready!(poll_proceed(cx));
    let polled = poll(cx);
    if polled.is_pending() {
        context::give_back();
    }
    polled
}

/// Has the future be polled again after the other tasks.
#[cold]
fn again(cx: &mut Context<'_>) {
    cx.waker().wake_by_ref();
}

/// Lets every other task that is ready run before this one goes on, and the timers and sockets be looked at.
///
/// asyncio spells it `sleep(0)`.
///
/// # Cancel safety
/// Nothing is lost.
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited or spawned"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return poll_proceed(cx);
        }
        self.yielded = true;
        // The worker is told directly, with no step on the task's state, if it is this very task that asked.
        if !(waker::is_ours(cx.waker()) && context::yield_task(cx.waker().data())) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
