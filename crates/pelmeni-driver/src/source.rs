//! All sources of a driver, by key, and the cell of each: 64 bytes that stand for one descriptor.
//!
//! ```text
//!   key     │ generation │ index │       a usize, half and half
//!   pages   [64][128][256][512] ...      made when first needed, never moved, never freed before the driver
//!
//!   cell    read: Readiness    32        events, ticks, and who waits to read
//!           write: Readiness   32        the same for writers, on its own
//! ```
//!
//! The poller hands a key back with each event. It is no pointer and no descriptor: an event can be older than the
//! source it speaks of, and descriptor numbers are used again at once. The index finds the cell without a lock, because
//! pages stay where they are; the generation, which is part of the cell's readiness words and changes when a source
//! leaves, tells a stale key.

use std::io;
use std::sync::OnceLock;
use std::task::Waker;

use pelmeni_core::primitive::seeded;

use crate::Direction;
use crate::interest::Interest;
use crate::poller::Event;
use crate::readiness::{Readiness, Snapshot, TICK_BITS, Wait};
use crate::vacancies::Vacancies;

const INDEX_BITS: u32 = usize::BITS / 2;
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

/// The cells of the first page; each next page has twice as many. Few in a model, where each costs time.
#[cfg(not(all(loom, feature = "loom")))]
const FIRST_PAGE: usize = 64;
#[cfg(all(loom, feature = "loom"))]
const FIRST_PAGE: usize = 2;
const PAGES: usize = (INDEX_BITS - FIRST_PAGE.ilog2()) as usize;

/// Names one source for its whole life and nothing afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(usize);

/// The table of all sources.
#[derive(Debug)]
pub(crate) struct Sources {
    pages: [OnceLock<Box<[Source]>>; PAGES],
    vacancies: Vacancies,
}

/// A source's cell in the table: one cache line, shared with no other cell.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Source<const TICK: u32 = TICK_BITS> {
    read: Readiness<TICK>,
    write: Readiness<TICK>,
}

impl Key {
    /// The poller's own: no source has this key, because no cell has the index that is all ones.
    pub(crate) const BELL: Key = Key(usize::MAX);

    pub(crate) fn new(index: usize, generation: u32) -> Key {
        Key((generation as usize) << INDEX_BITS | index)
    }

    pub(crate) const fn from_usize(bits: usize) -> Key {
        Key(bits)
    }

    pub(crate) const fn as_usize(self) -> usize {
        self.0
    }

    /// Whose the cell was when the key was made.
    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32
    }

    const fn index(self) -> usize {
        self.0 & INDEX_MASK
    }
}

impl Sources {
    pub(crate) fn new() -> Sources {
        Sources { pages: [const { OnceLock::new() }; PAGES], vacancies: Vacancies::new() }
    }

    /// Gives a new source its cell.
    ///
    /// # Errors
    /// The table is closed, or full (`2^32 - 64` sources, 65,472 where a `usize` has 32 bits).
    pub(crate) fn insert(&self) -> io::Result<Key> {
        let index = self.vacancies.take(|index| self.build(index))?;
        Ok(Key::new(index, self.at(index).generation()))
    }

    /// Takes a source out. Whoever waited for it goes to `wakers`.
    pub(crate) fn remove(&self, key: Key, wakers: &mut Vec<Waker>) {
        let cell = self.cell(key);
        debug_assert_eq!(Key::new(key.index(), cell.generation()), key, "a source leaves once");
        cell.remove(wakers);
        self.vacancies.leave(key.index());
    }

    /// The cell that a source has, or had: who uses it compares the generation.
    pub(crate) fn cell(&self, key: Key) -> &Source {
        self.at(key.index())
    }

    /// Ends all waiting, now and for ever. Whoever waited goes to `wakers`.
    pub(crate) fn close(&self, wakers: &mut Vec<Waker>) {
        self.vacancies.close(|index| self.at(index).close(wakers));
    }

    /// Whether there is no source at all; may be late by what other threads are just doing.
    pub(crate) fn is_empty(&self) -> bool {
        self.vacancies.population() == 0
    }

    fn at(&self, index: usize) -> &Source {
        let (page, offset) = place(index);
        let cells = self.pages[page].get().expect("a key was given out for this page");
        &cells[offset]
    }

