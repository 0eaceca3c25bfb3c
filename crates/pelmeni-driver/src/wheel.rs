//! Where the timers of a worker wait: its [`Wheel`], a lock around [`Levels`].
//!
//! The lock guards everything, the links in the nodes included (N1); only the owner of a timer sees its waker without it
//! (N4). It is held for a few instructions by whoever arms or cancels, and for one stride by the worker (W5); wakers are
//! cloned, woken and dropped without it.
//!
//! A busy worker looks at its wheel ten thousand times a second, mostly in vain, so the wheel says how long it is **quiet**:
//! before that time nothing is due, and a look takes no lock. Only who has the lock writes it: who fires says what he found, who
//! enters an earlier deadline lowers it. Whoever does that on another thread ends the worker's sleep in any case
//! ([`TimerState::First`]), which lets the worker see it; one who is awake looks again soon, and at the latest when the wheel has
//! been quiet for a millisecond.

use std::fmt;
use std::ptr::NonNull;
use std::task::Waker;
use std::time::Duration;

use pelmeni_core::primitive::atomic::{AtomicU64, Ordering};
use pelmeni_core::primitive::{Spin, seeded};

use crate::alarm::Phase;
use crate::levels::Levels;
use crate::node::Node;
use crate::{Deadline, TimerState};

/// So many timers at a time move down, or twice as many if those are all. It takes some 100 us.
const STRIDE: usize = 4096;
/// No wheel is quiet for longer: one that stays behind the time sorts what enters it the more coarsely.
const QUIET_MAX: Duration = Duration::from_millis(1);

/// The timers of one worker.
pub struct Wheel {
    levels: Spin<Levels>,
    /// In nanoseconds: no timer is due before. Written under the lock.
    quiet_until: AtomicU64,
}

impl Wheel {
    /// Makes a wheel without timers.
    pub fn new(now: Deadline) -> Wheel {
        Wheel::striding(now, STRIDE)
    }

    /// As [`new`](Wheel::new), with a stride of this length where the real one is thousands, for models and tests.
    #[doc(hidden)]
    pub fn striding(now: Deadline, stride: usize) -> Wheel {
        Wheel { levels: Spin::new(Levels::new(now, stride)), quiet_until: AtomicU64::new(0) }
    }

    /// The earliest deadline of all timers; `None` if there is none, or none that ever comes.
    ///
    /// It is exact, except that it can be too early after the earliest timer was cancelled, or while many timers move closer,
    /// never too late: at that time [`fire`](Wheel::fire) finds nothing, and the next answer is better.
    pub fn next_deadline(&self) -> Option<Deadline> {
        self.levels.lock().next_deadline().filter(|deadline| *deadline != Deadline::NEVER)
    }

    /// Takes out all timers whose deadline is not after `now`, and appends their wakers in the order of their deadlines,
    /// equal ones in the order of registration. The answer is how many. The caller wakes them.
    ///
    /// It stops short of that if it would take long, because very many timers have to move closer first: then the [next
    /// deadline](Wheel::next_deadline) is not after `now`, and the next call goes on.
    ///
    /// A `now` that is earlier than the last one is harmless.
    pub fn fire(&self, now: Deadline, wakers: &mut Vec<Waker>) -> usize {
        // Relaxed: see above; the timers themselves are read under the lock.
        if now.as_nanos() < self.quiet_until.load(Ordering::Relaxed) {
            return 0;
        }
        let mut levels = self.levels.lock();
        levels.advance(now);
        let next = levels.next_move();
        let count = levels.take_due(wakers);
        let lock = (!seeded(294)).then_some(levels); // the bug: it ends here
        self.be_quiet_until(next.min(now + QUIET_MAX));
        drop(lock);
        count
    }

    /// Takes out all timers and lets none in any more; their wakers are appended, so that whoever waits for them learns
    /// that it is in vain.
    pub fn close(&self, wakers: &mut Vec<Waker>) {
        let mut levels = self.levels.lock();
        levels.closed = true;
        while let Some(mut list) = levels.take_some() {
            // SAFETY: the lock is held (N1).
            while let Some(node) = unsafe { list.pop() } {
                // SAFETY: the node was in the list a moment ago and has not been told that it is out (N2, N3).
                let node = unsafe { node.as_ref() };
                // SAFETY: the lock is held, and the node was taken out.
                wakers.extend(unsafe { node.take_waker() });
                node.alarm.unlink();
            }
        }
    }

    /// Notes that nothing is due before; under the lock.
    fn be_quiet_until(&self, deadline: Deadline) {
        self.quiet_until.store(deadline.as_nanos(), Ordering::Relaxed);
    }

