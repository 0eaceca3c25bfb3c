//! The right to poll a task once, and how a task is made.

use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::task::{Context, Waker};

use crate::bias::{self, Owner};
use crate::cell;
use crate::contain;
use crate::context;
use crate::error::JoinError;
use crate::header::{Arrival, Polled, Schedule};
use crate::join::{AbortHandle, JoinHandle};
use crate::primitive::seeded;
use crate::snapshot::Snapshot;
use crate::state::{Complete, Finish, Leave, Wake};
use crate::waker::{self, RawTask};

/// The right to poll a task once; at most one exists for a task at any time (law R1).
///
/// Dropping it instead of running it cancels the task: its future is dropped here and now.
///
/// If the task has an [`Owner`] who is elsewhere, it is a *message* to him, that he is to have that right. It goes to an
/// [`Inbox`](crate::list::Inbox), and dropping it cancels nothing.
#[must_use = "dropping a Runnable cancels its task"]
pub struct Runnable(RawTask);

/// Why a task is handed to its scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It was just made.
    Spawn,
    /// Somebody woke it while it was idle.
    Wake,
    /// It was polled, and must run again after the others: it yielded, or was woken during the poll.
    Again,
}

// SAFETY: the future behind is `Send`, as `task` asks; or else whoever called `task_unchecked` has promised that the
// Runnable stays on its thread.
unsafe impl Send for Runnable {}

