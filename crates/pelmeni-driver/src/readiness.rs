//! The atomic word of one direction of one source: whose it is, what was reported, and whether somebody waits.
//!
//! ```text
//!    63           32 31          5   4       3         2        1       0
//!   ┌───────────────┬─────────────┬───────┬─────────┬────────┬─────────┬───────┐
//!   │  generation   │    tick     │ ENDED │ DRAINED │ CLOSED │ WAITING │ READY │
//!   └───────────────┴─────────────┴───────┴─────────┴────────┴─────────┴───────┘
//!
//!                 1 event                          2 would block, same tick
//!      idle ─────────────────► READY, tick + 1 ─────────────────────────► WAITING
//!        │                          ▲                                        │
//!        │ 2 would block            └──────────── 1 event: wake ─────────────┘
//!        └──────────────────────────────────────────────────────────────► WAITING
//!
//!      any ── 5 took less than it wanted, same tick, not ENDED ──► DRAINED: the next poll need not try ── 1 event ──► READY
//!
//!      any ── 3 remove ──► idle, generation + 1, tick 0        any ── 4 close ──► CLOSED: wake
//! ```
//!
//! | edge | function | who |
//! |---|---|---|
//! | 1 | [`Readiness::set`] | the thread that has the turn |
//! | 2 | [`Readiness::wait`] | a poll whose operation would block, holding the lock of the source's waiters |
//! | 3 | [`Readiness::remove`] | whoever deregisters |
//! | 4 | [`Readiness::close`] | whoever closes the driver |
//! | 5 | [`Readiness::drain`] | a poll whose operation moved fewer bytes than it had asked for |
//!
//! **The tick** counts the events. A poll looks at the word before its operation and may wait only if the tick is still
//! the one that it saw: an event between the operation and the wait is news that the operation did not have, and clearing
//! it would lose it for ever, because the poller reports an edge once. The tick is compared in its full width, and there
//! is one for each direction: with a common one, a peer that only makes room for writing would keep a reader from ever
//! waiting.
//!
//! **DRAINED** spares a system call: who reads less than asked for has emptied the buffer, and the next read would fail.
//! That is true only of a stream of bytes that goes on. An end of the stream, an error, or an urgent byte that came before
//! the read is reported by the same edge as the bytes, and no other will follow; so an event that speaks of one sets
//! **ENDED**, for good, and from then on every poll tries. What comes after the read is an event with a new tick.
//!
//! **The generation** is the source's, and changes when the source leaves. Every change compares it, so that an event of
//! the past owner, which can sit in the batch that is just being handed out, does nothing to the next one.
//!
//! **WAITING** says that the source's list holds a waker for this direction; the event that clears it owes the wake. It
//! spares the common event without a waiter (a socket is writable all the time) the lock.
//!
//! Orderings: every change is AcqRel and every look is Acquire, each paired with the others on the same word. What a task
//! must see after its wake travels through the waker; what an operation must see is in the kernel.

use pelmeni_core::primitive::{atomic::AtomicU64, atomic::Ordering, seeded};

/// An event was reported, and no operation has found it false since. Set by an event; cleared by a wait.
const READY: u64 = 1;
/// The list of waiters holds a waker for this direction. Set by a wait; cleared by an event, never by a waiter.
const WAITING: u64 = 1 << 1;
/// The driver is closed. Never cleared: a closed driver takes no new sources.
const CLOSED: u64 = 1 << 2;
/// The last operation took all that there was. Set by that operation; cleared by an event.
const DRAINED: u64 = 1 << 3;
/// An event has spoken of an end, an error, or urgent data. Set by an event; never cleared.
const ENDED: u64 = 1 << 4;

const TICK_SHIFT: u32 = 5;
const GENERATION_SHIFT: u32 = 32;
/// As wide as half a `usize`: a key has no room for more.
const GENERATION_MASK: u32 = (usize::MAX >> (usize::BITS / 2)) as u32;

