//! Who waits, first come first served.
//!
//! ```text
//!          push                      remove: what it was granted goes
//! (none) ---1--> Waiting ----4----> (none)        to its owner, or back
//!                 |  |                 ^
//!                 |  '-2-> Granted --4-|
//!                 '----3-> Closed ---4-'
//! ```
//!
//! 1 [`push`](Waiters::push), 2 [`grant_first`](Waiters::grant_first), 3 [`close_all`](Waiters::close_all), 4
//! [`remove`](Waiters::remove).
//!
//! The entries live in a slab. Those that wait are linked by index into a queue, so that one which gives up in the
//! middle costs as little as the first; those that were granted or closed have left the queue and keep their place in
//! the slab until their owner comes for it. An entry's owner holds its [`Ticket`], and nobody else frees it: an index
//! cannot be stale, and no generation is needed. No entry, no allocation.
//!
//! Rejected: linking the waiting futures themselves, pinned, as others do. It saves the slab and costs the proof that
//! no link outlives its future; this file has no `unsafe`.
//!
//! There is no lock in here and nothing that waits: [`gate`](crate::gate) has both. What the list is told to wake it
//! collects, for whoever holds the lock to invoke later.

use crate::wakers::Wakers;
use std::mem;
use std::task::Waker;

/// No index: the end of a list.
const NONE: usize = usize::MAX;

/// A crowd that leaves gives back its memory if it needed more than this many entries.
const KEPT: usize = 32;

/// The right to one entry. Made by `push`, spent in `remove`.
#[derive(Debug)]
pub(crate) struct Ticket(usize);

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With what was asked for.
    Granted,
    /// Without: nobody will get it any more.
    Closed,
}

/// The state of one entry.
#[derive(Debug)]
pub(crate) enum Stage {
    /// In the queue. The waker is the one of the last poll.
    Waiting(Waker),
    /// Out of the queue; the owner has been woken.
    Ended(End),
}

impl Stage {
    /// How the wait has ended, if it has.
    pub(crate) fn end(&self) -> Option<End> {
        match self {
            Stage::Waiting(_) => None,
            Stage::Ended(end) => Some(*end),
        }
    }
}

#[derive(Debug)]
struct Entry<Q> {
    request: Q,
    stage: Stage,
    /// Neighbours in the queue; meaningless once the wait has ended.
    previous: usize,
    next: usize,
}

#[derive(Debug)]
enum Slot<Q> {
    Taken(Entry<Q>),
    /// The next vacant slot.
    Vacant(usize),
}

/// A queue of requests `Q`, and the entries that have left it and were not yet fetched.
#[derive(Debug)]
pub(crate) struct Waiters<Q> {
    slots: Vec<Slot<Q>>,
    vacant: usize,
    first: usize,
    last: usize,
    /// Entries in the queue.
    waiting: usize,
    /// Entries in the slab.
    taken: usize,
    wakers: Wakers,
}

