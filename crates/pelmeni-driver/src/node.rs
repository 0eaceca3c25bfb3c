//! A timer's part of the wheel: a node that lies in the timer, and the ring of nodes of one slot.
//!
//! ```text
//!   Ring { head } ──► A ◄──► B ◄──► C       new ones enter behind C, which is A's previous one
//!                     ▲             ▲
//!                     └─────────────┘
//! ```
//!
//! A ring with one pointer takes eight bytes in the slot and still finds both of its ends.
//!
//! N1. The links of a node are touched only under the lock of its wheel.
//!
//! N2. A node that is linked stays where it is and stays alive: the timer is pinned, and unlinks it before it goes.
//!
//! N3. Whoever takes a node out of the wheel says so in its alarm when he is done with it, and not before: from then on
//! the timer may be gone.

use std::ptr::NonNull;
use std::task::Waker;

use pelmeni_core::primitive::{UnsafeCell, seeded};

use crate::Deadline;
use crate::alarm::Alarm;

/// A deadline, and its place in a ring.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) alarm: Alarm,
    links: UnsafeCell<Links>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Links {
    previous: NonNull<Node>,
    next: NonNull<Node>,
    /// Whom to wake; `None` while it is not linked.
    pub(crate) waker: Option<Waker>,
}

// SAFETY: the pointers among the links lead to nodes of the same wheel and are followed under its lock only (N1), by
// whichever thread holds it; the rest is Send.
unsafe impl Send for Node {}
// SAFETY: a shared reference gives access to atomics only; the links need the lock (N1).
unsafe impl Sync for Node {}

/// The nodes of one slot, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    head: Option<NonNull<Node>>,
}

impl Node {
    pub(crate) fn new(deadline: Deadline) -> Node {
        let links = Links { previous: NonNull::dangling(), next: NonNull::dangling(), waker: None };
        Node { alarm: Alarm::new(deadline), links: UnsafeCell::new(links) }
    }

    /// Shows the links for a moment.
    ///
    /// # Safety
    /// The caller holds the lock of the node's wheel (N1), and `f` does not ask for the same links again.
    pub(crate) unsafe fn with_links<R>(&self, f: impl FnOnce(&mut Links) -> R) -> R {
        self.links.with_mut(|links| {
            // SAFETY: the lock makes the access exclusive (N1), `f` is not called twice.
            f(unsafe { &mut *links })
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // No lock is needed any more, and nothing to be done: it is for loom, which sees here that nobody else still
        // has his hands in the links (N3).
        self.links.with_mut(|_| ());
    }
}

impl Links {
    /// Makes sure that `waker`, or an equal one, is the one to wake; if it takes that, by exchanging `spare`, a clone of
    /// it, for the old one. Whether it succeeded: if not, it lacked a clone.
    pub(crate) fn take_waker(&mut self, waker: &Waker, spare: &mut Option<Waker>) -> bool {
        if self.waker.as_ref().is_some_and(|old| old.will_wake(waker) || seeded(90)) {
            return true;
        }
        let exchanged = spare.is_some();
        if exchanged {
            std::mem::swap(&mut self.waker, spare);
        }
        exchanged
    }
}

impl Ring {
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// Adds a node at the end.
    ///
    /// # Safety
    /// The caller holds the lock (N1); the node is in no ring, and stays where it is until it leaves this one (N2).
    pub(crate) unsafe fn push(&mut self, node: NonNull<Node>) {
        let Some(head) = self.head else {
            // SAFETY: the caller vouches for the node and the lock.
            unsafe { connect(node, node) };
            self.head = Some(node);
            return;
        };
        // SAFETY: the head is in the ring, so it is alive (N2).
        let tail = unsafe { links(head, |links| links.previous) };
        // SAFETY: the tail is in the ring; the caller vouches for the node.
        unsafe { connect(tail, node) };
        // SAFETY: the head is in the ring; the caller vouches for the node.
        unsafe { connect(node, head) };
    }

    /// Takes a node out.
    ///
    /// # Safety
    /// The caller holds the lock (N1); the node is in this ring.
    pub(crate) unsafe fn remove(&mut self, node: NonNull<Node>) {
        // SAFETY: the node is in the ring, so it is alive (N2).
        let (previous, next) = unsafe { links(node, |links| (links.previous, links.next)) };
        if next == node {
            self.head = None;
            return;
        }
        // SAFETY: the neighbours of a node in the ring are in the ring.
        unsafe { connect(previous, next) };
        if self.head == Some(node) {
            self.head = Some(next);
        }
    }

    /// Takes the first node out.
    ///
    /// # Safety
    /// The caller holds the lock (N1).
    pub(crate) unsafe fn pop(&mut self) -> Option<NonNull<Node>> {
        let head = self.head?;
        // SAFETY: the head is in the ring.
        unsafe { self.remove(head) };
        Some(head)
    }

    /// Says whether this node is the first.
    pub(crate) fn begins_with(&self, node: NonNull<Node>) -> bool {
        self.head == Some(node)
    }

    /// Takes nodes out, in their order, and shows them; a node may be gone when `f` returns. All of them if there is at
    /// most one more than two times `limit`, otherwise the first `limit`: the others are the answer.
    ///
    /// The way leads from one node to the next, so that a walk waits for each node to come from memory. So two walks are
    /// made at once, from both ends: `back` is where those from behind wait for the others.
    ///
    /// # Safety
    /// The caller holds the lock (N1), and `f` leaves the links of all nodes but its own alone.
    pub(crate) unsafe fn drain(
        self,
        limit: usize,
        back: &mut Vec<NonNull<Node>>,
        mut f: impl FnMut(NonNull<Node>),
    ) -> Ring {
        let Some(head) = self.head else { return self };
        let mut first = head;
        // SAFETY: the head is in the ring, so it is alive (N2).
        let tail = unsafe { links(head, |links| links.previous) };
        let mut last = tail;
        while first != last {
            if back.len() == limit {
                back.clear();
                // SAFETY: neither was shown yet, so both are alive (N2).
                unsafe { connect(tail, first) };
                return Ring { head: Some(first) };
            }
            // SAFETY: the node is in the ring and was not shown yet, so it is alive (N2).
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
        Ring::default()
    }

    /// The earliest deadline in the ring.
    ///
    /// # Safety
    /// The caller holds the lock (N1).
    pub(crate) unsafe fn earliest(&self) -> Option<Deadline> {
        let head = self.head?;
        let mut earliest = Deadline::NEVER;
        let mut node = head;
        loop {
            // SAFETY: the node is in the ring, so it is alive (N2).
            let alarm = unsafe { &node.as_ref().alarm };
            earliest = earliest.min(alarm.deadline());
            // SAFETY: as above.
            node = unsafe { links(node, |links| links.next) };
            if node == head {
                return Some(earliest);
            }
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
    // SAFETY: the lock is held, `f` behaves.
    unsafe { node.with_links(f) }
}