    /// Notes that something is due then, if the wheel would be quiet; under the lock.
    fn disquiet(&self, deadline: Deadline) {
        if deadline.as_nanos() < self.quiet_until.load(Ordering::Relaxed) && !seeded(293) {
            self.be_quiet_until(deadline);
        }
    }

    /// Links a node. The waker is dropped without the lock if the wheel is closed.
    ///
    /// # Safety
    /// The node is not linked, which nobody but the caller can change. It stays where it is until
    /// [`unlink`](Wheel::unlink) has returned or its alarm says that it is not linked (N2).
    pub(crate) unsafe fn enter(&self, node: NonNull<Node>, waker: Waker) -> TimerState {
        let mut levels = self.levels.lock();
        if levels.closed && !seeded(217) {
            drop(levels);
            drop(waker);
            return TimerState::Closed;
        }
        // SAFETY: the caller vouches for the node.
        let alarm = &unsafe { node.as_ref() }.alarm;
        let first = alarm.deadline() < levels.bound() && !seeded(153);
        self.disquiet(alarm.deadline());
        // SAFETY: it is in no list; the caller vouches for the rest.
        unsafe { levels.insert(node) };
        // SAFETY: the caller vouches for the node.
        let node = unsafe { node.as_ref() };
        // SAFETY: the owner calls, the lock is held, and who took the node out took its waker.
        unsafe { node.set_waker(waker) };
        node.alarm.link();
        if first { TimerState::First } else { TimerState::Waiting }
    }

    /// Gives a node that was linked another waker, if it still is.
    ///
    /// # Safety
    /// The node is linked in this wheel, or has been and was not touched by its owner since (N2); the owner calls.
    #[cold]
    pub(crate) unsafe fn wait(&self, node: NonNull<Node>, waker: Waker) -> TimerState {
        // SAFETY: the caller vouches for the node.
        let node = unsafe { node.as_ref() };
        let levels = self.levels.lock();
        // What is not needed is dropped without the lock: that is somebody else's code.
        let (state, _waker) = match node.alarm.phase() {
            Phase::Fired if !seeded(246) => (TimerState::Due, Some(waker)),
            Phase::Idle if !seeded(246) => (TimerState::Closed, Some(waker)),
            _ => {
                // SAFETY: the lock is held, and there will be another one at once.
                let old = unsafe { node.take_waker() };
                // SAFETY: the owner calls, the lock is held, and the old one was taken.
                unsafe { node.set_waker(waker) };
                (TimerState::Waiting, old)
            }
        };
        drop(levels);
        state
    }

    /// Gives a node that was linked another place, for another deadline; `None` if it is linked no more. Whether it is the first
    /// of the wheel there, and earlier than whoever sleeps for the wheel knows.
    ///
    /// # Safety
    /// As [`wait`](Wheel::wait).
    pub(crate) unsafe fn reset(&self, node: NonNull<Node>, deadline: Deadline) -> Option<bool> {
        // SAFETY: the caller vouches for the node.
        let alarm = &unsafe { node.as_ref() }.alarm;
        // The bug: what this sees need not be so any more when the lock is there.
        let hasty = seeded(155) && alarm.is_linked();
        let mut levels = self.levels.lock();
        if !alarm.is_linked() && !hasty {
            return None;
        }
        let bound = levels.bound();
        // What a node that was taken out says of its neighbours means nothing, so that the bug only puts it back.
        if !hasty || alarm.is_linked() {
            // SAFETY: the node is linked in this wheel, whose lock is held.
            unsafe { levels.remove(node) };
        }
        alarm.set_deadline(deadline);
        // SAFETY: it was taken out, and the caller vouches for it.
        unsafe { levels.insert(node) };
        self.disquiet(deadline);
        Some(deadline < bound)
    }

    /// Takes a node out, if it is linked. Its waker is the caller's, who drops it without the lock.
    ///
    /// # Safety
    /// The node is linked in this wheel, or in none.
    pub(crate) unsafe fn unlink(&self, node: NonNull<Node>) -> Option<Waker> {
        let mut levels = self.levels.lock();
        // SAFETY: the caller owns the node.
        let owned = unsafe { node.as_ref() };
        if !owned.alarm.is_linked() {
            return None;
        }
        // SAFETY: the node is linked in this wheel, whose lock is held.
        unsafe { levels.remove(node) };
        // SAFETY: the lock is held, and the node was taken out.
        let waker = unsafe { owned.take_waker() };
        owned.alarm.unlink();
        waker
    }
}

impl fmt::Debug for Wheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel").field("next_deadline", &self.next_deadline()).finish()
    }
}
