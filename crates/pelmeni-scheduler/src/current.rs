//! The runtime that a thread belongs to without being one of its workers: threads of the blocking pool, visitors.

use std::cell::Cell;
use std::ptr;

use pelmeni_core::thread_state;

use crate::lease::Lease;
use crate::worker;

thread_state! {
    static ENTERED: Cell<*const Lease> = Cell::new(ptr::null())
}

/// While it exists, the thread belongs to a runtime.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    before: *const Lease,
    lease: std::marker::PhantomData<&'a Lease>,
}

/// Has this thread belong to a runtime until the result is dropped.
pub(crate) fn enter(lease: &Lease) -> Entered<'_> {
    let before = ENTERED.with(|entered| entered.replace(lease));
    Entered { before, lease: std::marker::PhantomData }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        ENTERED.with(|entered| entered.set(self.before));
    }
}

/// Calls a function with the runtime that this thread works for or belongs to, if there is one.
#[inline]
#[expect(unsafe_code, reason = "the thread-local keeps the lease's address")]
pub(crate) fn with_lease<R>(f: impl FnOnce(Option<&Lease>) -> R) -> R {
    worker::with_current(|worker| match worker {
        Some(worker) => f(Some(worker.lease)),
        None => {
            let entered = ENTERED.with(Cell::get);
            // SAFETY: `enter` puts the address of a lease there that is borrowed for as long as it stays there.
            f(unsafe { entered.as_ref() })
        }
    })
}
