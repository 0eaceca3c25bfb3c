//! How many workers there are cores for: [`Room`]. The monitor finds it out: it looks what they do ([`survey`](crate::survey)),
//! and decides ([`limits`](crate::limits)).
//!
//! A runtime has as many workers as it was given, and the cores may be fewer: others need them, or there never were as many.
//! Workers that share a core get nothing done that one of them would not. They take turns of some milliseconds, each with a
//! part of the tasks; whoever talks to those that wait waits as well, and each turn begins with a cold cache.
//!
//! The kernel counts how long a thread could have run, and had no core. If that is half of one worker's time or more, and a
//! quarter of all theirs, twice in a row, and their polls are short, the monitor *limits* the workers to as many as had a core,
//! if they had one that was as good as whole. While they are limited:
//!
//! * a wake for short polls does not pay once so many are awake ([`cost`](crate::cost)), unless their tasks go on by themselves
//!   ([`look`](crate::look)), or lie in an inbox;
//! * a worker is *one too many* if so many before it, in the order of their seats, are awake and get on. It has its own queue to
//!   the end, but then it looks for nobody else's tasks, and sleeps without waiting for the kernel, unless there are several
//!   drivers ([`rest`](crate::rest), [`drive`](crate::drive)). What is in a queue, long polls too, is left to its owner, until
//!   that one is stuck or looks around; whoever is woken for a long poll comes for it.
//!
//! The limit is lifted after a while, to see whether it is still needed; if it is, the next one lasts twice as long. And it is
//! lifted if the workers get much less done than before, although there is something to do: then they have the cores for
//! themselves no more than before, but there is one less to claim a share from whoever else wants them. So it is a limit for
//! those who wait for each other, as a server and its clients on one machine do, and for more workers than cores. If cores get
//! free meanwhile, the workers do not know that before it is lifted.
//!
//! Rejected: *to compare what polls take, alone and in company* (`cost` does so for tasks that are in each other's way; but a
//! thread is taken off its core once in a thousand short polls, and few of them are timed); *a look at how long a thread had its
//! core* (one that blocks has none either).

use std::num::NonZeroUsize;

use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::seeded;

use crate::scheduler::Scheduler;
use crate::seat::Seat;

/// How many workers have a core; zero if there are enough for all, as far as is known. Any answer is good, since whoever relies
/// on others who are awake looks whether they are; so it is Relaxed.
#[derive(Debug, Default)]
pub(crate) struct Room(AtomicUsize);

impl Room {
    /// For how many workers there are cores; `None` if there is no limit.
    #[inline]
    pub(crate) fn limit(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, limit: Option<NonZeroUsize>) {
        self.0.store(limit.map_or(0, NonZeroUsize::get), Ordering::Relaxed);
    }
}

impl Scheduler {
    /// Says whether as many workers get on as there are cores for. The answer may be old.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.room.limit().is_some_and(|room| self.get_on(self.threads + 1, room))
    }

    /// Says whether the worker in this seat is one too many: there are no cores for more than those before it who get on. The
    /// answer may be old; but who asks after it has announced its sleep sees the sleep of all on whom it would rely.
    #[inline]
    pub(crate) fn is_one_too_many(&self, seat: usize) -> bool {
        let is_spare = seat > self.threads;
        self.room.limit().is_some_and(|room| !is_spare && self.get_on(seat, room))
    }

    /// Says whether so many workers in the first seats are awake, and not known to be stuck. Who was called and has yet to wake
    /// up does not count.
    fn get_on(&self, seats: usize, workers: NonZeroUsize) -> bool {
        let workers = workers.get();
        let is_awake = |seat: &Seat| !self.idle.is_asleep(seat.index) && seat.presence.is_at_work();
        let is_there = |seat: &Seat| is_awake(seat) || (seeded(297) && seat.presence.is_occupied());
        let gets_on = |seat: &&Seat| is_there(seat) && (!seat.is_stuck() || seeded(298));
        self.seats[..seats].iter().filter(gets_on).take(workers).count() == workers
    }
}
