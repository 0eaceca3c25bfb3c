//! What the last operation in each direction left, as the source's owner remembers it: the tick at which there was nothing
//! more; or, while the source is not registered, how its first operations went.
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
//! A source that hesitates is tried again without being registered, each time that an operation would block after one that
//! would not, and [`HESITATIONS`] times at most: for who asks and for who says goodbye. A peer that is quick for longer would
//! have every second operation fail, which what is noted here spares once the source is registered.
//!
//! Rejected: a bit of the readiness word, which every event had to clear and every short read had to set with an exchange.

use pelmeni_core::primitive::{atomic::AtomicU32, atomic::Ordering, seeded};

use crate::Direction;
use crate::readiness::Snapshot;

/// No tick is that large.
const NOTHING: u32 = u32::MAX;
/// How often a source hesitates in each direction.
const HESITATIONS: u32 = 2;

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

    /// Notes of an operation on a source that is not registered whether it was refused, that is, would have blocked. True:
    /// it was, and is to be tried once more.
    pub(crate) fn hesitates(&self, direction: Direction, is_refused: bool) -> bool {
        let note = self.note(direction);
        // How many times an operation was refused after one that was not, or the other way round.
        let turns = NOTHING - note.load(Ordering::Relaxed);
        if turns == 2 * HESITATIONS || turns.is_multiple_of(2) != is_refused {
            return false;
        }
        note.store(NOTHING - turns - 1, Ordering::Relaxed);
        is_refused
    }

    fn note(&self, direction: Direction) -> &AtomicU32 {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}
