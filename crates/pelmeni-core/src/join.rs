//! The result of a task and its kill switch: [`JoinHandle`] and [`AbortHandle`].
//!
//! The handle owns the joiner slot and the output as laws R4 and R5 say. It remembers whose waker it has put into the slot,
//! because it may not look: once the task completes, the slot is the completing thread's.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use crate::coop;
use crate::error::JoinError;
use crate::joiner::Joiner;
use crate::runnable::Cause;
use crate::state::{self, Leave, State, Wake};
use crate::waker::{self, RawTask};

/// The result of a task, to be awaited.
///
/// Awaiting it waits until the task has ended and gives what it returned, or why it did not. Dropping it lets the task run
/// on by itself (it *detaches*); a panic that nobody joins is then reported on stderr.
///
/// # Cancel safety
/// Awaiting `&mut handle` loses nothing. Awaiting the handle itself and being cancelled detaches the task.
#[must_use = "dropping a JoinHandle detaches its task; await it, or say so with `drop`"]
pub struct JoinHandle<T> {
    task: RawTask,
    /// Whose waker is in the slot.
    joiner: Registered,
    /// The output was given away.
    taken: bool,
    output: PhantomData<T>,
}

/// What the handle knows of the slot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Registered {
    Nobody,
    /// The task with this waker data.
    Task(*const ()),
    /// A waker that is not a task's.
    Foreign,
}

// SAFETY: the handle moves the output to whoever awaits it, and drops it; no more is shared than the state word.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: through `&JoinHandle` only the state word can be reached.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> Unpin for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    pub(crate) fn new(task: RawTask) -> JoinHandle<T> {
        JoinHandle { task, joiner: Registered::Nobody, taken: false, output: PhantomData }
    }

    /// Asks the task to end: it finds out at its next wait, can clean up, and can refuse.
    ///
    /// The innermost [`catch_cancel`](crate::cancel::catch_cancel) around the place where the task waits takes the request;
    /// if there is none, the task's future is dropped and the task ends cancelled. Requests count: each is taken once.
    /// Returns false if the task has ended already.
    pub fn cancel(&self) -> bool {
        // SAFETY: the handle keeps the task alive (R2, R6).
        unsafe { cancel(self.task) }
    }

    /// Takes back one request to cancel that the task has not found yet. Returns false if there is none.
    pub fn uncancel(&self) -> bool {
        self.state().uncancel()
    }

    /// How many requests to cancel the task has not found yet; at most 255 are counted.
    pub fn cancelling(&self) -> u32 {
        self.state().load().requests()
    }

    /// Drops the task's future as soon as it is not being polled. Nothing in the task can catch this.
    pub fn abort(&self) {
        // SAFETY: the handle keeps the task alive (R2, R6).
        unsafe { abort(self.task) };
    }

    /// A kill switch that can be cloned and kept elsewhere.
    pub fn abort_handle(&self) -> AbortHandle {
        // SAFETY: a handle that exists keeps its task's memory (R3 before completion, HANDLE after it).
        unsafe { AbortHandle::retain(self.task) }
    }

    /// Says whether the task has ended, so that awaiting the handle would not wait.
    pub fn is_finished(&self) -> bool {
        self.state().load().is_complete()
    }

    fn state(&self) -> &State {
        // SAFETY: a handle that exists keeps its task's memory (R3 before completion, HANDLE after it).
        &unsafe { self.task.header() }.state
    }

    /// Puts a waker into the slot. False: the task is complete.
    fn register(&mut self, waker: &Waker) -> bool {
        let wanted = if waker::is_ours(waker) {
            Registered::Task(waker.data())
        } else {
            Registered::Foreign
        };
        if matches!(wanted, Registered::Task(_)) && self.joiner == wanted {
            return true; // that task's waker is there, and stays good
        }
        if !self.unregister() {
            return false;
        }
        // SAFETY: as for `state`; JOINER is clear.
        unsafe { self.fill_slot(Some(Joiner::new(waker))) };
        if self.state().set_joiner() {
            self.joiner = wanted;
            return true;
        }
        // The completing thread did not see JOINER, so the slot is still ours.
        // SAFETY: as above.
        unsafe { self.fill_slot(None) };
        false
    }

    /// Empties the slot. False: the task is complete, and the completing thread empties it.
    fn unregister(&mut self) -> bool {
        if self.joiner == Registered::Nobody {
            return true;
        }
        self.joiner = Registered::Nobody;
        match self.state().unset_joiner() {
            state::Joiner::Complete => false,
            state::Joiner::Returned => {
                // SAFETY: JOINER is clear again.
                unsafe { self.fill_slot(None) };
                true
            }
        }
    }

    /// Replaces what is in the slot and drops what was there.
    ///
    /// # Safety
    /// `JOINER` is clear, so that the slot is the handle's (R5).
    unsafe fn fill_slot(&self, joiner: Option<Joiner>) {
        // SAFETY: a handle that exists keeps its task's memory.
        let header = unsafe { self.task.header() };
        // SAFETY: the slot is the handle's.
        let old = header.joiner.with_mut(|slot| unsafe { std::mem::replace(&mut *slot, joiner) });
        drop(old.map(Joiner::into_waker));
    }

    /// Takes the output of a complete task.
    fn take(&mut self) -> Result<T, JoinError> {
        assert!(!self.taken, "a JoinHandle was awaited again after it had given its task's output");
        self.taken = true;
        let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
        let to = NonNull::from(&mut output).cast();
        // SAFETY: a handle that exists keeps its task's memory.
        let vtable = unsafe { self.task.vtable() };
        // SAFETY: the output of a complete task is the handle's (R4), and is taken once.
        unsafe { (vtable.take_output)(self.task, to) };
        // SAFETY: take_output has written it.
        unsafe { output.assume_init() }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        coop::poll_leaf(cx, |cx| {
            if !self.is_finished() && self.register(cx.waker()) {
                return Poll::Pending;
            }
            Poll::Ready(self.take())
        })
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if !self.taken {
            self.unregister();
            if self.state().detach() {
                return;
            }
            // SAFETY: a handle that exists keeps its task's memory.
            let vtable = unsafe { self.task.vtable() };
            if !crate::primitive::seeded(104) {
                // SAFETY: the output of a complete task is the handle's (R4), and was not taken.
                unsafe { (vtable.drop_output)(self.task) };
            }
        }
        if self.state().drop_handle() == Leave::Free {
            // SAFETY: the step told us to (R6).
            unsafe { self.task.free() };
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinHandle").field(&self.state().load()).finish()
    }
}