impl<Q> Waiters<Q> {
    pub(crate) const fn new() -> Self {
        Waiters {
            slots: Vec::new(),
            vacant: NONE,
            first: NONE,
            last: NONE,
            waiting: 0,
            taken: 0,
            wakers: Wakers::new(),
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Puts a request at the end of the queue.
    pub(crate) fn push(&mut self, request: Q, waker: Waker) -> Ticket {
        let stage = Stage::Waiting(waker);
        let entry = Entry { request, stage, previous: self.last, next: NONE };
        let index = self.occupy(entry);
        match self.last {
            NONE => self.first = index,
            last => self.entry(last).next = index,
        }
        self.last = index;
        self.waiting += 1;
        Ticket(index)
    }

    /// The request that has waited longest.
    pub(crate) fn first(&self) -> Option<&Q> {
        match self.slots.get(self.first) {
            Some(Slot::Taken(entry)) => Some(&entry.request),
            _ => None,
        }
    }

    /// Ends the longest wait. The request may be changed, to tell its owner more than that.
    pub(crate) fn grant_first(&mut self) -> Option<&mut Q> {
        self.end_first(End::Granted)
    }

    /// Ends every wait, for good.
    pub(crate) fn close_all(&mut self) {
        while self.end_first(End::Closed).is_some() {}
    }

    /// What has become of a wait.
    pub(crate) fn stage(&mut self, ticket: &Ticket) -> &mut Stage {
        &mut self.entry(ticket.0).stage
    }

    /// Takes an entry out. If it waited, its waker is in the answer, to be dropped without the lock.
    /// The ticket is void afterwards.
    pub(crate) fn remove(&mut self, ticket: &Ticket) -> (Q, Stage) {
        let Ticket(index) = *ticket;
        if matches!(self.entry(index).stage, Stage::Waiting(_)) {
            self.unlink(index);
        }
        let slot = mem::replace(&mut self.slots[index], Slot::Vacant(self.vacant));
        self.vacant = index;
        self.taken -= 1;
        if self.taken == 0 && self.slots.len() > KEPT {
            self.slots = Vec::new();
            self.vacant = NONE;
        }
        match slot {
            Slot::Taken(entry) => (entry.request, entry.stage),
            Slot::Vacant(_) => unreachable!("a ticket is spent once"),
        }
    }

    /// The wakers of the waits that were ended since the last call.
    pub(crate) fn take_wakers(&mut self) -> Wakers {
        self.wakers.take()
    }

    fn end_first(&mut self, end: End) -> Option<&mut Q> {
        if self.first == NONE {
            return None;
        }
        let index = self.first;
        self.unlink(index);
        match mem::replace(&mut self.entry(index).stage, Stage::Ended(end)) {
            Stage::Waiting(waker) => self.wakers.push(waker),
            Stage::Ended(_) => unreachable!("only those that wait are in the queue"),
        }
        Some(&mut self.entry(index).request)
    }

    /// Takes an entry out of the queue and leaves it in the slab.
    fn unlink(&mut self, index: usize) {
        let Entry { previous, next, .. } = *self.entry(index);
        match previous {
            NONE => self.first = next,
            previous => self.entry(previous).next = next,
        }
        match next {
            NONE => self.last = previous,
            next => self.entry(next).previous = previous,
        }
        self.waiting -= 1;
    }

    fn occupy(&mut self, entry: Entry<Q>) -> usize {
        self.taken += 1;
        let index = self.vacant;
        match self.slots.get_mut(index) {
            None => {
                self.slots.push(Slot::Taken(entry));
                self.slots.len() - 1
            }
            Some(slot) => match mem::replace(slot, Slot::Taken(entry)) {
                Slot::Vacant(next) => {
                    self.vacant = next;
                    index
                }
                Slot::Taken(_) => unreachable!("the list of vacant slots has vacant slots only"),
            },
        }
    }

    fn entry(&mut self, index: usize) -> &mut Entry<Q> {
        match &mut self.slots[index] {
            Slot::Taken(entry) => entry,
            Slot::Vacant(_) => unreachable!("a ticket or a link names an entry"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Stage, Ticket, Waiters};
    use std::task::Waker;

    fn crowd(names: impl IntoIterator<Item = u32>) -> (Waiters<u32>, Vec<Ticket>) {
        let mut waiters = Waiters::new();
        let tickets = names.into_iter().map(|name| waiters.push(name, Waker::noop().clone()));
        let tickets = tickets.collect();
        (waiters, tickets)
    }

    /// Grants all who wait and answers who they were.
    fn drain(waiters: &mut Waiters<u32>) -> Vec<u32> {
        let mut order = Vec::new();
        while let Some(name) = waiters.grant_first() {
            order.push(*name);
        }
        order
    }

    #[test]
    fn first_come_first_served() {
        let (mut waiters, _tickets) = crowd(0..5);
        assert_eq!(drain(&mut waiters), [0, 1, 2, 3, 4]);
        assert!(waiters.is_empty());
    }

    #[test]
    fn one_gives_up_at_the_front_in_the_middle_at_the_end() {
        let (mut waiters, mut tickets) = crowd(0..5);
        for place in [4, 2, 0] {
            let (name, stage) = waiters.remove(&tickets.remove(place));
            assert_eq!(name as usize, place);
            assert!(matches!(stage, Stage::Waiting(_)));
        }
        assert_eq!(waiters.len(), 2);
        assert_eq!(drain(&mut waiters), [1, 3]);
    }

    #[test]
    fn everybody_gives_up() {
        let (mut waiters, tickets) = crowd(0..3);
        for ticket in tickets {
            waiters.remove(&ticket);
        }
        assert_eq!(waiters.first(), None);
        waiters.push(7, Waker::noop().clone());
        assert_eq!(drain(&mut waiters), [7]);
    }

    #[test]
    fn slots_are_used_again_and_order_is_kept() {
        let (mut waiters, mut tickets) = crowd(0..4);
        waiters.remove(&tickets.remove(1));
        waiters.remove(&tickets.remove(1));
        for name in [4, 5, 6] {
            waiters.push(name, Waker::noop().clone());
        }
        assert_eq!(waiters.slots.len(), 5);
        assert_eq!(drain(&mut waiters), [0, 3, 4, 5, 6]);
    }

    #[test]
    fn ended_entry_stays_until_its_owner_comes() {
        let (mut waiters, mut tickets) = crowd(0..3);
        *waiters.grant_first().unwrap() = 10;
        waiters.close_all();
        assert!(waiters.is_empty());
        assert!(matches!(waiters.stage(&tickets[0]), Stage::Ended(End::Granted)));
        assert!(matches!(waiters.stage(&tickets[1]), Stage::Ended(End::Closed)));
        assert_eq!(waiters.remove(&tickets.remove(0)).0, 10);
        assert_eq!(waiters.remove(&tickets.remove(1)).0, 2);
        assert_eq!(waiters.remove(&tickets.remove(0)).0, 1);
    }

    #[test]
    fn crowd_gives_back_its_memory() {
        let (mut waiters, tickets) = crowd(0..1000);
        drain(&mut waiters);
        waiters.take_wakers().wake();
        for ticket in tickets {
            waiters.remove(&ticket);
        }
        assert_eq!(waiters.slots.capacity(), 0);
        waiters.push(1, Waker::noop().clone());
        assert_eq!(waiters.first(), Some(&1));
    }
}
