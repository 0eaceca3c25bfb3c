//! All sources of a driver, by key.
//!
//! ```text
//!   key    │ generation │ index │          a usize, half and half
//!   pages  [64][128][256][512] ...          made when first needed, never moved, never freed before the driver
//! ```
//!
//! The poller hands a key back with each event. It is no pointer and no descriptor: an event can be older than the
//! source it speaks of, and descriptor numbers are used again at once. The index finds the cell without a lock; the
//! generation, which is part of the cell's readiness words and changes when a source leaves, tells a stale key.
//!
//! Finding takes no lock because pages stay where they are. Coming and going does, and so does closing: after
//! [`close`](Slab::close) nothing comes in.

use std::io;
use std::sync::OnceLock;
use std::task::Waker;

use pelmeni_core::primitive::{Mutex, atomic::AtomicUsize, atomic::Ordering};

use crate::source::Source;

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

impl Key {
    /// The poller's own: no source has this key, because no cell has the index that is all ones.
    pub(crate) const BELL: Key = Key(usize::MAX);

    fn new(index: usize, generation: u32) -> Key {
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

/// The table of all sources.
#[derive(Debug)]
pub(crate) struct Slab {
    pages: [OnceLock<Box<[Source]>>; PAGES],
    vacancies: Mutex<Vacancies>,
    /// How many sources there are, for [`is_empty`](Slab::is_empty). Written under the lock.
    population: AtomicUsize,
}

#[derive(Debug)]
struct Vacancies {
    /// Cells that had a source, the last one to leave on top.
    left: Vec<usize>,
    /// The first cell that never had one.
    fresh: usize,
    closed: bool,
}

impl Slab {
    pub(crate) fn new() -> Slab {
        let vacancies = Vacancies { left: Vec::new(), fresh: 0, closed: false };
        Slab {
            pages: [const { OnceLock::new() }; PAGES],
            vacancies: Mutex::new(vacancies),
            population: AtomicUsize::new(0),
        }
    }

    /// Gives a new source its cell.
    ///
    /// # Errors
    /// The slab is closed, or full (`2^32 - 128` sources, 65,408 where a `usize` has 32 bits).
    pub(crate) fn insert(&self) -> io::Result<Key> {
        let mut vacancies = self.vacancies.lock();
        if vacancies.closed {
            return Err(closed());
        }
        let index = match vacancies.left.pop() {
            Some(index) => index,
            None => {
                let (page, _) = place(vacancies.fresh);
                let Some(page_cell) = self.pages.get(page) else {
                    return Err(io::Error::other("too many sources are registered"));
                };
                page_cell.get_or_init(|| make_page(page));
                vacancies.fresh += 1;
                vacancies.fresh - 1
            }
        };
        self.settle(vacancies.fresh - vacancies.left.len());
        Ok(Key::new(index, self.cell(index).generation()))
    }

    /// Takes a source out. Whoever waited for it goes to `wakers`.
    pub(crate) fn remove(&self, key: Key, wakers: &mut Vec<Waker>) {
        let cell = self.cell(key.index());
        debug_assert_eq!(Key::new(key.index(), cell.generation()), key, "a source leaves once");
        cell.remove(wakers);
        let mut vacancies = self.vacancies.lock();
        vacancies.left.push(key.index());
        self.settle(vacancies.fresh - vacancies.left.len());
    }

    /// The cell that a source has, or had: who uses it compares the generation.
    pub(crate) fn source(&self, key: Key) -> &Source {
        self.cell(key.index())
    }

    /// Ends all waiting, now and for ever. Whoever waited goes to `wakers`.
    pub(crate) fn close(&self, wakers: &mut Vec<Waker>) {
        let mut vacancies = self.vacancies.lock();
        vacancies.closed = true;
        for index in 0..vacancies.fresh {
            self.cell(index).close(wakers);
        }
    }

    /// Whether there is no source at all; may be late by what other threads are just doing.
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: a hint. Whoever registers a source on this thread sees its own writes.
        self.population.load(Ordering::Relaxed) == 0
    }

    fn settle(&self, population: usize) {
        // Relaxed: see `is_empty`.
        self.population.store(population, Ordering::Relaxed);
    }

    fn cell(&self, index: usize) -> &Source {
        let (page, offset) = place(index);
        let cells = self.pages[page].get().expect("a key was given out for this page");
        &cells[offset]
    }
}

/// Where a cell lies: which page, and where in it.
fn place(index: usize) -> (usize, usize) {
    let position = index + FIRST_PAGE;
    let page = position.ilog2() - FIRST_PAGE.ilog2();
    (page as usize, position - (FIRST_PAGE << page))
}

fn make_page(page: usize) -> Box<[Source]> {
    std::iter::repeat_with(Source::new).take(FIRST_PAGE << page).collect()
}

/// What becomes of those who wait when there is nothing left to wait for.
pub(crate) fn closed() -> io::Error {
    io::Error::other("the runtime was closed, nothing reports readiness any more")
}

#[cfg(test)]
mod tests {
    use super::{FIRST_PAGE, INDEX_MASK, PAGES, place};

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