/// The kill switch of a task: it can be cloned, kept anywhere, and outlive the task.
pub struct AbortHandle {
    task: RawTask,
}

// SAFETY: only the state word can be reached through it, and memory is freed on any thread (see `cell`).
unsafe impl Send for AbortHandle {}
// SAFETY: as for Send.
unsafe impl Sync for AbortHandle {}

impl AbortHandle {
    /// # Safety
    /// The task is alive during this call.
    pub(crate) unsafe fn retain(task: RawTask) -> AbortHandle {
        // SAFETY: as this function asks.
        unsafe { task.header() }.state.clone_reference();
        AbortHandle { task }
    }

    /// As [`JoinHandle::cancel`].
    pub fn cancel(&self) -> bool {
        // SAFETY: the handle keeps the task alive (R2, R6).
        unsafe { cancel(self.task) }
    }

    /// As [`JoinHandle::abort`].
    pub fn abort(&self) {
        // SAFETY: the handle keeps the task alive (R2, R6).
        unsafe { abort(self.task) };
    }

    /// Says whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.state().load().is_complete()
    }

    fn state(&self) -> &State {
        // SAFETY: the handle owns a reference: the task is alive (R2).
        &unsafe { self.task.header() }.state
    }
}

impl Clone for AbortHandle {
    fn clone(&self) -> Self {
        // SAFETY: the handle owns a reference: the task is alive (R2).
        unsafe { AbortHandle::retain(self.task) }
    }
}

impl Drop for AbortHandle {
    fn drop(&mut self) {
        if self.state().drop_reference() == Leave::Free {
            // SAFETY: the step told us to (R6).
            unsafe { self.task.free() };
        }
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AbortHandle").field(&self.state().load()).finish()
    }
}

/// Adds a request to cancel; false if the task is complete.
///
/// # Safety
/// The task is alive during this call.
unsafe fn cancel(task: RawTask) -> bool {
    // SAFETY: as this function asks.
    unsafe { change(task, State::cancel) }
}

/// # Safety
/// The task is alive during this call.
unsafe fn abort(task: RawTask) {
    // SAFETY: as this function asks.
    unsafe { change(task, State::abort) };
}

/// Makes a step that wakes; false if the task is complete.
///
/// # Safety
/// The task is alive during this call.
unsafe fn change(task: RawTask, step: impl FnOnce(&State, bool) -> Option<Wake>) -> bool {
    // SAFETY: as this function asks.
    let header = unsafe { task.header() };
    let here = header.here();
    let step = step(&header.state, here.is_some());
    // SAFETY: this thread is the owner, and the task was not complete, which nobody else changes.
    let is_ours = here.is_some_and(|bias| unsafe { bias.wake() });
    if is_ours || step == Some(Wake::Submit) {
        // SAFETY: the step made the right to poll ours (R1, B2), or a message (B3), and we give it away.
        unsafe { task.schedule(Cause::Wake) };
    }
    step.is_some()
}
