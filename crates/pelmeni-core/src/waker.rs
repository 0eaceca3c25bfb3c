//! A task's address, the waker that is made of it, and the way of a woken task to its scheduler.
//!
//! A waker is the address of a task's header and owns one reference (law R2). All tasks share one table of functions, and
//! all that have an owner another one, so that two wakers of one task are seen to be equal whatever the type of its future. A
//! wake is one step on the state, or on the owner's word; if that finds the task idle, the task is handed to its scheduler from
//! here.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::context;
use crate::header::{Front, Header, Schedule, Vtable};
use crate::runnable::{Cause, Runnable};
use crate::state::{Leave, Wake};

/// The functions of a task's waker.
static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop);
/// Those of a task that has an owner.
static OWNED: RawWakerVTable =
    RawWakerVTable::new(clone_owned, wake_owned, wake_owned_by_ref, drop_owned);

/// The functions for the wakers of a task.
#[inline]
pub(crate) fn vtable(is_owned: bool) -> &'static RawWakerVTable {
    if is_owned { &OWNED } else { &VTABLE }
}

/// Says whether a waker is that of a task of ours.
#[inline]
pub(crate) fn is_ours(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &VTABLE) || is_owned(waker)
}

/// Says whether a waker is that of a task with an owner.
#[inline]
pub(crate) fn is_owned(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &OWNED)
}

unsafe fn clone(data: *const ()) -> RawWaker {
    if !context::lend(data, 1) {
        // SAFETY: whoever calls this has a waker, hence a reference: the task is alive (R2).
        unsafe { header(data) }.state.clone_reference();
    }
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker that is consumed owns a reference: the task is alive until the step is made (R2).
    let step = unsafe { header(data) }.state.wake_by_val();
    // SAFETY: the step is ours.
    unsafe { follow(data, step) };
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: whoever calls this has a waker, hence a reference: the task is alive (R2).
    let step = unsafe { header(data) }.state.wake_by_ref();
    // SAFETY: the step is ours.
    unsafe { follow(data, step) };
}

unsafe fn drop(data: *const ()) {
    if context::lend(data, -1) {
        return;
    }
    // SAFETY: the waker that is dropped owns a reference: the task is alive until the step is made (R2).
    if unsafe { header(data) }.state.drop_reference() == Leave::Free {
        // SAFETY: the step told us to (R6).
        unsafe { RawTask::from_data(data).free() }
    }
}

unsafe fn clone_owned(data: *const ()) -> RawWaker {
    // SAFETY: whoever calls this has a waker, hence a reference: the task is alive (R2).
    if !context::lend(data, 1) && !unsafe { header(data) }.lend(1) {
        // SAFETY: as above.
        unsafe { header(data) }.state.clone_reference();
    }
    RawWaker::new(data, &OWNED)
}

unsafe fn wake_owned(data: *const ()) {
    // SAFETY: the waker that is consumed owns a reference: the task is alive until the step is made (R2).
    let header = unsafe { header(data) };
    if header.lend(-1) {
        // SAFETY: this thread is the owner, and the task is not complete, hence alive (R3).
        return unsafe { wake_here(data) };
    }
    let step = header.state.wake_abroad_by_val();
    // SAFETY: the step is ours.
    unsafe { follow(data, step) };
}

unsafe fn wake_owned_by_ref(data: *const ()) {
    // SAFETY: whoever calls this has a waker, hence a reference: the task is alive (R2).
    let header = unsafe { header(data) };
    if header.here().is_some() {
        // SAFETY: this thread is the owner, and the task is not complete.
        return unsafe { wake_here(data) };
    }
    let step = header.state.wake_abroad_by_ref();
    // SAFETY: the step is ours.
    unsafe { follow(data, step) };
}

unsafe fn drop_owned(data: *const ()) {
    // SAFETY: the waker that is dropped owns a reference: the task is alive until the step is made (R2).
    if context::lend(data, -1) || unsafe { header(data) }.lend(-1) {
        return;
    }
    // SAFETY: as above.
    if unsafe { header(data) }.state.drop_reference() == Leave::Free {
        // SAFETY: the step told us to (R6).
        unsafe { RawTask::from_data(data).free() }
    }
}

