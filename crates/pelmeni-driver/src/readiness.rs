//! The atomic word of one direction of one source: whose it is, what was reported, and whether somebody waits; and with it
//! those who wait, whose lock is one bit of the word.
//!
//! ```text
//!    63           32 31          6   5       4       3        2        1       0
//!   ┌───────────────┬─────────────┬───────┬───────┬────────┬─────────┬───────┬───────┐
//!   │  generation   │    tick     │ ASKED │ ENDED │ CLOSED │ WAITING │ READY │ TAKEN │
//!   └───────────────┴─────────────┴───────┴───────┴────────┴─────────┴───────┴───────┘
//!
//!                 1 event                          2 would block, same tick
//!      idle ─────────────────► READY, tick + 1 ─────────────────────────► WAITING
//!        │                          ▲                                        │
//!        │ 2 would block            └──────────── 1 event: wake ─────────────┘
//!        └──────────────────────────────────────────────────────────────► WAITING
//!
//!      any ── 3 remove: wake ──► idle, generation + 1, tick 0        any ── 4 close: wake ──► CLOSED
//! ```
//!
//! | edge | function | who |
//! |---|---|---|
//! | 1 | [`Readiness::set`] | the thread that has the turn |
//! | 2 | [`Readiness::wait`] | a poll whose operation would block |
//! | 3 | [`Readiness::remove`] | whoever deregisters |
//! | 4 | [`Readiness::close`] | whoever closes the driver |
//!
//! **Each edge is one hold of the lock** ([`WordLock`]): one exchange that takes it, one store that ends it and writes the
//! new word. The wakers are moved in the same hold, so that word and wakers never disagree: a waiter sees the event in the
//! word, or the event finds the waker. Whether the edge may be walked is judged by the word before the lock is taken, and a
//! word that forbids costs no exchange.
//!
//! S1. Wakers are cloned, woken and dropped without the lock: each of the three is somebody else's code.
//!
//! **The tick** counts the events. A poll looks at the word before its operation and may wait only if the tick is still
//! the one that it saw: an event between the operation and the wait is news that the operation did not have, and clearing
//! it would lose it for ever, because the poller reports an edge once. The tick is compared in its full width, and there
//! is one for each direction: with a common one, a peer that only makes room for writing would keep a reader from ever
//! waiting.
//!
//! **ENDED** stands for good after an event that speaks of an end, an error or urgent data: see [`drained`](crate::drained).
//!
//! **ASKED** says that the poller reports this direction. A socket is writable nearly all the time, and an event that says
//! so besides what it came for would change the word of a direction in which nobody waits; so each direction is asked for
//! only once somebody waits there. Asking reports what is so at that moment, and comes after the waiter is in its place, so
//! that nothing is lost ([`Registration`](crate::Registration) does it). Who waits learns from the word in which it waits
//! whether it has to ask; one that it saw earlier may have been taken back meanwhile, which is done only while nobody waits
//! ([`Readiness::unask`]).
//!
//! **The generation** is the source's, and changes when the source leaves. Every change compares it, so that an event of
//! the past owner, which can sit in the batch that is just being handed out, does nothing to the next one.
//!
//! **WAITING** says that there is a waker for this direction; the event that clears it takes all of them.
//!
//! Orderings: those of the lock. What a task must see after its wake travels through the waker; what an operation must see is
//! in the kernel.
//!
//! Rejected: a lock beside the words, which an event had to take for the wakers and a waiter for both: two exchanges more for
//! each read that has to wait.

use std::ops::{Deref, DerefMut};
use std::task::Waker;

use pelmeni_core::primitive::{TAKEN, WordGuard, WordLock, seeded};

use crate::clock;
use crate::crowd::Crowd;
use crate::waiters::Waiters;

/// An event was reported, and no operation has found it false since. Set by an event; cleared by a wait.
const READY: u64 = TAKEN << 1;
/// There is a waker for this direction. Set by a wait; cleared by an event, never by a waiter.
const WAITING: u64 = TAKEN << 2;
/// The driver is closed. Never cleared: a closed driver takes no new sources.
const CLOSED: u64 = TAKEN << 3;
/// An event has spoken of an end, an error, or urgent data. Set by an event; never cleared.
const ENDED: u64 = TAKEN << 4;
/// The poller reports this direction. Set when it does; cleared before it ceases to, or by the end of the source. Never set
/// where sources report once.
const ASKED: u64 = TAKEN << 5;

