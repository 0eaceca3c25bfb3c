//! Whether a source is in the poller, and under which key: one word.
//!
//! ```text
//!   OUTSIDE ── 1 enter ──► the key ── 2 leave ──► LEFT
//!      └────────────────── 2 leave ────────────────┘
//! ```
//!
//! Edges are walked under the lock of the [`Registration`](crate::Registration); looking takes none. A source that has
//! left does not come back: a waiter that was woken because of it must not bring it in again.

use pelmeni_core::primitive::{atomic::AtomicUsize, atomic::Ordering};

use crate::source::Key;

/// No source has these as its key: the table has no cell with the index that is all ones.
const OUTSIDE: usize = usize::MAX;
const LEFT: usize = usize::MAX >> (usize::BITS / 2);

/// The word.
#[derive(Debug)]
pub(crate) struct Membership(AtomicUsize);

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody has waited so far.
    Outside,
    /// The poller knows the source by this key.
    Inside(Key),
    /// It was deregistered.
    Left,
}

impl Membership {
    pub(crate) fn new() -> Membership {
        Membership(AtomicUsize::new(OUTSIDE))
    }

    pub(crate) fn look(&self) -> Standing {
        // Acquire: pairs with the Release in `enter`; the page with the source's cell is there.
        match self.0.load(Ordering::Acquire) {
            OUTSIDE => Standing::Outside,
            LEFT => Standing::Left,
            key => Standing::Inside(Key::from_usize(key)),
        }
    }

    pub(crate) fn enter(&self, key: Key) {
        // Release: pairs with the Acquire in `look`.
        self.0.store(key.as_usize(), Ordering::Release);
    }

    pub(crate) fn leave(&self) {
        // Relaxed: there is nothing to see behind it; who still has the key finds the generation changed.
        self.0.store(LEFT, Ordering::Relaxed);
    }
}
