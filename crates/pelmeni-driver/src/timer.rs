//! One deadline that somebody waits for: what lies in a future that sleeps.
//!
//! A timer costs nothing until it is polled before its time: only then does it enter a [`Wheel`], that of the worker on
//! which it is polled, and it stays with that one until it has fired and is reset. A timer that has fired, or was never
//! linked, is dropped without a lock; a linked one takes the wheel's lock and unlinks itself, from whatever thread.
//!
//! T1. The node is linked only while the handle is there, and only in the handle's wheel.
//!
//! T2. Functions that link take the timer pinned, and `drop` unlinks: with that, the node keeps the promise N2.

use std::fmt;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;

use crate::node::Node;
use crate::{Deadline, Wheel};

/// Something that keeps a [`Wheel`] alive.
///
/// # Safety
/// [`wheel`](WheelHandle::wheel) returns the same wheel each time, wherever the handle has been moved to, and the wheel
/// lives at least as long as the handle.
pub unsafe trait WheelHandle {
    /// The wheel.
    fn wheel(&self) -> &Wheel;
}

// SAFETY: the wheel lies in the shared allocation, which the handle keeps alive and never exchanges.
unsafe impl WheelHandle for Arc<Wheel> {
    fn wheel(&self) -> &Wheel {
        self
    }
}

/// A deadline that can be waited for. `H` is how it keeps its wheel alive.
///
/// # Examples
/// ```
/// use pelmeni_driver::{Deadline, Timer, TimerState, Wheel};
/// use std::pin::pin;
/// use std::sync::Arc;
/// use std::task::Waker;
///
/// let wheel = Arc::new(Wheel::new(Deadline::ZERO));
/// let deadline = Deadline::from_nanos(5_000_000);
/// let mut timer = pin!(Timer::new(deadline));
///
/// let state = timer.as_mut().poll(|| Deadline::ZERO, Waker::noop(), || wheel.clone());
/// assert_eq!(state, TimerState::First);
/// assert_eq!(wheel.next_deadline(), Some(deadline));
///
/// let mut wakers = Vec::new();
/// assert_eq!(wheel.fire(deadline, &mut wakers), 1);
/// wakers.into_iter().for_each(Waker::wake);
/// assert!(timer.is_fired());
/// ```
pub struct Timer<H: WheelHandle> {
    node: Node,
    /// Set when the timer is linked, and kept until it is reset in no wheel (T1).
    handle: Option<H>,
    _pinned: PhantomPinned,
}

/// What a poll of a [`Timer`] found.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerState {
    /// The deadline has come.
    Due,
    /// The waker will be woken when it comes.
    Waiting,
    /// As [`Waiting`](TimerState::Waiting); and it comes before all that the wheel knew of, so that a thread which sleeps
    /// on behalf of the wheel sleeps too long unless it is told.
    First,
    /// The wheel is closed: nobody will be woken.
    Closed,
}

impl<H: WheelHandle> Timer<H> {
    /// Makes a timer. It waits for nothing before it is polled.
    pub fn new(deadline: Deadline) -> Timer<H> {
        Timer { node: Node::new(deadline), handle: None, _pinned: PhantomPinned }
    }

    /// When it is due.
    pub fn deadline(&self) -> Deadline {
        self.node.alarm.deadline()
    }

    /// Whether it has fired: its deadline came while it was waiting.
    pub fn is_fired(&self) -> bool {
        self.node.alarm.is_fired()
    }

    /// What keeps the wheel that it is in, if it is in one.
    pub fn handle(&self) -> Option<&H> {
        self.handle.as_ref()
    }

    /// Waits for the deadline: wakes `waker` when it has come.
    ///
    /// A waker of an earlier poll is replaced. The clock is read, by `now`, only if the timer is in no wheel yet, and may
    /// be late: a timer that is due by then enters none. `handle` is asked once, for the wheel to enter.
    ///
    /// # Cancel safety
    /// A timer may be dropped at any time, on any thread.
    pub fn poll(
        self: Pin<&mut Self>,
        now: impl FnOnce() -> Deadline,
        waker: &Waker,
        handle: impl FnOnce() -> H,
    ) -> TimerState {
        if self.is_fired() {
            return TimerState::Due;
        }
        if !self.node.alarm.is_linked() && self.deadline().has_passed(now()) {
            return TimerState::Due;
        }
        // SAFETY: nothing is moved out; only the handle is touched, which is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let wheel = this.handle.get_or_insert_with(handle).wheel();
        // SAFETY: the node lies in a pinned timer whose drop unlinks it (T2), and always in the same wheel (T1).
        unsafe { wheel.wait(NonNull::from(&this.node), waker) }
    }

    /// Sets another deadline.
    ///
    /// If the timer is waiting, it waits for the new one from now on, with the same waker; the answer is then whether that
    /// comes before all that the wheel knew of, as with [`First`](TimerState::First). Otherwise it must be polled again.
    #[must_use = "a thread that sleeps on behalf of the wheel may have to be told"]
    pub fn reset(self: Pin<&mut Self>, deadline: Deadline) -> bool {
        // SAFETY: nothing is moved out; only the handle is touched, which is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.node.alarm.is_linked() {
            // The next poll may be another worker's, and enters that one's wheel.
            this.handle = None;
            this.node.alarm.unlink();
            this.node.alarm.set_deadline(deadline);
            return false;
        }
        let Some(handle) = &this.handle else { return false };
        // SAFETY: the node was linked, if at all, in this wheel (T1), pinned (T2).
        unsafe { handle.wheel().reset(NonNull::from(&this.node), deadline) }
    }
}

impl<H: WheelHandle> Drop for Timer<H> {
    fn drop(&mut self) {
        if !self.node.alarm.is_linked() {
            return;
        }
        if let Some(handle) = &self.handle {
            // SAFETY: the node was linked in this wheel (T1).
            let waker = unsafe { handle.wheel().unlink(NonNull::from(&self.node)) };
            // Here, without the lock: a waker's drop is somebody else's code.
            drop(waker);
        }
    }
}

impl<H: WheelHandle> fmt::Debug for Timer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer")
            .field("deadline", &self.deadline())
            .field("is_fired", &self.is_fired())
            .finish_non_exhaustive()
    }
}
