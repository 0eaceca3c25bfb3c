//! Waking others, whatever they do.
//!
//! A waker is somebody else's code. If it panics, that is its own affair, which the panic hook has reported: those behind
//! it in the list are woken all the same, and whoever happened to do the waking goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes everyone, and says how many that were. The caller holds no lock.
pub(crate) fn all(wakers: &mut Vec<Waker>) -> usize {
    let count = wakers.len();
    wakers.drain(..).for_each(|waker| contain(|| waker.wake()));
    count
}

/// Wakes one who stays in the list. The caller holds no lock.
pub(crate) fn by_ref(waker: &Waker) {
    contain(|| waker.wake_by_ref());
}

fn contain(wake: impl FnOnce()) {
    // Nothing of ours is within the closure, so nothing of ours can be left half-done.
    drop(catch_unwind(AssertUnwindSafe(wake)));
}
