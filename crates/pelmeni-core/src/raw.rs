//! A task's address: what wakers, handles, queues and registries are made of.

use std::ptr::NonNull;

use crate::header::{Header, Vtable};
use crate::runnable::Cause;

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