const TICK_SHIFT: u32 = 6;
const GENERATION_SHIFT: u32 = 32;
/// As wide as half a `usize`: a key has no room for more.
const GENERATION_MASK: u32 = (usize::MAX >> (usize::BITS / 2)) as u32;

/// The width of the tick. Models use two bits, so that it wraps within their reach.
pub(crate) const TICK_BITS: u32 = GENERATION_SHIFT - TICK_SHIFT;

/// The word, and those who wait. `TICK` is the width of the tick in bits.
#[derive(Debug)]
pub(crate) struct Readiness<const TICK: u32 = TICK_BITS>(WordLock<Waiters>);

/// One hold of the lock: the right to the waiters and to write the word.
struct Hold<'a>(WordGuard<'a, Waiters>);

/// What the word was at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

/// What became of the intent to wait.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The waker is in its place: the next event wakes it.
    Waiting,
    /// As `Waiting`, but nobody has asked the poller for events in this direction: the caller must.
    Unasked,
    /// There was an event since the snapshot: try again.
    Ready,
    /// The driver is closed: no event will come.
    Closed,
    /// The source has left, its slot belongs to nobody or to another: no event will come.
    Gone,
}

impl Snapshot {
    /// The word of a source that has just entered.
    pub(crate) const fn fresh(generation: u32) -> Snapshot {
        Snapshot((generation as u64) << GENERATION_SHIFT)
    }

    /// Whose word it is.
    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> GENERATION_SHIFT) as u32
    }

    pub(crate) const fn is_ready(self) -> bool {
        self.0 & READY != 0
    }

    pub(crate) const fn is_waiting(self) -> bool {
        self.0 & WAITING != 0
    }

    pub(crate) const fn has_ended(self) -> bool {
        self.0 & ENDED != 0
    }

    pub(crate) const fn is_asked(self) -> bool {
        self.0 & ASKED != 0
    }

    /// The number of events, as far as it fits.
    pub(crate) const fn tick(self) -> u32 {
        self.0 as u32 >> TICK_SHIFT
    }

    pub(crate) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    const fn with(self, bits: u64) -> Snapshot {
        Snapshot(self.0 | bits)
    }

    const fn without(self, bits: u64) -> Snapshot {
        Snapshot(self.0 & !bits)
    }
}

impl<const TICK: u32> Readiness<TICK> {
    const TICKS: u64 = ((1 << TICK) - 1) << TICK_SHIFT;

    /// The word of the first source that will come.
    pub(crate) fn new() -> Self {
        Readiness(WordLock::new(Snapshot::fresh(0).0, Waiters::default()))
    }

    /// The word as it is.
    pub(crate) fn look(&self) -> Snapshot {
        Snapshot(self.0.look())
    }

    /// Hands out an event for the source of this generation, and whether it is a last one: who waits goes to `wakers`.
    pub(crate) fn set(&self, generation: u32, ends: bool, wakers: &mut Vec<Waker>) {
        let news = if ends && !seeded(204) { READY | ENDED } else { READY };
        // The bug: the source may leave, and another come, before the lock is there.
        let hasty = seeded(150) && self.look().generation() == generation;
        let is_its = |word: Snapshot| word.generation() == generation || hasty || seeded(15);
        if let Ok(mut hold) = self.lock_if(is_its) {
            let word = hold.word();
            hold.write(Self::next_tick(word).with(news).without(WAITING));
            if word.is_waiting() {
                hold.take(wakers);
            }
        }
    }

    /// Waits for the next event, if there was none since `seen`.
    pub(crate) fn wait(&self, seen: Snapshot, waker: &Waker) -> Wait {
        let may_wait = |word| Self::judge(word, seen) == Wait::Waiting;
        if seen.is_waiting() {
            // Probably a poll for another reason, and the waker is there from the last one.
            match self.lock_if(may_wait) {
                Err(word) => return Self::judge(word, seen),
                Ok(mut hold) => {
                    if hold.find(waker) {
                        return hold.wait();
                    }
                }
            }
        }
        let clone = waker.clone();
        let (outcome, crowd) = match self.lock_if(may_wait) {
            Err(word) => return Self::judge(word, seen),
            Ok(mut hold) => (hold.wait(), hold.add(clone)),
        };
        if let Some(mut crowd) = crowd {
            crowd.call(clock::now());
            self.rejoin(seen.generation(), crowd);
        }
        if seeded(225) && seen.is_asked() { Wait::Waiting } else { outcome }
    }