    /// Makes sure that there is such a cell.
    fn build(&self, index: usize) -> io::Result<()> {
        let (page, _) = place(index);
        let Some(cells) = self.pages.get(page) else {
            return Err(io::Error::other("too many sources are registered"));
        };
        cells
            .get_or_init(|| std::iter::repeat_with(Source::new).take(FIRST_PAGE << page).collect());
        Ok(())
    }
}

/// Where a cell lies: which page, and where in it.
fn place(index: usize) -> (usize, usize) {
    let position = index + FIRST_PAGE;
    let page = position.ilog2() - FIRST_PAGE.ilog2();
    (page as usize, position - (FIRST_PAGE << page))
}

impl<const TICK: u32> Source<TICK> {
    /// A cell that is nobody's yet.
    pub(crate) fn new() -> Self {
        Source { read: Readiness::new(), write: Readiness::new() }
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
        self.word(direction).wait(seen, waker)
    }

    /// Notes that the poller reports one direction.
    pub(crate) fn ask(&self, direction: Direction) {
        self.word(direction).ask();
    }

    /// What the poller has to report, so that one more direction is among it; `None` if it is.
    ///
    /// A socket that was connected has been asked for writability, and need not say any more at each event that it has that;
    /// so who asks for the first time to read takes this back, if nobody waits for it. Who asks to write takes nothing back.
    /// So nobody asks more than twice after the source has entered, however reads and writes alternate.
    pub(crate) fn interest_with(&self, direction: Direction) -> Option<Interest> {
        if self.look(direction).is_asked() {
            return None;
        }
        Some(match direction {
            Direction::Read => Interest { read: true, write: self.write.unask() },
            Direction::Write => Interest { read: self.read.look().is_asked(), write: true },
        })
    }

    /// Hands an event to those who wait for it: their wakers go to `wakers`. It is for the source whose key it has, which
    /// may have left.
    pub(crate) fn set(&self, event: Event, wakers: &mut Vec<Waker>) {
        let Event { key, ready, ends } = event;
        let generation = key.generation();
        for (direction, ready) in [(Direction::Read, ready.read), (Direction::Write, ready.write)] {
            if ready {
                self.word(direction).set(generation, ends, wakers);
            }
        }
    }

    /// Ends this source: the cell is the next one's. Its waiters have to be woken, to learn about it.
    pub(crate) fn remove(&self, wakers: &mut Vec<Waker>) {
        self.read.remove(wakers);
        self.write.remove(wakers);
    }

    /// Ends all waiting at this source.
    fn close(&self, wakers: &mut Vec<Waker>) {
        self.read.close(wakers);
        self.write.close(wakers);
    }

    /// What is waited for, where sources report once. Whoever arms the source with it is the only one who does so at that
    /// time: of two who have come to wait, one in each direction, the later one must see both.
    pub(crate) fn interest(&self) -> Interest {
        let read = self.read.look().is_waiting();
        let write = self.write.look().is_waiting();
        Interest { read, write }
    }

    fn word(&self, direction: Direction) -> &Readiness<TICK> {
        match direction {
            Direction::Read => &self.read,
            Direction::Write if seeded(130) => &self.read,
            Direction::Write => &self.write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_PAGE, INDEX_MASK, PAGES, place};

    #[test]
    #[cfg(all(target_pointer_width = "64", not(all(loom, feature = "loom"))))]
    fn cell_is_one_cache_line() {
        assert_eq!(size_of::<super::Source>(), 64);
    }

    #[test]
    fn pages_follow_one_another_without_a_gap() {
        let mut next = (0, 0);
        for index in 0..10_000 {
            assert_eq!(place(index), next);
            let last = next.1 + 1 == FIRST_PAGE << next.0;
            next = if last { (next.0 + 1, 0) } else { (next.0, next.1 + 1) };
        }
    }

    #[test]
    fn no_cell_has_a_reserved_index() {
        let cells = (FIRST_PAGE << PAGES) - FIRST_PAGE;
        assert!(cells <= INDEX_MASK);
        assert_eq!(place(cells - 1), (PAGES - 1, (FIRST_PAGE << (PAGES - 1)) - 1));
        assert_eq!(place(cells).0, PAGES);
    }
}
