//! Crossbeam's deque with its atomics counted, for builds with `--cfg pelmeni_count`: each operation does to a line of its own
//! what crossbeam's does to that of the deque.
//!
//! | operation | what crossbeam-deque 0.8.8 does, first in, first out |
//! |---|---|
//! | push | a store to `back` |
//! | pop | nothing if it is empty; else a `fetch_add` on `front` |
//! | steal | pins the epoch: an exchange on the thief's own word, and a store at the end. If there is a task, an exchange on the owner's `front`, and a store to the thief's `back` |
//!
//! Both ends are on one line there, and so they are here. A deque that grows or shrinks is not counted: that is rare.
//!
//! Orderings are Relaxed: these words order nothing, and nobody reads them.

use std::sync::Arc;

use crossbeam_deque::Steal;
use crossbeam_utils::CachePadded;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};

/// The owner's end.
#[derive(Debug)]
pub(crate) struct Worker<T> {
    deque: crossbeam_deque::Worker<T>,
    ends: Arc<CachePadded<Ends>>,
    /// Stands for the word of the epoch that each thread has.
    epoch: CachePadded<AtomicUsize>,
}

/// The thieves' end.
#[derive(Debug)]
pub(crate) struct Stealer<T> {
    deque: crossbeam_deque::Stealer<T>,
    ends: Arc<CachePadded<Ends>>,
}

#[derive(Debug, Default)]
struct Ends {
    front: AtomicUsize,
    back: AtomicUsize,
}

impl<T> Worker<T> {
    pub(crate) fn new_fifo() -> Worker<T> {
        Worker {
            deque: crossbeam_deque::Worker::new_fifo(),
            ends: Arc::default(),
            epoch: CachePadded::default(),
        }
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer { deque: self.deque.stealer(), ends: self.ends.clone() }
    }

    #[track_caller]
    pub(crate) fn push(&self, task: T) {
        self.ends.back.store(0, Ordering::Relaxed);
        self.deque.push(task);
    }

    #[track_caller]
    pub(crate) fn pop(&self) -> Option<T> {
        if !self.deque.is_empty() {
            self.ends.front.fetch_add(1, Ordering::Relaxed);
        }
        self.deque.pop()
    }

    pub(crate) fn len(&self) -> usize {
        self.deque.len()
    }
}

impl<T> Stealer<T> {
    #[track_caller]
    pub(crate) fn steal_batch_and_pop(&self, own: &Worker<T>) -> Steal<T> {
        own.epoch.swap(0, Ordering::Relaxed);
        let outcome = self.deque.steal_batch_and_pop(&own.deque);
        if !outcome.is_empty() {
            self.ends.front.swap(0, Ordering::Relaxed);
        }
        if outcome.is_success() {
            own.ends.back.store(0, Ordering::Relaxed);
        }
        own.epoch.store(0, Ordering::Relaxed);
        outcome
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.deque.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.deque.len()
    }
}

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Stealer<T> {
        Stealer { deque: self.deque.clone(), ends: self.ends.clone() }
    }
}
