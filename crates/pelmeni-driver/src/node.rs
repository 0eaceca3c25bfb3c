//! A timer's part of the wheel: a node that lies in the timer, and the list of the nodes of one slot.
//!
//! ```text
//!   List { ends: (A, C) }     A ◄──► B ◄──► C       new ones enter behind C
//! ```
//!
//! What an end says of its outer neighbour means nothing. So a node is added without touching the first one, which may have
//! been armed long ago; and one that is no end can be taken out without naming its list.
//!
//! N1. The links of a node are touched only under the lock of its wheel.
//!
//! N2. A node that is linked stays where it is and stays alive: the timer is pinned, and unlinks it before it goes.
//!
//! N3. Whoever takes a node out of the wheel says so in its alarm when he is done with it, and not before: from then on
//! the timer may be gone.
//!
//! N4. The waker is written by the timer's owner only, under the lock. Whoever takes a node out for good, and the owner who
//! brings another waker, takes it by reading it, and leaves its parts where they are; so the owner may look at them without
//! the lock.

use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::task::{RawWakerVTable, Waker};

use pelmeni_core::primitive::{UnsafeCell, seeded};

use crate::Deadline;
use crate::alarm::Alarm;

/// A deadline, its place in a list, and whom to wake.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) alarm: Alarm,
    links: UnsafeCell<Links>,
    /// This node's while it is linked. Afterwards the parts stay, and the waker is somebody else's; `None` until it is first
    /// linked.
    waker: UnsafeCell<Option<Parts>>,
}

/// The neighbours in a list.
#[derive(Debug)]
struct Links {
    previous: NonNull<Node>,
    next: NonNull<Node>,
}

/// A waker, taken apart: that it is somebody else's by now does not matter to whoever only looks.
#[derive(Debug, Clone, Copy)]
struct Parts {
    data: *const (),
    vtable: &'static RawWakerVTable,
}

// SAFETY: the pointers among the links lead to nodes of the same wheel and are followed under its lock only (N1), by
// whichever thread holds it; a waker is Send, and the rest is.
unsafe impl Send for Node {}
// SAFETY: a shared reference gives access to atomics only; the links need the lock (N1), and the waker the lock or its
// owner (N4).
unsafe impl Sync for Node {}

/// The nodes of one slot, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// The first and the last.
    ends: Option<(NonNull<Node>, NonNull<Node>)>,
}

impl Node {
    pub(crate) fn new(deadline: Deadline) -> Node {
        let links = Links { previous: NonNull::dangling(), next: NonNull::dangling() };
        Node {
            alarm: Alarm::new(deadline),
            links: UnsafeCell::new(links),
            waker: UnsafeCell::new(None),
        }
    }

    /// Says whether it is this task that is woken, or was.
    ///
    /// # Safety
    /// The caller is the owner (N4).
    #[inline]
    pub(crate) unsafe fn wakes(&self, waker: &Waker) -> bool {
        let is_same = |parts: &Parts| {
            ptr::eq(parts.data, waker.data()) && ptr::eq(parts.vtable, waker.vtable())
        };
        // SAFETY: the owner alone writes (N4), and is here.
        self.waker.with(|parts| unsafe { (*parts).as_ref().is_some_and(is_same) }) || seeded(90)
    }

    /// Keeps a waker.
    ///
    /// # Safety
    /// The caller is the owner and holds the lock (N4), and the waker that was here is not this node's any more.
    pub(crate) unsafe fn set_waker(&self, waker: Waker) {
        let waker = ManuallyDrop::new(waker);
        let parts = Parts { data: waker.data(), vtable: waker.vtable() };
        // SAFETY: nobody else writes, or reads without the lock (N4).
        self.waker.with_mut(|kept| unsafe { *kept = Some(parts) });
    }

    /// Takes the waker, which stays to be seen.
    ///
    /// # Safety
    /// The caller holds the lock. The node was linked and is taken out, or gets another waker at once (N4).
    pub(crate) unsafe fn take_waker(&self) -> Option<Waker> {
        debug_assert!(self.alarm.is_linked(), "a waker is taken once");
        // SAFETY: who writes holds the lock (N4).
        let parts = self.waker.with(|parts| unsafe { *parts })?;
        if seeded(268) {
            // SAFETY: none: the owner may look. This is the bug.
            self.waker.with_mut(|parts| unsafe { *parts = None });
        }
        // SAFETY: they are of a waker that nobody has taken.
        Some(unsafe { Waker::new(parts.data, parts.vtable) })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // No lock is needed any more, and nothing to be done: it is for loom, which sees here that nobody else still
        // has his hands in the node (N3).
        self.links.with_mut(|_| ());
        self.waker.with_mut(|_| ());
    }
}

