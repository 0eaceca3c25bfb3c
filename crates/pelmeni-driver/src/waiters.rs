//! The wakers of one source: nearly always one for each direction, sometimes a crowd.
//!
//! The first waiter of each direction has a place of its own; others go to the crowd, which costs an allocation. A waiter
//! that polls again with an equal waker finds its old one and clones nothing.
//!
//! Nobody tells the list that a future was dropped: a waker says who wants to be woken and not whether he still does. A
//! stale waker is harmless (a wake too many), but a source on which ever new tasks wait for a while and give up, and where
//! no event ever comes, would collect them without end. So a crowd that has grown **calls the roll**: everyone is woken;
//! the living poll again and are found in the list; whoever has not come by the next call is struck off. The crowd may
//! then grow to twice the number of the living, which makes the roll cheap: each call is paid by as many arrivals.

use std::task::Waker;

use crate::Direction;

/// A crowd of this size calls the roll for the first time.
const CROWD: usize = 32;

/// The wakers of one source.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    read: Option<Waker>,
    write: Option<Waker>,
    crowd: Option<Box<Crowd>>,
}

/// Those who found the first place taken.
#[derive(Debug)]
pub(crate) struct Crowd {
    members: Vec<Member>,
    /// The number of members at which the roll is called.
    limit: usize,
}

#[derive(Debug)]
struct Member {
    direction: Direction,
    waker: Waker,
    /// Woken by the last call and not come back since.
    missing: bool,
}

impl Waiters {
    /// Looks for an equal waker; if it is there, nothing needs to be added.
    pub(crate) fn find(&mut self, direction: Direction, waker: &Waker) -> bool {
        if self.place(direction).as_ref().is_some_and(|first| first.will_wake(waker)) {
            return true;
        }
        let members = self.crowd.iter_mut().flat_map(|crowd| &mut crowd.members);
        let mut equal =
            members.filter(|member| member.direction == direction && member.waker.will_wake(waker));
        match equal.next() {
            Some(member) => {
                member.missing = false;
                true
            }
            None => false,
        }
    }

    /// Adds a waker. A crowd that has become too large is handed to the caller, who must let go of the lock,
    /// [`call`](Crowd::call) the roll and bring it [`back`](Waiters::rejoin).
    #[must_use]
    pub(crate) fn add(&mut self, direction: Direction, waker: Waker) -> Option<Box<Crowd>> {
        let first = self.place(direction);
        if first.is_none() {
            *first = Some(waker);
            return None;
        }
        let crowd = self.crowd.get_or_insert_with(Crowd::new);
        crowd.members.push(Member { direction, waker, missing: false });
        if crowd.members.len() < crowd.limit { None } else { self.crowd.take() }
    }

    /// Adds a crowd that has called its roll to whoever came in the meantime.
    pub(crate) fn rejoin(&mut self, mut crowd: Box<Crowd>) {
        if let Some(meantime) = self.crowd.take() {
            crowd.members.extend(meantime.members);
        }
        self.crowd = Some(crowd);
    }

    /// Moves the wakers of one direction to `wakers`.
    pub(crate) fn take(&mut self, direction: Direction, wakers: &mut Vec<Waker>) {
        wakers.extend(self.place(direction).take());
        if let Some(crowd) = &mut self.crowd {
            let called = crowd.members.extract_if(.., |member| member.direction == direction);
            wakers.extend(called.map(|member| member.waker));
            if crowd.members.is_empty() {
                self.crowd = None;
            }
        }
    }

    fn place(&mut self, direction: Direction) -> &mut Option<Waker> {
        match direction {
            Direction::Read => &mut self.read,
            Direction::Write => &mut self.write,
        }
    }
}

impl Crowd {
    fn new() -> Box<Crowd> {
        Box::new(Crowd { members: Vec::new(), limit: CROWD })
    }

    /// Calls the roll: strikes off whoever did not come after the last call, and wakes the others. No lock is held.
    pub(crate) fn call(&mut self) {
        self.members.retain(|member| !member.missing);
        for member in &mut self.members {
            member.missing = true;
            member.waker.wake_by_ref();
        }
        self.limit = CROWD.max(2 * self.members.len());
    }
}
