//! Code of the user's that must not unwind into ours: wakers, destructors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Calls a function and contains the panic that this may raise; the panic hook has reported it.
pub fn contain(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f))
        && let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        // What a payload's drop panics with may panic in its drop as well: there is no end to this, so it ends here.
        std::mem::forget(second);
    }
}

/// Wakes somebody, whose panic concerns nobody else.
pub fn wake(waker: Waker) {
    contain(|| waker.wake());
}
