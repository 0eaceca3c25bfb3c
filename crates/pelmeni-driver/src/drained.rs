//! What the last operation in each direction left, as the source's owner remembers it: the tick at which there was nothing
//! more; or, while the source is not registered, that it was refused.
//!
//! It spares a system call: who reads less than asked for has emptied the buffer, and the next read would fail. That is true
//! only of a stream of bytes that goes on. An end of the stream, an error, or an urgent byte that came before the read is
//! reported by the same edge as the bytes, and no other will follow; so after an event that speaks of one
//! ([`Snapshot::has_ended`]) nothing is noted, and every poll tries. What comes after the read is an event with a new tick,
//! which the note does not match.
//!
//! That a direction was empty after the event with this tick stays true until the next event, whoever reads it and
//! whenever; so the note is Relaxed. Every operation renews it or wipes it out, so that it is never old enough for the tick
//! to come round.
//!
//! Rejected: a bit of the readiness word, which every event had to clear and every short read had to set with an exchange.

use std::io;

use pelmeni_core::primitive::{atomic::AtomicU32, atomic::Ordering, seeded};

use crate::Direction;
use crate::readiness::Snapshot;

/// No tick is that large.
const NOTHING: u32 = u32::MAX;
/// The operation would have blocked, and there are no ticks yet.
const REFUSED: u32 = u32::MAX - 1;

/// The note of each direction.
#[derive(Debug)]
pub(crate) struct Drained {
    read: AtomicU32,
    write: AtomicU32,
}

impl Drained {
    pub(crate) fn new() -> Drained {
        Drained { read: AtomicU32::new(NOTHING), write: AtomicU32::new(NOTHING) }
    }

    /// Whether the operation would block: the last one has taken all that there was, and there was no event since.
    pub(crate) fn holds(&self, direction: Direction, seen: Snapshot) -> bool {
        let noted = self.note(direction).load(Ordering::Relaxed);
        noted == seen.tick() || (seeded(205) && noted != NOTHING)
    }

    /// Notes whether an operation that began after `seen` has taken all that there was.
    pub(crate) fn renew(&self, direction: Direction, seen: Snapshot, is_drained: bool) {
        let note = self.note(direction);
        if is_drained && !seen.has_ended() {
            note.store(seen.tick(), Ordering::Relaxed);
        } else if note.load(Ordering::Relaxed) != NOTHING {
            note.store(NOTHING, Ordering::Relaxed);
        }
    }

    /// Notes of an operation on a source that is not registered whether it would have blocked. True: it would, and the one
    /// before did not, so that it may be worth another try.
    pub(crate) fn hesitate<R>(&self, direction: Direction, outcome: &io::Result<R>) -> bool {
        let note = self.note(direction);
        let before = note.load(Ordering::Relaxed);
        let would_block = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        let is_refused = outcome.as_ref().is_err_and(would_block);
        let now = if is_refused { REFUSED } else { NOTHING };
        if before != now {
            note.store(now, Ordering::Relaxed);
        }
        is_refused && before != now
    }

    fn note(&self, direction: Direction) -> &AtomicU32 {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}