    /// Takes a crowd back that has called its roll; if the source has left meanwhile, it is for nobody.
    fn rejoin(&self, generation: u32, crowd: Box<Crowd>) {
        if let Ok(mut hold) = self.lock_if(|word| word.generation() == generation) {
            hold.rejoin(crowd);
        }
    }

    /// Notes that the poller reports this direction.
    pub(crate) fn ask(&self) {
        let mut hold = self.lock();
        let word = hold.word();
        hold.write(word.with(ASKED));
    }

    /// Notes that the poller will no longer report this direction, unless somebody waits. Whether it will.
    pub(crate) fn unask(&self) -> bool {
        let may_cease = |word: Snapshot| word.is_asked() && (!word.is_waiting() || seeded(224));
        match self.lock_if(may_cease) {
            Ok(mut hold) => {
                let word = hold.word();
                hold.write(word.without(ASKED));
                false
            }
            Err(word) => word.is_asked(),
        }
    }

    /// Makes the word the next source's. Who waits goes to `wakers`, to learn about it.
    pub(crate) fn remove(&self, wakers: &mut Vec<Waker>) {
        let next = |generation: u32| generation.wrapping_add(1) & GENERATION_MASK;
        if seeded(152) {
            // The bug: whoever comes between this and the end of the generation is not woken.
            self.lock().take(wakers);
        }
        let mut hold = self.lock();
        let word = hold.word();
        hold.write(Snapshot::fresh(next(word.generation())));
        if !seeded(152) {
            hold.take(wakers);
        }
    }

    /// Says that no event will come any more. Who waits goes to `wakers`.
    pub(crate) fn close(&self, wakers: &mut Vec<Waker>) {
        let mut hold = self.lock();
        let word = hold.word();
        hold.write(word.with(CLOSED).without(WAITING));
        hold.take(wakers);
    }

    /// Whether a poll that saw `seen` may wait, now that the word is `word`.
    fn judge(word: Snapshot, seen: Snapshot) -> Wait {
        if word.generation() != seen.generation() {
            Wait::Gone
        } else if word.is_closed() {
            Wait::Closed
        } else if word.tick() != seen.tick() && !seeded(13) {
            Wait::Ready
        } else {
            Wait::Waiting
        }
    }

    const fn next_tick(word: Snapshot) -> Snapshot {
        let tick = word.0.wrapping_add(1 << TICK_SHIFT) & Self::TICKS;
        Snapshot(word.without(Self::TICKS).0 | tick)
    }

    fn lock(&self) -> Hold<'_> {
        self.lock_if(|_| true).expect("any word will do")
    }

    /// Takes the lock if `may` agrees to the word. The error is the word that it did not agree to.
    fn lock_if(&self, may: impl Fn(Snapshot) -> bool) -> Result<Hold<'_>, Snapshot> {
        self.0.lock_if(|word| may(Snapshot(word))).map(Hold).map_err(Snapshot)
    }
}

impl Hold<'_> {
    fn word(&self) -> Snapshot {
        Snapshot(self.0.word())
    }

    fn write(&mut self, word: Snapshot) {
        self.0.write(word.0);
    }

    /// Notes that somebody waits.
    fn wait(&mut self) -> Wait {
        let word = self.word();
        self.write(word.without(READY).with(WAITING));
        if word.is_asked() { Wait::Waiting } else { Wait::Unasked }
    }
}

impl Deref for Hold<'_> {
    type Target = Waiters;

    fn deref(&self) -> &Waiters {
        &self.0
    }
}

impl DerefMut for Hold<'_> {
    fn deref_mut(&mut self) -> &mut Waiters {
        &mut self.0
    }
}

#[cfg(all(test, not(all(loom, feature = "loom"))))]
mod tests {
    use std::task::Waker;

