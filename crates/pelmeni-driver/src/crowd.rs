//! Those who wait for one direction of a source besides the first: rare, and an allocation.
//!
//! A waiter that polls again with an equal waker finds its old one and clones nothing.
//!
//! Nobody tells the crowd that a future was dropped: a waker says who wants to be woken and not whether he still does. A
//! stale waker is harmless (a wake too many), but a source on which ever new tasks wait for a while and give up, and where
//! no event ever comes, would collect them without end. So a crowd that has grown **calls the roll**: everyone is woken;
//! the living poll again and are found in the list; whoever has not come after a second is struck off by the next call.
//! (If he lives after all, he has been woken and will add himself anew.) The limit for the next call is twice the number
//! of those who are left: among the living the calls soon end, each is paid by as many arrivals, and the dead are never
//! more than what comes in a few seconds.

use std::task::Waker;
use std::time::Duration;

use crate::Deadline;
use crate::driver::wake_by_ref;

/// A crowd of this size calls the roll for the first time.
const CROWD: usize = 32;

/// How long the living may take to come back.
const GRACE: Duration = Duration::from_secs(1);

/// Those who found the first place taken.
#[derive(Debug)]
pub(crate) struct Crowd {
    members: Vec<Member>,
    /// The number of members at which the roll is called.
    limit: usize,
}

#[derive(Debug)]
struct Member {
    waker: Waker,
    /// Called at this time and not come back since.
    called: Option<Deadline>,
}

impl Default for Crowd {
    fn default() -> Crowd {
        Crowd { members: Vec::new(), limit: CROWD }
    }
}

impl Crowd {
    /// Looks for an equal waker, which thereby has come back.
    pub(crate) fn find(&mut self, waker: &Waker) -> bool {
        let equal = self.members.iter_mut().find(|member| member.waker.will_wake(waker));
        match equal {
            Some(member) => {
                member.called = None;
                true
            }
            None => false,
        }
    }

    pub(crate) fn add(&mut self, waker: Waker) {
        self.members.push(Member { waker, called: None });
    }

    /// Adds another crowd.
    pub(crate) fn join(&mut self, other: Crowd) {
        self.members.extend(other.members);
    }

    /// The wakers of all of them.
    pub(crate) fn leave(self) -> impl Iterator<Item = Waker> {
        self.members.into_iter().map(|member| member.waker)
    }

    /// Whether the roll must be called.
    pub(crate) fn is_too_large(&self) -> bool {
        self.members.len() >= self.limit
    }

    /// Calls the roll: strikes off whoever did not come in time after an earlier call, and wakes the others. No lock is
    /// held.
    pub(crate) fn call(&mut self, now: Deadline) {
        self.members.retain(|member| member.called.is_none_or(|called| now < called + GRACE));
        for member in self.members.iter_mut().filter(|member| member.called.is_none()) {
            member.called = Some(now);
            wake_by_ref(&member.waker);
        }
        self.limit = CROWD.max(2 * self.members.len());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::waiters::Waiters;

    /// A waiter that counts its wakes.
    #[derive(Default)]
    struct Guest(AtomicUsize);

    impl Wake for Guest {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What a source does with a waiter, without its lock. Whether the roll was called.
    fn arrive(waiters: &mut Waiters, guest: &Arc<Guest>, now: Deadline) -> bool {
        let waker = Waker::from(guest.clone());
        if waiters.find(&waker) {
            return false;
        }
        let Some(mut crowd) = waiters.add(waker) else { return false };
        crowd.call(now);
        waiters.rejoin(crowd);
        true
    }

    fn guests(count: usize) -> Vec<Arc<Guest>> {
        std::iter::repeat_with(Arc::default).take(count).collect()
    }

    #[test]
    fn living_crowd_is_called_a_few_times_and_then_left_in_peace() {
        let mut waiters = Waiters::default();
        let guests = guests(1000);
        let mut heard = vec![usize::MAX; guests.len()];
        let (mut polls, mut calls) = (0, 0);
        // Whoever is woken comes back, but only after everyone who was queued before him.
        for round in 0.. {
            assert!(round < 20, "the roll is called for ever");
            let mut peace = true;
            for (guest, heard) in guests.iter().zip(&mut heard) {
                let now = guest.0.load(Ordering::Relaxed);
                if std::mem::replace(heard, now) != now {
                    peace = false;
                    polls += 1;
                    calls += usize::from(arrive(&mut waiters, guest, Deadline::ZERO));
                }
            }
            if peace {
                break;
            }
        }
        assert!(polls < 5 * guests.len(), "{polls} polls");
        assert!(calls <= 6, "{calls} calls");
        let mut wakers = Vec::new();
        waiters.take(&mut wakers);
        assert_eq!(wakers.len(), guests.len());
    }

    #[test]
    fn dead_are_struck_off_after_a_while() {
        let mut waiters = Waiters::default();
        let guests = guests(10_000);
        let mut now = Deadline::ZERO;
        for guest in &guests {
            now = now + Duration::from_millis(10);
            arrive(&mut waiters, guest, now);
        }
        let held = guests.iter().filter(|guest| Arc::strong_count(guest) > 1).count();
        assert!(held < 500, "{held} are still in the list");
    }

    #[test]
    fn all_are_taken_at_once() {
        let mut waiters = Waiters::default();
        let guests = guests(20);
        for guest in &guests {
            assert!(waiters.add(Waker::from(guest.clone())).is_none());
        }
        let mut wakers = Vec::new();
        waiters.take(&mut wakers);
        assert_eq!(wakers.len(), guests.len());
        assert!(waiters.crowd.is_none());
    }
}
