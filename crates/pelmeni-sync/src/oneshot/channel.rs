//! What the two halves of a channel share, and who may touch which part of it.
//!
//! # The law
//! * **O1, the value.** It is the sender's until the channel is done. If it was the sender who ended it with a value, that
//!   is the receiver's from then on.
//! * **O2, the slots.** Each half has a slot for one waker. While the half's `WAITS` is set nobody touches the slot, and
//!   the step that clears it owns what is in there: [`State::reclaim`] by the half itself, or [`State::end`] and
//!   [`State::send`] by whichever half comes first. While it is clear, the slot is the half's own, until the channel is
//!   found done.
//! * **O3, the end.** Both halves leave, and the second one frees the memory. A sender that has nobody to wake leaves by the
//!   step that sends, and touches nothing after it.
//!
//! Rejected: *a lock around all of it* (two exchanges for each step, where this takes one; a thread that is preempted with
//! the lock costs the other a system call); *a count of references* (one bit for each half tells who is second, and
//! whoever finds the other's set needs no exchange at all).

use std::marker::PhantomData;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::task::Waker;

use pelmeni_core::primitive::UnsafeCell;
use pelmeni_core::primitive::alloc::{Layout, alloc, dealloc};
use pelmeni_core::primitive::seeded;

use super::state::{Leave, Sent, Snapshot, State};
use crate::wakers::Wakers;

/// The half that sends.
pub(super) const SENDER: usize = 0;
/// The half that receives.
pub(super) const RECEIVER: usize = 1;

/// The other half.
pub(super) const fn other(half: usize) -> usize {
    1 - half
}

struct Channel<T> {
    state: State,
    value: UnsafeCell<Option<T>>,
    /// The sender's and the receiver's.
    slots: [UnsafeCell<Option<Waker>>; 2],
}

/// One end of a channel. There is one for each of the two, and it leaves when it is dropped.
pub(super) struct Half<T, const HALF: usize> {
    channel: NonNull<Channel<T>>,
    own: PhantomData<Channel<T>>,
}

// SAFETY: by the law, a half touches the value when the other does not, and passes it to the other's thread.
unsafe impl<T: Send, const HALF: usize> Send for Half<T, HALF> {}
// SAFETY: whoever has a reference only gets to see the state.
unsafe impl<T: Send, const HALF: usize> Sync for Half<T, HALF> {}
// A half is an address: it can move while what is there stays.
impl<T, const HALF: usize> Unpin for Half<T, HALF> {}
// No code of the user's runs while something here is half-written.
impl<T, const HALF: usize> UnwindSafe for Half<T, HALF> {}
impl<T, const HALF: usize> RefUnwindSafe for Half<T, HALF> {}

/// The wakers that a channel has no more use for. They are invoked and dropped when its memory may be gone.
#[must_use = "a task waits for this"]
#[derive(Default)]
pub(super) struct Rest {
    wake: Option<Waker>,
    drop: Option<Waker>,
}

impl Rest {
    #[inline]
    pub(super) fn wake(self) {
        drop(self.drop);
        if self.wake.is_some() {
            Wakers::from(self.wake).wake();
        }
    }
}

/// Makes a channel.
pub(super) fn halves<T>() -> (Half<T, SENDER>, Half<T, RECEIVER>) {
    // SAFETY: a channel holds a state, so its size is not zero.
    let block = unsafe { alloc(Layout::new::<Channel<T>>()) };
    let channel = NonNull::new(block.cast()).expect("alloc is never null");
    let content = Channel {
        state: State::new(),
        value: UnsafeCell::new(None),
        slots: [UnsafeCell::new(None), UnsafeCell::new(None)],
    };
    // SAFETY: the block is ours and large enough.
    unsafe { channel.write(content) };
    (Half { channel, own: PhantomData }, Half { channel, own: PhantomData })
}

