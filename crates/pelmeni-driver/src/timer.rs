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

use pelmeni_core::primitive::seeded;

use crate::alarm::Phase;
use crate::node::Node;
use crate::{Deadline, Wheel};

/// Something that keeps a [`Wheel`] alive, or a place for it.
///
/// # Safety
/// [`wheel`](WheelHandle::wheel) returns the same wheel each time, wherever the handle has been moved to, and the wheel
/// lives at least as long as the handle.
pub unsafe trait WheelHandle {
    /// The wheel; `None` if there is none yet.
    fn wheel(&self) -> Option<&Wheel>;
}

// SAFETY: the wheel lies in the shared allocation, which the handle keeps alive and never exchanges.
unsafe impl WheelHandle for Option<Arc<Wheel>> {
    fn wheel(&self) -> Option<&Wheel> {
        self.as_deref()
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
/// let mut timer = pin!(Timer::new(deadline, None));
///
/// let enter = |_: &_| Some(wheel.clone());
/// let state = timer.as_mut().poll(|| Deadline::ZERO, Waker::noop(), enter);
/// assert_eq!(state, TimerState::First);
/// assert_eq!(wheel.next_deadline(), Some(deadline));
///
/// let mut wakers = Vec::new();
/// assert_eq!(wheel.fire(deadline, &mut wakers), 1);
/// wakers.into_iter().for_each(Waker::wake);
/// assert!(timer.is_fired());
/// ```
// In this order a timer that is allocated by itself has its node on one line of the cache as often as can be.
#[repr(C)]
pub struct Timer<H: WheelHandle> {
    node: Node,
    /// Has a wheel when the timer is linked, and keeps it until it is reset in no wheel (T1).
    handle: H,
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
    /// Makes a timer; `nowhere` is a handle that has no wheel yet. It waits for nothing before it is polled.
    pub fn new(deadline: Deadline, nowhere: H) -> Timer<H> {
        Timer { node: Node::new(deadline), handle: nowhere, _pinned: PhantomPinned }
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
    pub fn handle(&self) -> &H {
        &self.handle
    }

    /// Waits for the deadline: wakes `waker` when it has come.
    ///
    /// A waker of an earlier poll is replaced. The clock is read, by `now`, only if the timer is in no wheel yet, and may
    /// be late: a timer that is due by then enters none. `enter` is asked once, for a handle with the wheel to enter; it
    /// is shown the one without.
    ///
    /// # Cancel safety
    /// A timer may be dropped at any time, on any thread.
    ///
    /// # Panics
    /// If `enter` gives a handle without a wheel.
    pub fn poll(
        self: Pin<&mut Self>,
        now: impl FnOnce() -> Deadline,
        waker: &Waker,
        enter: impl FnOnce(&H) -> H,
    ) -> TimerState {
        // One look: a timer that fires between two would be taken for one that never was in the wheel.
        let phase = self.node.alarm.phase();
        let is_linked = phase == Phase::Linked && (!seeded(248) || self.node.alarm.is_linked());
        if phase == Phase::Fired || !is_linked && self.deadline().has_passed(now()) {
            return TimerState::Due;
        }
        // SAFETY: the caller owns the timer.
        if is_linked && unsafe { self.node.wakes(waker) } {
            // So it will, or is about to: who takes a timer out first says that it has fired, and wakes afterwards. A wake before
            // this poll would have shown us that, also one that found its task scheduled already (see `state` in core).
            return TimerState::Waiting;
        }
        // SAFETY: nothing is moved out; only the handle is touched, which is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if this.handle.wheel().is_none() {
            this.handle = enter(&this.handle);
        }
        let wheel = this.handle.wheel().expect("a handle to enter a wheel with has one");
        let node = NonNull::from(&this.node);
        if is_linked {
            // SAFETY: the node was linked in this wheel (T1), and lies in a pinned timer whose drop unlinks it (T2).
            unsafe { wheel.wait(node, waker.clone()) }
        } else {
            // SAFETY: the node is not linked, and lies in a pinned timer whose drop unlinks it (T2).
            unsafe { wheel.enter(node, waker.clone()) }
        }
    }

    /// Sets another deadline; `nowhere` is a handle that has no wheel yet, for a timer that has left its own.
    ///
    /// If the timer is waiting, it waits for the new one from now on, with the same waker; the answer is then whether that
    /// comes before all that the wheel knew of, as with [`First`](TimerState::First). Otherwise it must be polled again.
    #[must_use = "a thread that sleeps on behalf of the wheel may have to be told"]
    pub fn reset(self: Pin<&mut Self>, deadline: Deadline, nowhere: H) -> bool {
        // SAFETY: nothing is moved out; only the handle is touched, which is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if this.node.alarm.is_linked()
            && let Some(wheel) = this.handle.wheel()
            // SAFETY: the node was linked, if at all, in this wheel (T1), pinned (T2).
            && let Some(is_first) = unsafe { wheel.reset(NonNull::from(&this.node), deadline) }
        {
            return is_first;
        }
        // It has left its wheel, just now perhaps: the next poll may be another worker's, and enters that one's.
        if this.handle.wheel().is_some() && !seeded(295) {
            this.handle = nowhere;
        }
        this.node.alarm.unlink();
        this.node.alarm.set_deadline(deadline);
        false
    }
}

impl<H: WheelHandle> Drop for Timer<H> {
    fn drop(&mut self) {
        if !self.node.alarm.is_linked() {
            return;
        }
        if let Some(wheel) = self.handle.wheel() {
            // SAFETY: the node was linked in this wheel (T1).
            let waker = unsafe { wheel.unlink(NonNull::from(&self.node)) };
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