impl List {
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_none()
    }

    /// Adds a node at the end.
    ///
    /// # Safety
    /// The caller holds the lock (N1); the node is in no list, and stays where it is until it leaves this one (N2).
    pub(crate) unsafe fn push(&mut self, node: NonNull<Node>) {
        let head = self.ends.map(|(head, tail)| {
            // SAFETY: the tail is in the list, so it is alive (N2); the caller vouches for the node.
            unsafe { connect(tail, node) };
            head
        });
        self.ends = Some((head.unwrap_or(node), node));
    }

    /// Takes a node out.
    ///
    /// # Safety
    /// The caller holds the lock (N1); the node is in this list, or in another one and no end of it.
    pub(crate) unsafe fn remove(&mut self, node: NonNull<Node>) {
        // SAFETY: the node is in a list, so it is alive (N2).
        let (previous, next) = unsafe { links(node, |links| (links.previous, links.next)) };
        self.ends = match self.ends {
            Some((head, tail)) if head == node && tail == node => None,
            Some((head, tail)) if head == node => Some((next, tail)),
            Some((head, tail)) if tail == node => Some((head, previous)),
            ends => {
                // SAFETY: it is no end, and the neighbours of a node in a list are in that list.
                unsafe { connect(previous, next) };
                ends
            }
        };
    }

    /// Takes the first node out.
    ///
    /// # Safety
    /// The caller holds the lock (N1).
    pub(crate) unsafe fn pop(&mut self) -> Option<NonNull<Node>> {
        let (head, tail) = self.ends?;
        // SAFETY: the head is in the list, so it is alive (N2).
        let next = unsafe { links(head, |links| links.next) };
        self.ends = if head == tail { None } else { Some((next, tail)) };
        Some(head)
    }

    /// Says whether this node is the first or the last.
    pub(crate) fn has_at_an_end(&self, node: NonNull<Node>) -> bool {
        self.ends.is_some_and(|(head, tail)| head == node || tail == node)
    }

    /// Takes nodes out, in their order, and shows them; a node may be gone when `f` returns. All of them if there is at
    /// most one more than two times `limit`, otherwise the first `limit`: the others are the answer.
    ///
    /// The way leads from one node to the next, so that a walk waits for each node to come from memory. So two walks are
    /// made at once, from both ends: `back` is where those from behind wait for the others.
    ///
    /// # Safety
    /// The caller holds the lock (N1), and `f` leaves the links of nodes alone that were not shown yet.
    pub(crate) unsafe fn drain(
        self,
        limit: usize,
        back: &mut Vec<NonNull<Node>>,
        mut f: impl FnMut(NonNull<Node>),
    ) -> List {
        let Some((mut first, tail)) = self.ends else { return self };
        let mut last = tail;
        while first != last {
            if back.len() == limit {
                back.clear();
                return List { ends: Some((first, tail)) };
            }
            // SAFETY: the node is in the list and was not shown yet, so it is alive (N2).
            let mut next = unsafe { links(first, |links| links.next) };
            // SAFETY: as above.
            let previous = unsafe { links(last, |links| links.previous) };
            back.push(last);
            f(first);
            if seeded(247) {
                // SAFETY: none: the node may be gone. This is the bug.
                next = unsafe { links(first, |links| links.next) };
            }
            if next == last {
                break; // they have met between two nodes
            }
            (first, last) = (next, previous);
        }
        if first == last {
            f(first);
        }
        while let Some(node) = back.pop() {
            f(node);
        }
        List::default()
    }

    /// The earliest deadline in the list.
    ///
    /// # Safety
    /// The caller holds the lock (N1).
    pub(crate) unsafe fn earliest(&self) -> Option<Deadline> {
        let (mut node, tail) = self.ends?;
        let mut earliest = Deadline::NEVER;
        loop {
            // SAFETY: the node is in the list, so it is alive (N2).
            let alarm = unsafe { &node.as_ref().alarm };
            earliest = earliest.min(alarm.deadline());
            if node == tail {
                return Some(earliest);
            }
            // SAFETY: as above.
            node = unsafe { links(node, |links| links.next) };
        }
    }
}

/// Makes `second` follow `first`.
///
/// # Safety
/// The caller holds the lock (N1); both nodes are alive.
unsafe fn connect(first: NonNull<Node>, second: NonNull<Node>) {
    // SAFETY: the caller vouches for it.
    unsafe { links(first, |links| links.next = second) };
    // SAFETY: the caller vouches for it.
    unsafe { links(second, |links| links.previous = first) };
}

/// Shows the links of a node for a moment.
///
/// # Safety
/// The caller holds the lock (N1); the node is alive; `f` does not ask for the same links again.
unsafe fn links<R>(node: NonNull<Node>, f: impl FnOnce(&mut Links) -> R) -> R {
    // SAFETY: the node is alive.
    let node = unsafe { node.as_ref() };
    // SAFETY: the lock makes the access exclusive (N1), `f` does not ask again.
    node.links.with_mut(|links| f(unsafe { &mut *links }))
}