impl<T, const HALF: usize> Half<T, HALF> {
    fn channel(&self) -> &Channel<T> {
        // SAFETY: the memory stays until both halves have left (O3), and this one has not.
        unsafe { self.channel.as_ref() }
    }

    /// What has happened so far.
    #[inline]
    pub(super) fn look(&self) -> Snapshot {
        self.channel().state.load()
    }

    /// Has the waker invoked when the other half ends the channel. False: it is done already.
    #[inline]
    pub(super) fn wait(&mut self, waker: &Waker) -> bool {
        let Channel { state, slots, .. } = self.channel();
        let slot = &slots[HALF];
        let seen = state.load();
        if seen.is_done() || (seen.waits(HALF) && !seeded(251) && !state.reclaim(HALF)) {
            return false;
        }
        // SAFETY: the slot is ours until we give the waker away (O2).
        let kept =
            slot.with(|slot| unsafe { &*slot }.as_ref().is_some_and(|kept| kept.will_wake(waker)));
        let mut old = None;
        if !kept {
            let new = waker.clone();
            // SAFETY: as above.
            old = slot.with_mut(|slot| unsafe { (*slot).replace(new) });
        }
        if state.wait(HALF).is_done() && !seeded(250) {
            // SAFETY: it was done before the waker was given away, so nobody took it (O2).
            old = slot.with_mut(|slot| unsafe { (*slot).take() });
            drop(old);
            return false;
        }
        drop(old);
        true
    }

    /// Says that nothing more will come from this half.
    #[inline]
    pub(super) fn end(&mut self) -> Rest {
        let channel = self.channel();
        channel.state.end().map_or_else(Rest::default, |before| channel.rest(HALF, before))
    }
}

impl<T> Half<T, SENDER> {
    /// Ends the channel with a value, which comes back if the receiver has ended it before, and leaves.
    #[inline]
    pub(super) fn put(self, value: T) -> Result<Rest, T> {
        let channel = self.channel();
        // SAFETY: the value is ours until the channel is done, and the receiver only ends it without one (O1).
        channel.value.with_mut(|place| unsafe { *place = Some(value) });
        match channel.state.send() {
            Sent::AndLeft => {
                mem::forget(self);
                Ok(Rest::default())
            }
            Sent::To(before) => Ok(channel.rest(SENDER, before)),
            Sent::ToNobody => {
                // SAFETY: as above.
                let value = channel.value.with_mut(|place| unsafe { (*place).take() });
                Err(value.expect("it was put there"))
            }
        }
    }
}

impl<T> Half<T, RECEIVER> {
    /// Takes the value, if it was sent.
    #[inline]
    pub(super) fn take(&mut self) -> Option<T> {
        if !self.look().has_value() {
            return None;
        }
        // SAFETY: the sender has ended the channel with a value, so it is ours (O1).
        self.channel().value.with_mut(|place| unsafe { (*place).take() })
    }
}

impl<T> Channel<T> {
    /// Takes the wakers out that were there before the step by which this half has ended the channel.
    #[inline]
    fn rest(&self, half: usize, before: Snapshot) -> Rest {
        let take = |half: usize| match before.waits(half) {
            // SAFETY: the waker was given away, and our step has taken it over (O2).
            true => self.slots[half].with_mut(|slot| unsafe { (*slot).take() }),
            false => None,
        };
        Rest { wake: take(other(half)), drop: take(half) }
    }
}

impl<T, const HALF: usize> Drop for Half<T, HALF> {
    fn drop(&mut self) {
        if self.channel().state.leave(HALF) == Leave::Keep {
            return;
        }
        // SAFETY: both halves have left, so it is ours alone (O3).
        let content = unsafe { self.channel.read() };
        // SAFETY: the block came from `halves` with this layout, and its content was moved out.
        unsafe { dealloc(self.channel.as_ptr().cast(), Layout::new::<Channel<T>>()) };
        drop(content);
    }
}