    use super::{Readiness, Snapshot, Wait};

    const OWNER: u32 = 7;

    /// An event; whether somebody was woken.
    fn set<const TICK: u32>(word: &Readiness<TICK>, generation: u32, ends: bool) -> bool {
        let mut wakers = Vec::new();
        word.set(generation, ends, &mut wakers);
        !wakers.is_empty()
    }

    fn wait<const TICK: u32>(word: &Readiness<TICK>, seen: Snapshot) -> Wait {
        word.wait(seen, Waker::noop())
    }

    fn owned() -> Readiness {
        let word = Readiness::new();
        (0..OWNER).for_each(|_| word.remove(&mut Vec::new()));
        assert_eq!(word.look(), Snapshot::fresh(OWNER));
        word.ask();
        word
    }

    #[test]
    fn wait_succeeds_only_without_an_event_since() {
        let word = owned();
        let seen = word.look();
        assert!(!set(&word, OWNER, false));
        assert_eq!(wait(&word, seen), Wait::Ready);
        assert!(word.look().is_ready(), "a failed wait clears nothing");
        assert_eq!(wait(&word, word.look()), Wait::Waiting);
        assert!(!word.look().is_ready());
        assert!(set(&word, OWNER, false), "somebody waits");
        assert!(!set(&word, OWNER, false), "and is woken once");
    }

    /// However old a snapshot is, it clears no event that it has not seen.
    #[test]
    fn snapshot_of_any_age_clears_nothing_new() {
        let word = owned();
        let seen = word.look();
        for _ in 0..1 << 17 {
            assert!(!set(&word, OWNER, false));
            assert_eq!(wait(&word, seen), Wait::Ready);
        }
    }

    #[test]
    fn tick_wraps_into_itself() {
        let word = Readiness::<2>::new();
        word.ask();
        for _ in 0..9 {
            let seen = word.look();
            assert!(!set(&word, 0, false));
            assert_eq!(word.look().generation(), 0);
            assert!(!word.look().is_waiting() && !word.look().is_closed());
            assert_eq!(wait(&word, seen), Wait::Ready);
        }
    }

    #[test]
    fn event_of_another_owner_changes_nothing() {
        let word = owned();
        assert_eq!(wait(&word, word.look()), Wait::Waiting);
        let before = word.look();
        for stranger in [0, OWNER - 1, OWNER + 1, u32::MAX] {
            assert!(!set(&word, stranger, false));
        }
        assert_eq!(word.look(), before);
    }

    #[test]
    fn wait_of_a_former_owner_is_refused() {
        let word = owned();
        let seen = word.look();
        word.remove(&mut Vec::new());
        assert_eq!(wait(&word, seen), Wait::Gone);
        assert_eq!(word.look(), Snapshot::fresh(OWNER + 1));
    }

    #[test]
    fn closed_word_lets_nobody_wait() {
        let word = owned();
        assert_eq!(wait(&word, word.look()), Wait::Waiting);
        let mut wakers = Vec::new();
        word.close(&mut wakers);
        assert_eq!(wakers.len(), 1, "who waits learns of it");
        assert_eq!(wait(&word, word.look()), Wait::Closed);
        word.close(&mut wakers);
        assert_eq!(wakers.len(), 1);
    }

    #[test]
    fn what_has_ended_has_ended_for_this_source() {
        let word = owned();
        assert!(!set(&word, OWNER, true));
        assert!(!set(&word, OWNER, false));
        assert!(word.look().has_ended(), "an end is for good");
        word.remove(&mut Vec::new());
        assert!(!word.look().has_ended(), "but only for one source");
    }

    #[test]
    fn who_waits_learns_whether_it_has_to_ask() {
        let word = owned();
        word.remove(&mut Vec::new());
        assert_eq!(word.wait(word.look(), Waker::noop()), Wait::Unasked);
        word.ask();
        assert_eq!(word.wait(word.look(), Waker::noop()), Wait::Waiting);
        assert!(word.unask(), "somebody waits");
        assert!(set(&word, OWNER + 1, false));
        assert!(word.look().is_asked(), "an event takes nothing back");
        assert!(!word.unask());
        assert_eq!(word.wait(word.look(), Waker::noop()), Wait::Unasked);
    }
}
