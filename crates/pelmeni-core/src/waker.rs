//! The four functions behind a task's waker, and nothing else.
//!
//! A waker is the address of a task's header and owns one reference (law R2). All tasks share one table of functions, so
//! that two wakers of one task are seen to be equal whatever the type of its future.

use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::raw::RawTask;
use crate::runnable::Cause;
use crate::state::{Leave, State, Wake};

/// The functions of every task's waker.
pub(crate) static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop);

/// Says whether a waker is that of a task of ours.
#[inline]
pub(crate) fn is_ours(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &VTABLE)
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: whoever calls this has a waker, hence a reference: the task is alive (R2).
    unsafe { state(data) }.clone_reference();
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker that is consumed owns a reference: the task is alive until the step is made (R2).
    match unsafe { state(data) }.wake_by_val() {
        Wake::Nothing => {}
        // SAFETY: the step made the right to poll ours (R1), and we give it away.
        Wake::Submit => unsafe { RawTask::from_data(data).schedule(Cause::Wake) },
        // SAFETY: the step told us to (R6).
        Wake::Free => unsafe { RawTask::from_data(data).free() },
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: whoever calls this has a waker, hence a reference: the task is alive (R2).
    if unsafe { state(data) }.wake_by_ref() == Wake::Submit {
        // SAFETY: the step made the right to poll ours (R1), and we give it away.
        unsafe { RawTask::from_data(data).schedule(Cause::Wake) }
    }
}

unsafe fn drop(data: *const ()) {
    // SAFETY: the waker that is dropped owns a reference: the task is alive until the step is made (R2).
    if unsafe { state(data) }.drop_reference() == Leave::Free {
        // SAFETY: the step told us to (R6).
        unsafe { RawTask::from_data(data).free() }
    }
}

/// # Safety
/// `data` is that of one of our wakers, and its task is alive for as long as the borrow that the caller chooses.
unsafe fn state<'a>(data: *const ()) -> &'a State {
    // SAFETY: as this function asks.
    &unsafe { RawTask::from_data(data).header() }.state
}