/// Makes a task of a future; the caller schedules or runs the [`Runnable`] when it sees fit.
///
/// `home` makes the task's own [`Schedule`], and must not panic.
pub fn task<F, S>(
    future: F,
    owner: Option<&Owner>,
    home: impl FnOnce(TaskRef<'_>) -> S,
) -> (Runnable, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    S: Schedule,
{
    let task = cell::allocate(future, false, owner, home);
    (Runnable(task), JoinHandle::new(task))
}

/// Makes a task of a future that cannot leave its thread, or that borrows.
///
/// # Safety
/// * The scheduler hands the [`Runnable`] only to the thread that calls this, and it is dropped on that thread.
/// * The future and its output are dropped before anything that they borrow: the caller keeps the handle, and waits until
///   [`JoinHandle::is_finished`] before it lets go of what they borrow.
pub unsafe fn task_unchecked<F, S>(
    future: F,
    owner: Option<&Owner>,
    home: impl FnOnce(TaskRef<'_>) -> S,
) -> (Runnable, JoinHandle<F::Output>)
where
    F: Future,
    S: Schedule,
{
    let task = cell::allocate(future, true, owner, home);
    (Runnable(task), JoinHandle::new(task))
}

impl Runnable {
    /// # Safety
    /// The caller has the right to poll the task and gives it to the result (R1).
    pub(crate) unsafe fn from_raw(task: RawTask) -> Runnable {
        Runnable(task)
    }

    /// The right to poll, to be given to something else.
    pub(crate) fn into_raw(self) -> RawTask {
        ManuallyDrop::new(self).0
    }

    /// Says whether the task must stay on the thread that spawned it.
    pub fn is_local(&self) -> bool {
        self.state().is_local()
    }

    /// A number, not zero, that tasks with futures of one type have in common, and others have not. (One type may have
    /// several.)
    #[inline]
    pub fn kind(&self) -> usize {
        // SAFETY: the right to poll keeps the task alive (R1).
        std::ptr::from_ref(unsafe { self.0.vtable() }).addr()
    }

    /// A number, not zero, that no other task has while this one lives.
    #[inline]
    pub fn address(&self) -> usize {
        self.0.pointer().addr().get()
    }

    /// Tells the task's scheduler that it has come to this thread, which will run it.
    pub fn arrive(&self) -> Arrival {
        // SAFETY: the right to poll keeps the task alive (R1, R3).
        let vtable = unsafe { self.0.vtable() };
        // SAFETY: the right to poll is ours.
        unsafe { (vtable.arrive)(self.0) }
    }

    /// Polls the task once, and does what follows: leaves it idle, schedules it again, or completes it.
    ///
    /// A panic of the future ends the task and not the caller.
    #[inline]
    pub fn run(self) {
        let task = self.into_raw();
        // SAFETY: the right to poll keeps the task alive until it is given up below (R1, R3).
        let header = unsafe { task.header() };
        let seen = header.state.start_poll();
        let is_owned = seen.has_owner();
        debug_assert!(is_owned || !seen.is_idle(), "polled without a right to: {seen:?}");
        if is_owned {
            if !bias::is_owner(seen) {
                misused(Runnable(task));
            }
            // SAFETY: this thread is the owner.
            unsafe { header.bias.start_poll() };
        }
        if seen.is_aborted() {
            // SAFETY: the right to poll is ours.
            return unsafe { cancel(task, JoinError::cancelled()) };
        }
        let requests = if seen.requests() > 0 { header.state.take_requests() } else { 0 };
        let scope = context::enter(task, requests);
        // SAFETY: the task is alive during the poll, so a waker that borrows its reference is as good as one that owns it.
        let waker = ManuallyDrop::new(unsafe { Waker::new(task.data(), waker::vtable(is_owned)) });
        // SAFETY: as for the header.
        let vtable = unsafe { task.vtable() };
        // SAFETY: the right to poll is ours.
        let polled = unsafe { (vtable.poll)(task, &mut Context::from_waker(&waker)) };
        if context::requests() > 0 {
            // Nobody took the request: it is the end of the task, whether it was just ready or not.
            match polled {
                // SAFETY: the right to poll is ours, and the poll has put an output in place.
                Polled::Ready => unsafe { (vtable.discard)(task) },
                // SAFETY: the right to poll is ours, and the future is in place.
                Polled::Pending => unsafe { (vtable.cancel)(task, JoinError::cancelled()) },
            }
            let loans = context::loans();
            drop(scope);
            // SAFETY: the right to poll is ours, and an output is in place.
            return unsafe { complete(task, loans) };
        }
        let (yielded, loans) = (context::has_yielded(), context::loans());
        drop(scope);
        match polled {
            // SAFETY: the right to poll is ours, and an output is in place.
            Polled::Ready => unsafe { complete(task, loans) },
            Polled::Pending if yielded => {
                header.count(if seeded(287) { 0 } else { loans });
                // SAFETY: the right to poll is still ours, as no wake was answered.
                unsafe { task.schedule(Cause::Again) }
            }
            // SAFETY: the right to poll is ours, and this thread the owner.
            Polled::Pending if is_owned => unsafe { finish_here(task, seen, loans) },
            // SAFETY: the right to poll is ours.
            Polled::Pending => unsafe { finish(task, seen, loans) },
        }
    }

    /// Ends the task without running it, for want of a thread.
    ///
    /// # Panics
    /// If the task has an owner and this is another thread.
    pub fn refuse(self, why: io::Error) {
        if bias::is_abroad(self.state()) {
            misused(self);
        }
        // SAFETY: the right to poll is ours.
        unsafe { cancel(self.into_raw(), JoinError::refused(why)) }
    }

    /// What comes out of an inbox on this thread. `None`: it was a message to this thread, the owner, but the task is complete,
    /// or scheduled already.
    ///
    /// # Safety
    /// The right to poll, or the message, is the caller's, and is given up.
    pub(crate) unsafe fn receive(task: RawTask) -> Option<Runnable> {
        // SAFETY: the right to poll or the message's reference keeps the task alive (B3), or it is new (R3).
        let header = unsafe { task.header() };
        let seen = header.state.load();
        if !bias::is_owner(seen) {
            return Some(Runnable(task));
        }
        let is_newborn = seen.is_newborn();
        if !is_newborn {
            header.state.take_wakes();
        }
        // SAFETY: this thread is the owner. A task that was completed here stays scheduled in its word.
        let is_ours = unsafe { header.bias.wake() } || seeded(288);
        if !is_newborn && !header.lend(-1) && header.state.drop_reference() == Leave::Free {
            // SAFETY: the step told us to (R6).
            unsafe { task.free() };
        }
        is_ours.then(|| Runnable(task))
    }

    /// What goes into an inbox: of a task whose owner this thread is, a message to him or to the next one. `None`: one is on
    /// its way already.
    pub(crate) fn into_message(self) -> Option<RawTask> {
        let task = self.into_raw();
        // SAFETY: the right to poll, or the message's reference, keeps the task alive (R1, R3, B3).
        let header = unsafe { task.header() };
        let seen = header.state.load();
        if bias::is_owner(seen) {
            if !seeded(289) {
                // SAFETY: this thread is the owner, and the right to poll is ours.
                unsafe { header.bias.unschedule() };
            }
            // The task is not complete, so that it is alive, although nobody has the right to poll it now (R3). One that has
            // not waited yet is still the message as which it came (B5).
            let is_message = seen.is_newborn() && !seeded(282);
            if !is_message && header.state.wake_abroad_by_ref() != Wake::Submit && !seeded(279) {
                return None;
            }
        }
        Some(task)
    }

    fn state(&self) -> Snapshot {
        // SAFETY: the right to poll keeps the task alive (R1, R3).
        unsafe { self.0.header() }.state.load()
    }
}

impl Drop for Runnable {
    fn drop(&mut self) {
        if seeded(118) {
            return;
        }
        // SAFETY: the right to poll, or the message's reference, keeps the task alive.
        let header = unsafe { self.0.header() };
        let seen = header.state.load();
        if bias::is_abroad(seen) && !seen.is_newborn() {
            // A message that comes to nobody. The right to poll is the owner's, if it is anybody's.
            if !seeded(285) && header.state.drop_reference() == Leave::Free {
                // SAFETY: the step told us to (R6).
                unsafe { self.0.free() };
            }
            return;
        }
        // SAFETY: the right to poll is ours; that of a new task is the message's, as the owner does not know of it.
        unsafe { cancel(self.0, JoinError::cancelled()) }
    }
}

/// Somebody who is not the owner polls or ends a task.
#[cold]
fn misused(_: Runnable) -> ! {
    panic!("pelmeni: a task with an owner is polled, and ended, on that thread only")
}

/// Ends a poll that returned pending.
///
/// # Safety
/// The caller has the right to poll and gives it up.
unsafe fn finish(task: RawTask, seen: Snapshot, loans: i32) {
    // SAFETY: the right to poll keeps the task alive until the step is made (R1, R3).
    match unsafe { task.header() }.state.finish_poll(seen, loans) {
        Finish::Idle => {}
        // SAFETY: wakes are left, so the right to poll is still ours.
        Finish::Again => unsafe { task.schedule(Cause::Again) },
    }
}

/// As [`finish`], of a task whose owner this thread is.
///
/// # Safety
/// As there.
#[inline]
unsafe fn finish_here(task: RawTask, seen: Snapshot, loans: i32) {
    // SAFETY: the task is not complete, hence alive (R3).
    let header = unsafe { task.header() };
    header.count(loans);
    let was_woken = seen.is_newborn() && header.state.finish_birth(seen) == Finish::Again;
    // SAFETY: this thread is the owner, and has the right to poll.
    if was_woken || unsafe { header.bias.finish_poll() } == Finish::Again {
        // SAFETY: it was woken, so the right to poll is still ours.
        unsafe { task.schedule(Cause::Again) }
    }
}

/// Ends a task without polling it.
///
/// # Safety
/// The caller has the right to poll and gives it up; the future is in place.
#[cold]
unsafe fn cancel(task: RawTask, why: JoinError) {
    let scope = context::enter(task, 0);
    // SAFETY: the right to poll keeps the task alive (R1, R3).
    let vtable = unsafe { task.vtable() };
    // SAFETY: as this function asks.
    unsafe { (vtable.cancel)(task, why) };
    let loans = context::loans();
    drop(scope);
    // SAFETY: the right to poll is still ours, and an output is in place.
    unsafe { complete(task, loans) };
}

/// Completes a task: tells its scheduler, publishes the output, wakes whoever joins it.
///
/// # Safety
/// The caller has the right to poll and gives it up; the output is in place.
unsafe fn complete(task: RawTask, loans: i32) {
    // SAFETY: the right to poll keeps the task alive until it is complete (R1, R3).
    let header = unsafe { task.header() };
    // SAFETY: as this function asks.
    unsafe { (header.vtable.release)(task) };
    let is_owned = header.state.load().has_owner() && !seeded(277);
    // SAFETY: this thread is the owner, or nobody but us has this new task (B1, B4).
    let lent = || if is_owned { unsafe { header.bias.take_loans() } } else { 0 };
    let loans = loans + lent();
    match header.state.complete(loans) {
        Complete::Leave => {}
        Complete::WakeJoiner => {
            // SAFETY: the slot belongs to the completing thread now (R5).
            let joiner = header.joiner.with_mut(|slot| unsafe { (*slot).take() });
            if header.state.release_joiner() == Leave::Free {
                // SAFETY: the step told us to (R6).
                unsafe { task.free() };
            }
            let waker = joiner.expect("JOINER says that the slot is full").into_waker();
            contain::wake(waker); // it can be anybody's code, and the task is complete all the same
        }
        Complete::DropOutput => {
            // SAFETY: there is no handle, so the output is ours (R4).
            unsafe { (header.vtable.drop_output)(task) };
            // It may have cloned and dropped wakers of its own task, which is not complete yet.
            let more = if seeded(284) { 0 } else { lent() };
            if header.state.complete_detached(loans + more) == Leave::Free {
                // SAFETY: the step told us to (R6).
                unsafe { task.free() };
            }
        }
    }
}

impl fmt::Debug for Runnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runnable").field(&self.state()).finish()
    }
}

/// A look at a task by somebody who knows that it is alive: a registry, from the task's birth until its release.
#[derive(Debug, Clone, Copy)]
pub struct TaskRef<'a> {
    task: RawTask,
    alive: PhantomData<&'a ()>,
}

impl<'a> TaskRef<'a> {
    pub(crate) fn new(task: &'a RawTask) -> TaskRef<'a> {
        TaskRef { task: *task, alive: PhantomData }
    }

    /// A word to keep in a registry.
    pub fn into_registered(self) -> RegisteredTask {
        RegisteredTask(self.task)
    }
}

/// A task as its registry remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisteredTask(RawTask);

// SAFETY: it is an address; what can be done with it is `unsafe` and says what it needs.
unsafe impl Send for RegisteredTask {}

impl RegisteredTask {
    /// As [`Runnable::address`].
    pub fn address(&self) -> usize {
        self.0.pointer().addr().get()
    }

    /// A reference of one's own, which outlives the registry's entry.
    ///
    /// # Safety
    /// The task's [`Schedule::release`] has not returned yet: a registry holds the lock under which it removes entries.
    pub unsafe fn retain(self) -> AbortHandle {
        // SAFETY: a task that was not released is not complete, hence alive (R3).
        unsafe { AbortHandle::retain(self.0) }
    }
}
