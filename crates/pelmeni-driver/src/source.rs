//! The 64 bytes that stand for one descriptor: two readiness words and the wakers that wait for them.
//!
//! ```text
//!   read: Readiness    8   events, ticks, is a reader waiting
//!   write: Readiness   8   the same for writers, on its own
//!   waiters           48   a lock, the wakers
//! ```
//!
//! S1. A waiter changes its word and adds its waker under one hold of the lock. An event changes the word first and takes
//! the lock afterwards. So either the waiter sees the event in the word, or the event finds the waker in the list.
//!
//! S2. Wakers are cloned, woken and dropped without the lock: each of the three is somebody else's code.
//!
//! S3. Whoever takes wakers looks at the generation under the lock: a slot that has changed hands in the meantime keeps
//! the wakers of its new owner.

use std::task::Waker;

use pelmeni_core::primitive::{Mutex, seeded};

use crate::interest::Interest;
use crate::readiness::{Readiness, Snapshot, TICK_BITS, Wait};
use crate::waiters::Waiters;
use crate::{Direction, clock};

/// A descriptor's cell in the slab: one cache line, shared with no other cell.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Source<const TICK: u32 = TICK_BITS> {
    read: Readiness<TICK>,
    write: Readiness<TICK>,
    waiters: Mutex<Waiters>,
}

impl<const TICK: u32> Source<TICK> {
    /// A cell that is nobody's yet.
    pub(crate) fn new() -> Self {
        Source { read: Readiness::new(), write: Readiness::new(), waiters: Mutex::default() }
    }

    /// The state of one direction, to be looked at before the operation.
    pub(crate) fn look(&self, direction: Direction) -> Snapshot {
        self.word(direction).look()
    }

    /// Whose cell it is, or will be.
    pub(crate) fn generation(&self) -> u32 {
        self.read.look().generation()
    }

    /// Waits for the next event in one direction, if there was none since `seen`.
    pub(crate) fn wait(&self, direction: Direction, seen: Snapshot, waker: &Waker) -> Wait {
        if seen.is_waiting() {
            // Probably a poll for another reason, and the waker is there from the last one.
            let mut waiters = self.waiters.lock();
            let outcome = self.word(direction).wait(seen);
            if outcome != Wait::Waiting || waiters.find(direction, waker) {
                return outcome;
            }
        }
        let clone = waker.clone();
        let mut waiters = self.waiters.lock();
        let outcome = self.word(direction).wait(seen);
        if outcome != Wait::Waiting {
            return outcome;
        }
        let crowd = waiters.add(direction, clone);
        drop(waiters);
        if let Some(mut crowd) = crowd {
            crowd.call(clock::now());
            self.while_owned(seen.generation(), |waiters| waiters.rejoin(crowd));
        }
        Wait::Waiting
    }

    /// Hands an event for the source of this generation to those who wait for it: their wakers go to `wakers`.
    pub(crate) fn set(&self, generation: u32, ready: Interest, wakers: &mut Vec<Waker>) {
        for direction in ready.directions() {
            if self.word(direction).set(generation) {
                self.while_owned(generation, |waiters| waiters.take(direction, wakers));
            }
        }
    }

    /// Ends this source: the cell is the next one's. Its waiters have to be woken, to learn about it.
    pub(crate) fn remove(&self, wakers: &mut Vec<Waker>) {
        self.read.remove();
        self.write.remove();
        self.take_all(wakers);
    }

    /// Ends all waiting at this source.
    pub(crate) fn close(&self, wakers: &mut Vec<Waker>) {
        let waiting = [self.read.close(), self.write.close()];
        if waiting.contains(&true) {
            self.take_all(wakers);
        }
    }

    /// Shows what is waited for. The lock is held meanwhile, so that two who arm a source do it one after the other.
    pub(crate) fn with_interest<R>(&self, arm: impl FnOnce(Interest) -> R) -> R {
        let _waiters = self.waiters.lock();
        let read = self.read.look().is_waiting();
        let write = self.write.look().is_waiting();
        arm(Interest { read, write })
    }

    /// Runs `f` under the lock if the cell still belongs to this generation (S3).
    fn while_owned(&self, generation: u32, f: impl FnOnce(&mut Waiters)) {
        let mut waiters = self.waiters.lock();
        if self.generation() == generation || seeded(150) {
            f(&mut waiters);
        }
    }

    fn take_all(&self, wakers: &mut Vec<Waker>) {
        let mut waiters = self.waiters.lock();
        waiters.take(Direction::Read, wakers);
        waiters.take(Direction::Write, wakers);
    }

    fn word(&self, direction: Direction) -> &Readiness<TICK> {
        match direction {
            Direction::Read => &self.read,
            Direction::Write if seeded(130) => &self.read,
            Direction::Write => &self.write,
        }
    }
}

#[cfg(all(test, target_pointer_width = "64", not(all(loom, feature = "loom"))))]
mod tests {
    use super::Source;

    #[test]
    fn cell_is_one_cache_line() {
        assert_eq!(size_of::<Source>(), 64);
    }
}
