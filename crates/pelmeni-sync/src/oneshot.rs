//! A channel for one value.
//!
//! Both halves share one small state under one lock. Each transition takes out what it makes superfluous, the other
//! side's waker, an unwanted value, and lets go of the lock before it wakes or drops anything:
//!
//! | step | value | sender | receiver | wakes |
//! |---|---|---|---|---|
//! | `send` | put in, unless the receiver is gone | gone | | receiver |
//! | `Sender` dropped | | gone | | receiver |
//! | received | taken out | | | |
//! | `close` | | | gone | sender |
//! | `Receiver` dropped | taken out | | gone | sender |
//!
//! A gone sender never comes back, and with the value taken out nothing more can happen: the states only move down.

use crate::slot::Slot;
use crate::wakers::Wakers;
use pelmeni_core::coop;
use pelmeni_core::primitive::{Arc, Mutex};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

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
    let channel = Arc::new(Mutex::new(Channel {
        value: None,
        sender_gone: false,
        receiver_gone: false,
        sender: Slot::new(),
        receiver: Slot::new(),
    }));
    let receiver = Receiver { channel: Some(channel.clone()), was_polled: false };
    (Sender { channel: Some(channel) }, receiver)
}

/// What the halves share.
struct Channel<T> {
    value: Option<T>,
    /// It has sent, or was dropped.
    sender_gone: bool,
    /// It has closed, or was dropped: no value may be put in.
    receiver_gone: bool,
    /// Waits in `closed`.
    sender: Slot,
    /// Waits for the value.
    receiver: Slot,
}

/// What a step leaves to do without the lock.
#[must_use = "a task waits for this"]
struct Rest {
    wake: Option<Waker>,
    drop: Option<Waker>,
}

impl<T> Channel<T> {
    fn sender_leaves(&mut self) -> Rest {
        self.sender_gone = true;
        Rest { wake: self.receiver.take(), drop: self.sender.take() }
    }

    fn receiver_leaves(&mut self) -> Rest {
        self.receiver_gone = true;
        Rest { wake: self.sender.take(), drop: self.receiver.take() }
    }

    /// The value, or why there is none.
    fn receive(&mut self) -> Result<T, TryRecvError> {
        match self.value.take() {
            Some(value) => Ok(value),
            None => Err(TryRecvError { is_closed: self.sender_gone || self.receiver_gone }),
        }
    }
}

impl Rest {
    fn finish(self) {
        drop(self.drop);
        Wakers::from(self.wake).wake();
    }
}

/// The half that sends the value. Dropping it without sending tells the receiver.
#[must_use = "the receiver is told that there will be no value when this is dropped"]
pub struct Sender<T> {
    /// None after `send`, which does all that dropping would do.
    channel: Option<Arc<Mutex<Channel<T>>>>,
}

impl<T> Sender<T> {
    /// Sends the value, without waiting.
    ///
    /// That it was sent does not mean that it is received: the receiver may be dropped later, and the value with it.
    ///
    /// # Errors
    /// The receiver was dropped or closed. The value comes back.
    pub fn send(mut self, value: T) -> Result<(), T> {
        let Some(channel) = self.channel.take() else { unreachable!("{HAS_CHANNEL}") };
        let rest = {
            let mut state = channel.lock();
            if state.receiver_gone {
                return Err(value);
            }
            state.value = Some(value);
            state.sender_leaves()
        };
        rest.finish();
        Ok(())
    }

    /// Says whether the receiver was dropped or closed: nobody would get the value.
    pub fn is_closed(&self) -> bool {
        self.channel().lock().receiver_gone
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

    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut spare = None;
        loop {
            let mut state = self.channel().lock();
            if state.receiver_gone {
                return Poll::Ready(());
            }
            if state.sender.keep(cx.waker(), &mut spare) {
                return Poll::Pending;
            }
            drop(state);
            spare = Some(cx.waker().clone());
        }
    }

    fn channel(&self) -> &Mutex<Channel<T>> {
        self.channel.as_deref().expect(HAS_CHANNEL)
    }
}

const HAS_CHANNEL: &str = "`send` is the last call to a sender";

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            let rest = channel.lock().sender_leaves();
            rest.finish();
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
    /// None once it is known how the story ends: the sender is gone or has been told, and there is no value.
    channel: Option<Arc<Mutex<Channel<T>>>>,
    /// It was polled, so there is probably a waker in the slot already.
    was_polled: bool,
}

impl<T> Receiver<T> {
    /// Takes the value if it is there.
    ///
    /// # Errors
    /// There is no value yet, or there will be none.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let Some(channel) = &self.channel else { return Err(TryRecvError { is_closed: true }) };
        let received = channel.lock().receive();
        if !matches!(&received, Err(error) if error.is_empty()) {
            self.channel = None;
        }
        received
    }

    /// Refuses the value if it was not sent yet. If it was, it can still be received.
    pub fn close(&mut self) {
        if let Some(channel) = &self.channel {
            let rest = channel.lock().receiver_leaves();
            rest.finish();
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
        let was_polled = mem::replace(&mut self.was_polled, true);
        let Some(channel) = &self.channel else { return Poll::Ready(Err(RecvError(()))) };
        // The first poll will most likely have to leave a waker: it has one ready, and saves a second look.
        let mut spare = (!was_polled).then(|| cx.waker().clone());
        let received = loop {
            let mut state = channel.lock();
            match state.receive() {
                Err(error) if error.is_empty() => {}
                received => break received,
            }
            if state.receiver.keep(cx.waker(), &mut spare) {
                return Poll::Pending;
            }
            drop(state);
            spare = Some(cx.waker().clone());
        };
        self.channel = None;
        Poll::Ready(received.map_err(|_| RecvError(())))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let Some(channel) = &self.channel else { return };
        let (rest, unwanted) = {
            let mut state = channel.lock();
            (state.receiver_leaves(), state.value.take())
        };
        rest.finish();
        drop(unwanted);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sent, closed) = self.channel.as_ref().map_or((false, true), |channel| {
            let state = channel.lock();
            (state.value.is_some(), state.sender_gone || state.receiver_gone)
        });
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