/// Wakes a task on its owner's thread.
///
/// # Safety
/// This thread is the owner of the task that the waker's data names, which is not complete.
#[inline]
unsafe fn wake_here(data: *const ()) {
    // SAFETY: the task is not complete, hence alive (R3).
    let header = unsafe { header(data) };
    // SAFETY: this thread is its owner.
    if unsafe { header.bias.wake() } {
        // SAFETY: the step made the right to poll ours (B2), and we give it away.
        unsafe { RawTask::from_data(data).schedule(Cause::Wake) }
    }
}

/// Does what a wake has told its caller to do.
///
/// # Safety
/// The caller has made the step, on the task that the waker's data names.
#[inline]
unsafe fn follow(data: *const (), step: Wake) {
    match step {
        Wake::Nothing => {}
        // SAFETY: the step made the right to poll ours (R1), or a message (B3), and we give it away.
        Wake::Submit => unsafe { RawTask::from_data(data).schedule(Cause::Wake) },
        // SAFETY: the step told us to (R6).
        Wake::Free => unsafe { RawTask::from_data(data).free() },
    }
}

/// # Safety
/// `data` is that of one of our wakers, and its task is alive for as long as the borrow that the caller chooses.
unsafe fn header<'a>(data: *const ()) -> &'a Header {
    // SAFETY: as this function asks.
    unsafe { RawTask::from_data(data).header() }
}

/// The address of a task. It says nothing about rights: each owner of one states what it holds (see the law in `cell`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawTask(NonNull<Header>);

impl RawTask {
    /// The task with this header.
    pub(crate) fn new(header: NonNull<Header>) -> RawTask {
        RawTask(header)
    }

    /// The task whose address a waker carries.
    pub(crate) fn from_data(data: *const ()) -> RawTask {
        RawTask(NonNull::new(data.cast_mut()).expect("our wakers point at a task").cast())
    }

    pub(crate) fn pointer(self) -> NonNull<Header> {
        self.0
    }

    /// What a waker carries.
    pub(crate) fn data(self) -> *const () {
        self.0.as_ptr().cast_const().cast()
    }

    /// The header.
    ///
    /// # Safety
    /// The task is alive for as long as the borrow, whose length the caller chooses.
    pub(crate) unsafe fn header<'a>(self) -> &'a Header {
        // SAFETY: as this function asks; a header is only ever borrowed shared.
        unsafe { self.0.as_ref() }
    }

    /// The functions that know the future's type.
    ///
    /// # Safety
    /// The task is alive.
    pub(crate) unsafe fn vtable(self) -> &'static Vtable {
        // SAFETY: as this function asks.
        unsafe { self.header() }.vtable
    }

    /// Hands the right to poll to the scheduler.
    ///
    /// # Safety
    /// The caller has the right to poll (R1) and gives it up.
    pub(crate) unsafe fn schedule(self, cause: Cause) {
        // SAFETY: the right to poll keeps the task alive.
        let schedule = unsafe { self.vtable() }.schedule;
        // SAFETY: the caller gives the right up.
        unsafe { schedule(self, cause) }
    }

    /// Frees the memory.
    ///
    /// # Safety
    /// A step on the state has told the caller to (R6).
    pub(crate) unsafe fn free(self) {
        // SAFETY: it was not freed before: only one step tells so.
        let free = unsafe { self.vtable() }.free;
        // SAFETY: the caller was told to.
        unsafe { free(self) }
    }
}

/// Hands a task to its scheduler: the entry of its table that knows the scheduler's type.
///
/// # Safety
/// The caller has the right to poll the task, whose scheduler is an `S`, and gives it up (R1).
pub(crate) unsafe fn schedule<S: Schedule>(task: RawTask, cause: Cause) {
    let front = task.pointer().cast::<Front<S>>();
    // SAFETY: every task begins with its front, and the right to poll keeps it alive (R3).
    let front = unsafe { front.as_ref() };
    // The task can be run and freed elsewhere before `schedule` returns, so it works on a copy that nobody drops.
    // SAFETY: the field is initialised, and the copy is never dropped.
    let scheduler = ManuallyDrop::new(unsafe { std::ptr::read(&raw const front.scheduler) });
    // SAFETY: the caller gives the right to poll up.
    scheduler.schedule(unsafe { Runnable::from_raw(task) }, cause);
}