/// The width of the tick. Models use two bits, so that it wraps within their reach.
pub(crate) const TICK_BITS: u32 = GENERATION_SHIFT - TICK_SHIFT;

/// The word. `TICK` is the width of the tick in bits.
#[derive(Debug)]
pub(crate) struct Readiness<const TICK: u32 = TICK_BITS>(AtomicU64);

/// What the word was at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

/// What became of the intent to wait.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// WAITING is set: the next event wakes whoever is in the list.
    Waiting,
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

    /// Whether the operation would block, as far as this word knows.
    pub(crate) const fn is_drained(self) -> bool {
        self.0 & DRAINED != 0
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
        Readiness(AtomicU64::new(Snapshot::fresh(0).0))
    }

    /// The word as it is.
    pub(crate) fn look(&self) -> Snapshot {
        // Acquire: pairs with the AcqRel of every change.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Notes an event for the source of this generation, and whether it is a last one. The answer is whether its waiters
    /// must be woken.
    #[must_use]
    pub(crate) fn set(&self, generation: u32, ends: bool) -> bool {
        let news = if ends && !seeded(204) { READY | ENDED } else { READY };
        let before = self.change(|word| {
            let stale = word.generation() != generation && !seeded(15);
            (!stale).then(|| Self::next_tick(word).with(news).without(WAITING | DRAINED))
        });
        before.is_ok_and(Snapshot::is_waiting)
    }

    /// Waits for the next event, if there was none since `seen`. The caller holds the lock of the list of waiters and
    /// has put the waker there, or does so before it lets go of the lock.
    pub(crate) fn wait(&self, seen: Snapshot) -> Wait {
        let outcome = self.change(|word| {
            (Self::judge(word, seen) == Wait::Waiting).then(|| word.without(READY).with(WAITING))
        });
        match outcome {
            Ok(_) => Wait::Waiting,
            Err(word) => Self::judge(word, seen),
        }
    }

    /// Notes that an operation which began after `seen` has taken all that there was, unless something came since.
    pub(crate) fn drain(&self, seen: Snapshot) {
        // That it fails is no matter: the next poll tries in vain.
        let _ = self.change(|word| {
            let is_old = Self::judge(word, seen) != Wait::Waiting && !seeded(205);
            (!is_old && word.0 & ENDED == 0).then(|| word.with(DRAINED).without(READY))
        });
    }

    /// Makes the word the next source's.
    pub(crate) fn remove(&self) {
        let next = |generation: u32| generation.wrapping_add(1) & GENERATION_MASK;
        let outcome = self.change(|word| Some(Snapshot::fresh(next(word.generation()))));
        debug_assert!(outcome.is_ok(), "a source can always leave");
    }

    /// Says that no event will come any more. The answer is whether the waiters must be woken.
    #[must_use]
    pub(crate) fn close(&self) -> bool {
        let before = self.change(|word| Some(word.with(CLOSED).without(WAITING)));
        before.is_ok_and(Snapshot::is_waiting)
    }

    /// Whether a poll that saw `seen` may wait, now that the word is `word`.
    fn judge(word: Snapshot, seen: Snapshot) -> Wait {
        if word.generation() != seen.generation() {
            Wait::Gone
        } else if word.is_closed() {
            Wait::Closed
        } else if Self::tick(word) != Self::tick(seen) && !seeded(13) {
            Wait::Ready
        } else {
            Wait::Waiting
        }
    }

    const fn tick(word: Snapshot) -> u64 {
        word.0 & Self::TICKS
    }

    const fn next_tick(word: Snapshot) -> Snapshot {
        let tick = word.0.wrapping_add(1 << TICK_SHIFT) & Self::TICKS;
        Snapshot(word.without(Self::TICKS).0 | tick)
    }

    /// Replaces the word by what `next` makes of it, or leaves it. The answer is the word before, either way.
    fn change(
        &self,
        mut next: impl FnMut(Snapshot) -> Option<Snapshot>,
    ) -> Result<Snapshot, Snapshot> {
        // AcqRel: pairs with itself and with the Acquire in `look`, so that the changes of a word and what was done
        // before each of them are seen in one order. Acquire on failure: the word that forbids is acted upon.
        let update = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            next(Snapshot(word)).map(|snapshot| snapshot.0)
        });
        update.map(Snapshot).map_err(Snapshot)
    }
}

