//! A channel for one value.
//!
//! Two halves share a word that says how far the story has come, the value, and a waker of each. The story has one end,
//! whoever comes first:
//!
//! | step | if the channel was open | wakes |
//! |---|---|---|
//! | `send` | done, with a value for the receiver | receiver |
//! | `Sender` dropped | done | receiver |
//! | `close`, `Receiver` dropped | done | sender |
//!
//! A step that finds the channel done changes nothing. Each step takes out what it makes superfluous, wakers and an
//! unwanted value, and its half leaves the channel before they are invoked or dropped.

use pelmeni_core::coop;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

#[expect(unsafe_code, reason = "memory that two halves share, each touching its part of it")]
mod channel;
mod state;

use channel::{Half, RECEIVER, Rest, SENDER};
use state::Snapshot;

const LAST: &str = "`send` is the last call to a sender";

/// Makes a channel for one value: the half that sends it and the half that waits for it.
///
/// # Examples
/// ```
/// use futures::executor::block_on;
/// use pelmeni_sync::oneshot;
///
/// let (order, kitchen) = oneshot::channel();
/// order.send("pelmeni with vinegar").expect("the kitchen is open");
/// assert_eq!(block_on(kitchen)?, "pelmeni with vinegar");
/// # Ok::<_, oneshot::RecvError>(())
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = channel::halves();
    (Sender { half: Some(sender) }, Receiver { half: Some(receiver) })
}

/// The half that sends the value. Dropping it without sending tells the receiver.
#[must_use = "the receiver is told that there will be no value when this is dropped"]
pub struct Sender<T> {
    /// None after `send`, which does all that dropping would do.
    half: Option<Half<T, SENDER>>,
}

impl<T> Sender<T> {
    /// Sends the value, without waiting.
    ///
    /// That it was sent does not mean that it is received: the receiver may be dropped later, and the value with it.
    ///
    /// # Errors
    /// The receiver was dropped or closed. The value comes back.
    pub fn send(self, value: T) -> Result<(), T> {
        self.into_half().put(value).map(Rest::wake)
    }

    /// Says whether the receiver was dropped or closed: nobody would get the value.
    pub fn is_closed(&self) -> bool {
        self.half.as_ref().is_none_or(|half| half.look().is_done())
    }

    /// Waits until the receiver is dropped or closed: the value is not wanted any more.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// # use futures::executor::block_on;
    /// # use pelmeni_sync::oneshot;
    /// let (mut order, guest) = oneshot::channel::<&str>();
    /// drop(guest);
    /// block_on(order.closed());
    /// assert_eq!(order.send("too late"), Err("too late"));
    /// ```
    pub async fn closed(&mut self) {
        poll_fn(|cx| coop::poll_leaf(cx, |cx| self.poll_closed(cx))).await;
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.half().wait(cx.waker()) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    fn into_half(self) -> Half<T, SENDER> {
        // Nothing is left to be dropped.
        ManuallyDrop::new(self).half.take().expect(LAST)
    }

    fn half(&mut self) -> &mut Half<T, SENDER> {
        self.half.as_mut().expect(LAST)
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if let Some(mut half) = self.half.take() {
            let rest = half.end();
            drop(half);
            rest.wake();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// The half that waits for the value: a future of it, or of the error that the sender was dropped without sending.
///
/// # Cancel safety
/// Nothing is lost as long as the receiver is kept: await `&mut receiver` to do so. Dropping it drops the value.
#[must_use = "the sender is told that the value is not wanted when this is dropped"]
pub struct Receiver<T> {
    /// None once the value was received, or is known not to come.
    half: Option<Half<T, RECEIVER>>,
}

impl<T> Receiver<T> {
    /// Takes the value if it is there.
    ///
    /// # Errors
    /// There is no value yet, or there will be none.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match &self.half {
            Some(half) if !half.look().is_done() => Err(TryRecvError { is_closed: false }),
            _ => self.receive().ok_or(TryRecvError { is_closed: true }),
        }
    }

    /// Refuses the value if it was not sent yet. If it was, it can still be received.
    pub fn close(&mut self) {
        if let Some(half) = &mut self.half {
            half.end().wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        coop::poll_leaf(cx, |cx| self.poll_receive(cx))
    }
}

impl<T> Receiver<T> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        if let Some(half) = &mut self.half
            && half.wait(cx.waker())
        {
            return Poll::Pending;
        }
        Poll::Ready(self.receive().ok_or(RecvError(())))
    }

    /// Takes the value, if there is one, and leaves: the channel is done.
    fn receive(&mut self) -> Option<T> {
        self.half.take()?.take()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let Some(mut half) = self.half.take() else { return };
        let rest = half.end();
        let unwanted = half.take();
        drop(half);
        rest.wake();
        drop(unwanted);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.half.as_ref().map(Half::look);
        let sent = now.is_some_and(Snapshot::has_value);
        let closed = now.is_none_or(Snapshot::is_done);
        f.debug_struct("Receiver")
            .field("sent", &sent)
            .field("closed", &closed)
            .finish_non_exhaustive()
    }
}

/// There will be no value: the sender was dropped without sending, or the value was received already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecvError(());

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is closed and has no value")
    }
}

impl Error for RecvError {}

/// There is no value now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryRecvError {
    is_closed: bool,
}

impl TryRecvError {
    /// There will be none either: the sender was dropped without sending, or the value was received already.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The sender may still send one.
    pub fn is_empty(&self) -> bool {
        !self.is_closed
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_closed {
            true => "the channel is closed and has no value",
            false => "the channel has no value yet: await the receiver",
        })
    }
}

impl Error for TryRecvError {}
