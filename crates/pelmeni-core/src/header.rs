//! The untyped front of a task, and the functions that know its type.

use std::fmt;
use std::ptr::NonNull;
use std::task::Context;

use crate::bias::{self, Bias};
use crate::error::JoinError;
use crate::info::TaskInfo;
use crate::joiner::Joiner;
use crate::link::Link;
use crate::primitive::UnsafeCell;
use crate::runnable::{Cause, TaskRef};
use crate::state::State;
use crate::waker::RawTask;

/// What every task begins with, whatever its future is: 32 bytes on a 64-bit machine.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) state: State,
    pub(crate) vtable: &'static Vtable,
    /// What the task's only thread counts by itself.
    pub(crate) bias: Bias,
    /// The next task of an intrusive list. Owned by whoever holds the [`Runnable`](crate::Runnable); if that can be a message,
    /// by whoever holds the message.
    pub(crate) link: Link,
    /// The waker of whoever awaits the handle. Owned as the `JOINER` bit says (law R5).
    pub(crate) joiner: UnsafeCell<Option<Joiner>>,
}

impl Header {
    /// The owner's word, if this thread is the owner of the task and there is no reason (B4, B5) not to use it.
    #[inline]
    pub(crate) fn here(&self) -> Option<&Bias> {
        bias::is_here(self.state.load()).then_some(&self.bias)
    }

    /// Counts references that this thread has cloned or dropped in the owner's word. False: they are not counted there.
    #[inline]
    pub(crate) fn lend(&self, references: i32) -> bool {
        let Some(bias) = self.here() else { return false };
        // SAFETY: this thread is the owner.
        let left = unsafe { bias.lend(references) };
        self.state.settle(left);
        true
    }

    /// Counts references that a poll had on loan, and that goes on later.
    #[inline]
    pub(crate) fn count(&self, loans: i32) {
        if loans != 0 && !self.lend(loans) {
            self.state.settle(loans);
        }
    }
}

/// What every task of one scheduler begins with.
#[repr(C)]
pub(crate) struct Front<S> {
    pub(crate) header: Header,
    pub(crate) scheduler: S,
}

/// The functions that know the future's type; each takes the address of the cell that the header begins.
pub(crate) struct Vtable {
    /// Polls the future once; when it is ready or panics, drops it and puts the output in place. Needs R1.
    pub(crate) poll: unsafe fn(RawTask, &mut Context<'_>) -> Polled,
    /// Drops the future and puts the error in place of an output. Needs R1.
    pub(crate) cancel: unsafe fn(RawTask, JoinError),
    /// Replaces what the future has returned by "cancelled"; a panic stays. Needs R1.
    pub(crate) discard: unsafe fn(RawTask),
    /// Drops the output; a panic that nobody has seen is reported. Needs R4.
    pub(crate) drop_output: unsafe fn(RawTask),
    /// Moves the output to the address, which is that of a `Result<T, JoinError>`. Needs R4.
    pub(crate) take_output: unsafe fn(RawTask, NonNull<()>),
    /// Hands the right to poll (which the caller gives up) to the scheduler.
    pub(crate) schedule: unsafe fn(RawTask, Cause),
    /// Tells the scheduler that one of its threads holds the task. Needs R1.
    pub(crate) arrive: unsafe fn(RawTask) -> Arrival,
    /// Tells the scheduler that the task is about to be complete. Needs R1.
    pub(crate) release: unsafe fn(RawTask),
    /// Drops the scheduler and frees the memory. Needs R6.
    pub(crate) free: unsafe fn(RawTask),
}

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Pending,
    Ready,
}

/// What a scheduler says of a task that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a task that is refused must not run"]
pub enum Arrival {
    /// It has been here before, or there is nothing to do.
    Known,
    /// It is here for the first time.
    New,
    /// It must not run: its [`Runnable`](crate::Runnable) is to be dropped.
    Refused,
}

/// What a scheduler does for the tasks that were made for it.
///
/// Each task owns one of these: it is the task's way home, and should be small. It is dropped when the task's memory is
/// freed, which can happen on any thread and long after the task has ended, because a waker can outlive both.
///
/// # Safety
/// [`schedule`](Schedule::schedule) works on a copy of what is in the task, and as soon as it has passed the task on,
/// another thread may run the task to its end, and drop the original. From then on it touches nothing that it owns, or
/// something of which it has made sure that it stays.
pub unsafe trait Schedule: Send + Sync + 'static {
    /// Takes the right to poll a task that became ready, or the message that it did (see [`Runnable`](crate::Runnable)).
    ///
    /// It runs on whatever thread wakes the task, perhaps inside another task's poll, and must not block or panic.
    fn schedule(&self, task: crate::Runnable, cause: Cause);

    /// Hears that a thread which runs tasks has [received](crate::Runnable::arrive) the task from another one, before it runs
    /// it. What could be done when the task was made, but is cheaper here, has its place here.
    fn arrive(&self, _task: TaskRef<'_>) -> Arrival {
        Arrival::Known
    }

    /// Hears that the task is about to be complete; its future is gone. Called once for each task.
    fn release(&self);

    /// Tells a task's name and where it was spawned. Called before [`release`](Schedule::release) only.
    fn describe(&self) -> TaskInfo;

    /// Hears of a panic that nobody will learn from a [`JoinHandle`](crate::JoinHandle).
    fn unobserved(&self, panic: &JoinError);
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("state", &self.state).finish_non_exhaustive()
    }
}
