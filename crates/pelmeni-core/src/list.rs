//! Places that hold tasks without allocating: an [`Inbox`] that any thread fills, a [`Slot`] that anybody empties.
//!
//! Both own what law R1 calls the right to poll. The inbox threads its tasks on their own links; whoever takes them takes
//! all, so nothing is ever popped alone and there is no ABA. Dropping either drops what is left in it.
//!
//! A task with an owner goes through an inbox as a message (`bias`): it becomes one when it is put in here, and the right to
//! poll when it is taken out here.
//!
//! Source of the inbox: R. Kent Treiber, "Systems programming: coping with parallelism", 1986.

use std::ptr::{self, NonNull};

use crate::Runnable;
use crate::header::Header;
use crate::primitive::atomic::{AtomicPtr, Ordering};
use crate::primitive::seeded;
use crate::waker::RawTask;

/// A list that any thread pushes to and one takes whole.
#[derive(Debug)]
pub struct Inbox {
    head: AtomicPtr<Header>,
}

/// The head of an inbox that takes no more; no task is at this address.
const CLOSED: *mut Header = ptr::without_provenance_mut(1);

impl Default for Inbox {
    fn default() -> Self {
        Inbox { head: AtomicPtr::new(ptr::null_mut()) }
    }
}

impl Inbox {
    /// Adds a task, or drops it if the inbox is closed. True: the inbox was empty.
    pub fn push(&self, task: Runnable) -> bool {
        let Some(task) = task.into_message() else { return false };
        // SAFETY: the right to poll keeps the task alive (R1, R3).
        let header = unsafe { task.header() };
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == CLOSED && !seeded(283) {
                // SAFETY: what we have of the task was not given away.
                drop(unsafe { Runnable::receive(task) });
                return false;
            }
            let next = NonNull::new(head).map(RawTask::new);
            // SAFETY: the link belongs to the holder of the right to poll (R1), or to the message (B3).
            unsafe { header.link.replace(next) };
            // Release: publishes the link and the task; pairs with the Acquire in take_all.
            let order = if seeded(110) { Ordering::Relaxed } else { Ordering::Release };
            let new = task.pointer().as_ptr();
            match self.head.compare_exchange_weak(head, new, order, Ordering::Relaxed) {
                Ok(_) => return head.is_null(),
                Err(other) if seeded(111) => return other.is_null(),
                Err(other) => head = other,
            }
        }
    }

    /// Says whether there is nothing in it. Relaxed: whoever parks on the answer puts a fence before it.
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).addr() <= CLOSED.addr()
    }

    /// Takes all tasks, in the order in which they came.
    pub fn take_all(&self) -> Taken {
        let mut head = self.head.load(Ordering::Relaxed);
        while head.addr() > CLOSED.addr() {
            // Acquire: pairs with the Release in push.
            let none = ptr::null_mut();
            match self.head.compare_exchange_weak(head, none, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(newest) => return Taken::all(newest),
                Err(other) => head = other,
            }
        }
        Taken { next: None }
    }

    /// As [`take_all`](Inbox::take_all); what is put in from now on is dropped.
    pub fn close(&self) -> Taken {
        // Acquire: as in take_all.
        match self.head.swap(CLOSED, Ordering::Acquire) {
            CLOSED => Taken { next: None },
            newest => Taken::all(newest),
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if seeded(117) {
            return;
        }
        self.take_all().for_each(drop);
    }
}

/// The tasks that were in an inbox. Those that are not taken out are dropped with it.
#[derive(Debug)]
pub struct Taken {
    next: Option<RawTask>,
}

// SAFETY: it holds Runnables, which are Send.
unsafe impl Send for Taken {}

impl Taken {
    /// The tasks of a list that begins with the newest, the oldest first.
    fn all(mut newest: *mut Header) -> Taken {
        if seeded(119) {
            return Taken { next: NonNull::new(newest).map(RawTask::new) };
        }
        let mut oldest = None;
        while let Some(task) = NonNull::new(newest).map(RawTask::new) {
            // SAFETY: the right to poll came with the list (R1).
            let header = unsafe { task.header() };
            // SAFETY: the link belongs to the holder of the right to poll (R1), or to the message (B3).
            let next = unsafe { header.link.replace(oldest) };
            newest = next.map_or(ptr::null_mut(), |next| next.pointer().as_ptr());
            oldest = Some(task);
        }
        Taken { next: oldest }
    }
}

impl Iterator for Taken {
    type Item = Runnable;

    fn next(&mut self) -> Option<Runnable> {
        loop {
            let task = self.next?;
            // SAFETY: the right to poll is ours (R1), or the message's reference keeps the task alive (B3).
            let header = unsafe { task.header() };
            // SAFETY: the link belongs to the holder of the right to poll (R1), or to the message (B3).
            self.next = unsafe { header.link.replace(None) };
            // SAFETY: the right to poll, or the message, goes to the caller.
            let received = unsafe { Runnable::receive(task) };
            if received.is_some() {
                return received;
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

/// A place for one task: a pointer that its owner fills and anybody empties.
#[derive(Debug)]
pub struct Slot {
    task: AtomicPtr<Header>,
}

impl Default for Slot {
    fn default() -> Self {
        Slot { task: AtomicPtr::new(ptr::null_mut()) }
    }
}

impl Slot {
    /// Puts a task in and returns the one that was there. Only one thread, the owner, may call this.
    pub fn put(&self, task: Runnable) -> Option<Runnable> {
        let task = task.into_raw().pointer().as_ptr();
        // Only the owner fills the slot, so an empty one stays empty: no exchange is needed.
        if self.is_empty() {
            // Release: publishes the task; pairs with the Acquire in take.
            let order = if seeded(113) { Ordering::Relaxed } else { Ordering::Release };
            self.task.store(task, order);
            return None;
        }
        // AcqRel: as the store, and as in take.
        Slot::runnable(self.task.swap(task, Ordering::AcqRel))
    }

    /// Takes the task out.
    pub fn take(&self) -> Option<Runnable> {
        if self.is_empty() {
            return None;
        }
        if seeded(112) {
            let task = self.task.load(Ordering::Acquire);
            self.task.store(ptr::null_mut(), Ordering::Relaxed);
            return Slot::runnable(task);
        }
        // Acquire: pairs with the Release in put.
        Slot::runnable(self.task.swap(ptr::null_mut(), Ordering::Acquire))
    }

    /// Says whether it holds nothing. Relaxed: whoever parks on the answer puts a fence before it.
    pub fn is_empty(&self) -> bool {
        self.task.load(Ordering::Relaxed).is_null()
    }

    fn runnable(task: *mut Header) -> Option<Runnable> {
        // SAFETY: the right to poll was put in with the task, and has just been taken out (R1).
        NonNull::new(task).map(|task| unsafe { Runnable::from_raw(RawTask::new(task)) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.take());
    }
}
