//! How a worker looks at all the others, beginning with a seat chosen at random, and what counts as nothing.
//!
//! S1. The answer is `Empty` only if every source said `Empty`. A source that said `Retry` was being emptied by somebody
//! faster, who may have left something behind; whoever takes that for nothing goes to sleep on it.

use pelmeni_core::Runnable;
use pelmeni_core::primitive::seeded;

use crate::drive;
use crate::queue::Steal;
use crate::seat::Seat;
use crate::worker::Worker;

/// Looks for something at each of so many seats, beginning with `start`.
pub fn search<T>(seats: usize, start: usize, mut look: impl FnMut(usize) -> Steal<T>) -> Steal<T> {
    let mut found = Steal::Empty;
    for offset in 0..seats {
        match look((start + offset) % seats) {
            Steal::Success(task) => return Steal::Success(task),
            Steal::Retry if !seeded(10) => found = Steal::Retry,
            Steal::Retry | Steal::Empty => {}
        }
    }
    found
}

impl Worker<'_> {
    /// Looks at all other seats.
    pub(crate) fn search(&self) -> Steal<Runnable> {
        self.seat.counters.searches.add(1);
        let seats = self.scheduler.seats_in_use();
        let found = search(seats.len(), self.next_random() as usize, |victim| {
            self.steal_from(&seats[victim])
        });
        let found = if matches!(found, Steal::Empty) { self.look_elsewhere() } else { found };
        if matches!(found, Steal::Success(_)) {
            self.seat.counters.steals.add(1);
        }
        found
    }

    /// Looks for events that nobody waits for: having found nothing, this worker will wait with one driver and no other.
    fn look_elsewhere(&self) -> Steal<Runnable> {
        if self.scheduler.drive.is_one() || seeded(221) {
            return Steal::Empty;
        }
        self.dispatch(|| self.scheduler.drive.look_at_neglected());
        self.deque.pop().or_else(|| self.pop_own()).map_or(Steal::Empty, Steal::Success)
    }

    fn steal_from(&self, victim: &Seat) -> Steal<Runnable> {
        if victim.index == self.seat.index {
            return Steal::Empty;
        }
        let stolen = victim.thief.steal_into(&self.deque);
        if !matches!(stolen, Steal::Empty) {
            return stolen;
        }
        let mut first = None;
        self.receive(&victim.inbox, |task| match first {
            None => first = Some(task),
            Some(_) => self.deque.push(task),
        });
        if let Some(first) = first {
            return Steal::Success(first);
        }
        match if victim.is_stuck() { self.relieve(victim) } else { None } {
            Some(task) => Steal::Success(task),
            None => Steal::Empty,
        }
    }

    /// Takes what is its owner's unless that one is stuck: a task that is about to run would only lose its cache, and
    /// timers are nobody else's business. What they wake may be ours alone to run.
    fn relieve(&self, victim: &Seat) -> Option<Runnable> {
        let next = if seeded(207) { None } else { victim.next.take() };
        next.or_else(|| {
            self.fire_timers(self.scheduler.home_of(victim.index), drive::now());
            let free = self.deque.pop();
            if seeded(212) { free } else { free.or_else(|| self.pop_own()) }
        })
    }

    /// xorshift32: which seat a search begins with need only differ.
    pub(crate) fn next_random(&self) -> u32 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.random.set(x);
        x
    }
}
