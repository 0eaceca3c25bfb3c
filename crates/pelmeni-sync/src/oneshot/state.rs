//! The state word of a channel for one value.
//!
//! ```text
//!   the channel:  OPEN --(1) a half ends it--> DONE, with or without VALUE
//!
//!   each half:     here <--(3)----- WAITS
//!                    |  '---(2)----->  '--(1)--> here
//!                    '--(4)--> OUT; the second one frees the channel
//! ```
//! | edge | verb | what it means |
//! |---|---|---|
//! | 1 | [`State::end`], [`State::send`] | nothing more will happen, and the wakers that were given away are now the caller's |
//! | 2 | [`State::wait`] | gives the waker in the half's slot away, to whoever ends it |
//! | 3 | [`State::reclaim`] | takes it back |
//! | 4 | [`State::leave`], or `send` if there are no wakers | the half touches the channel no more |
//!
//! # Memory ordering
//! Every exchange is `AcqRel` and every load `Acquire`: what a half did before its step, to the value or to its slot, is
//! seen by the half that finds the step made.

use pelmeni_core::primitive::atomic::{AtomicU8, Ordering};
use pelmeni_core::primitive::seeded;

use super::channel::{SENDER, other};

/// A half has sent, has closed, or was dropped. Set by the first that does, never cleared.
const DONE: u8 = 1 << 0;
/// That one left a value. Set with `DONE`, never cleared.
const VALUE: u8 = 1 << 1;
/// The half's waker is in its slot. Set by the half; cleared by it, or with `DONE`. Shifted by the half, as the next one.
const WAITS: u8 = 1 << 2;
/// The half will not touch the channel again. Never cleared.
const OUT: u8 = 1 << 4;

/// The state word.
pub(super) struct State(AtomicU8);

/// What the word was at one moment.
#[derive(Clone, Copy)]
pub(super) struct Snapshot(u8);

/// What a half that has left must do.
#[must_use]
#[derive(PartialEq, Eq)]
pub(super) enum Leave {
    /// The other one is still there.
    Keep,
    /// It was the second: free the channel.
    Free,
}

/// What has become of a value.
#[must_use]
pub(super) enum Sent {
    /// It is the receiver's, and nobody waited: the sender has left as well.
    AndLeft,
    /// It is the receiver's, and somebody waited, before.
    To(Snapshot),
    /// The channel was done already.
    ToNobody,
}

impl State {
    /// Open, with two halves.
    pub(super) fn new() -> State {
        State(AtomicU8::new(0))
    }

    #[inline]
    pub(super) fn load(&self) -> Snapshot {
        // Acquire: pairs with the Release half of every step.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Gives the waker in the half's slot away. If the channel is done already, it is not: nobody would take it.
    #[inline]
    pub(super) fn wait(&self, half: usize) -> Snapshot {
        // AcqRel: either `end` sees this and the waker, or this sees what was done before the end.
        Snapshot(self.0.fetch_or(WAITS << half, Ordering::AcqRel))
    }

    /// Takes the waker back that was given away. False: somebody else has it, and the channel is done.
    #[inline]
    pub(super) fn reclaim(&self, half: usize) -> bool {
        // AcqRel: as in wait.
        Snapshot(self.0.fetch_and(!(WAITS << half), Ordering::AcqRel)).waits(half)
    }

    /// Ends the story, and says who waited. Nothing: it has ended already.
    #[inline]
    pub(super) fn end(&self) -> Option<Snapshot> {
        self.end_with(|_| DONE)
    }

    /// Ends the story with a value. The sender leaves in the same step, unless it has a waker to take out.
    #[inline]
    pub(super) fn send(&self) -> Sent {
        let step = |now: Snapshot| match now.is_awaited() {
            false if !seeded(269) => DONE | VALUE | OUT << SENDER,
            _ => DONE | VALUE,
        };
        match self.end_with(step) {
            Some(before) if before.is_awaited() => Sent::To(before),
            Some(_) => Sent::AndLeft,
            None => Sent::ToNobody,
        }
    }

    #[inline]
    fn end_with(&self, step: impl Fn(Snapshot) -> u8) -> Option<Snapshot> {
        let mut now = self.load();
        while !now.is_done() || seeded(252) {
            let next = (now.0 | step(now)) & !(WAITS | WAITS << 1);
            // AcqRel: pairs with whatever finds it done, for the value, and with wait, for the wakers.
            match self.0.compare_exchange_weak(now.0, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(now),
                Err(newer) => now = Snapshot(newer),
            }
        }
        None
    }

    /// Says that the half will not touch the channel again.
    #[inline]
    pub(super) fn leave(&self, half: usize) -> Leave {
        if self.load().is_out(other(half)) {
            return Leave::Free; // nobody else is left who could look at the word
        }
        // AcqRel: whoever frees comes after all that the other has done.
        let before = Snapshot(self.0.fetch_or(OUT << half, Ordering::AcqRel));
        if before.is_out(other(half)) && !seeded(253) { Leave::Free } else { Leave::Keep }
    }
}

impl Snapshot {
    pub(super) fn is_done(self) -> bool {
        self.0 & DONE != 0
    }

    pub(super) fn has_value(self) -> bool {
        self.0 & VALUE != 0
    }

    pub(super) fn waits(self, half: usize) -> bool {
        self.0 & WAITS << half != 0
    }

    /// One of the halves waits.
    fn is_awaited(self) -> bool {
        self.0 & (WAITS | WAITS << 1) != 0
    }

    fn is_out(self, half: usize) -> bool {
        self.0 & OUT << half != 0
    }
}