#[cfg(all(test, not(all(loom, feature = "loom"))))]
mod tests {
    use super::{Readiness, Snapshot, Wait};

    const OWNER: u32 = 7;

    fn owned() -> Readiness {
        let word = Readiness::new();
        (0..OWNER).for_each(|_| word.remove());
        assert_eq!(word.look(), Snapshot::fresh(OWNER));
        word
    }

    #[test]
    fn wait_succeeds_only_without_an_event_since() {
        let word = owned();
        let seen = word.look();
        assert!(!word.set(OWNER, false));
        assert_eq!(word.wait(seen), Wait::Ready);
        assert!(word.look().is_ready(), "a failed wait clears nothing");
        assert_eq!(word.wait(word.look()), Wait::Waiting);
        assert!(!word.look().is_ready());
        assert!(word.set(OWNER, false), "somebody waits");
        assert!(!word.set(OWNER, false), "and is woken once");
    }

    /// However old a snapshot is, it clears no event that it has not seen.
    #[test]
    fn snapshot_of_any_age_clears_nothing_new() {
        let word = owned();
        let seen = word.look();
        for _ in 0..1 << 17 {
            assert!(!word.set(OWNER, false));
            assert_eq!(word.wait(seen), Wait::Ready);
        }
    }

    #[test]
    fn tick_wraps_into_itself() {
        let word = Readiness::<2>::new();
        for _ in 0..9 {
            let seen = word.look();
            assert!(!word.set(0, false));
            assert_eq!(word.look().generation(), 0);
            assert!(!word.look().is_waiting() && !word.look().is_closed());
            assert_eq!(word.wait(seen), Wait::Ready);
        }
    }

    #[test]
    fn event_of_another_owner_changes_nothing() {
        let word = owned();
        assert_eq!(word.wait(word.look()), Wait::Waiting);
        let before = word.look();
        for stranger in [0, OWNER - 1, OWNER + 1, u32::MAX] {
            assert!(!word.set(stranger, false));
        }
        assert_eq!(word.look(), before);
    }

    #[test]
    fn wait_of_a_former_owner_is_refused() {
        let word = owned();
        let seen = word.look();
        word.remove();
        assert_eq!(word.wait(seen), Wait::Gone);
        assert_eq!(word.look(), Snapshot::fresh(OWNER + 1));
    }

    #[test]
    fn closed_word_lets_nobody_wait() {
        let word = owned();
        assert_eq!(word.wait(word.look()), Wait::Waiting);
        assert!(word.close());
        assert_eq!(word.wait(word.look()), Wait::Closed);
        assert!(!word.close());
    }

    #[test]
    fn drained_until_the_next_event() {
        let word = owned();
        let seen = word.look();
        word.drain(seen);
        assert!(word.look().is_drained() && !word.look().is_ready());
        assert_eq!(word.wait(word.look()), Wait::Waiting);
        assert!(word.look().is_drained(), "waiting brings nothing");
        assert!(word.set(OWNER, false));
        assert!(!word.look().is_drained());
    }

    #[test]
    fn event_since_the_look_is_not_drained() {
        let word = owned();
        let seen = word.look();
        assert!(!word.set(OWNER, false));
        word.drain(seen);
        assert!(!word.look().is_drained() && word.look().is_ready());
    }

    #[test]
    fn what_has_ended_is_never_drained() {
        let word = owned();
        assert!(!word.set(OWNER, true));
        word.drain(word.look());
        assert!(!word.look().is_drained());
        assert!(!word.set(OWNER, false));
        word.drain(word.look());
        assert!(!word.look().is_drained(), "an end is for good");
        word.remove();
        word.drain(word.look());
        assert!(word.look().is_drained(), "but only for one source");
    }
}
