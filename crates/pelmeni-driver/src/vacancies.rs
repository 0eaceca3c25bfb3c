//! Which cells have no source: who comes gets the one that was left last, or one that nobody has had yet.
//!
//! Coming, leaving and closing take the lock, so that after [`close`](Vacancies::close) nobody comes any more and everyone
//! who came before has been shown to it. How many sources there are can be read without.

use std::io;

use pelmeni_core::primitive::{Mutex, atomic::AtomicUsize, atomic::Ordering};

/// The free cells.
#[derive(Debug)]
pub(crate) struct Vacancies {
    list: Mutex<List>,
    /// How many cells are not free. Written under the lock.
    population: AtomicUsize,
}

/// What the lock guards.
#[derive(Debug)]
struct List {
    /// Cells that had a source, the last one to leave on top.
    left: Vec<usize>,
    /// The first cell that never had one.
    fresh: usize,
    closed: bool,
}

impl Vacancies {
    pub(crate) fn new() -> Vacancies {
        let list = List { left: Vec::new(), fresh: 0, closed: false };
        Vacancies { list: Mutex::new(list), population: AtomicUsize::new(0) }
    }

    /// Takes a cell. One that nobody has had yet is built first, and is not taken if that fails.
    ///
    /// # Errors
    /// Those of `build`; and it is closed.
    pub(crate) fn take(&self, build: impl FnOnce(usize) -> io::Result<()>) -> io::Result<usize> {
        let mut list = self.list.lock();
        if list.closed {
            return Err(closed());
        }
        let index = match list.left.pop() {
            Some(index) => index,
            None => {
                build(list.fresh)?;
                list.fresh += 1;
                list.fresh - 1
            }
        };
        self.settle(&list);
        Ok(index)
    }

    /// Gives a cell back.
    pub(crate) fn leave(&self, index: usize) {
        let mut list = self.list.lock();
        list.left.push(index);
        self.settle(&list);
    }

    /// Lets nobody in any more, and shows every cell that somebody has or had.
    pub(crate) fn close(&self, cell: impl FnMut(usize)) {
        let mut list = self.list.lock();
        list.closed = true;
        (0..list.fresh).for_each(cell);
    }

    /// How many cells are taken; may be late by what other threads are just doing.
    pub(crate) fn population(&self) -> usize {
        // Relaxed: a hint. Whoever registers a source on this thread sees its own writes.
        self.population.load(Ordering::Relaxed)
    }

    fn settle(&self, list: &List) {
        // Relaxed: see `population`.
        self.population.store(list.fresh - list.left.len(), Ordering::Relaxed);
    }
}

/// What becomes of those who wait when there is nothing left to wait for.
pub(crate) fn closed() -> io::Error {
    io::Error::other("the runtime was closed, nothing reports readiness any more")
}
