//! What a worker does that has no task: it looks for tasks of others, announces that it sleeps, looks once more, and sleeps.
//!
//! The steps that others rely on are those of [`idle`](crate::idle); here is the order in which a worker takes them.

use pelmeni_core::primitive::{seeded, yield_now};

use crate::cores::has_cores;
use crate::cost::pays_for_events;
use crate::drive;
use crate::queue::Steal;
use crate::seat::Seat;
use crate::watch::While;
use crate::worker::Worker;

impl Worker<'_> {
    /// Nothing of its own to do: looks for tasks of others, then sleeps.
    pub(crate) fn idle(&self) {
        self.errands.idle();
        if self.scheduler.is_single() {
            return self.sleep();
        }
        // Who was called, or has left somebody to rely on its search, has to search.
        let is_needed = self.searching.get() || !self.is_one_too_many();
        // A job that is about to end is over before a search; what there is to find is seen below, before the sleep.
        let has_time = is_needed && !self.errands.is_due();
        if has_time && !self.searching.get() && self.scheduler.start_search() {
            self.searching.set(true);
        }
        if self.searching.get() {
            match self.search() {
                Steal::Success(task) => return self.run(task),
                Steal::Retry => return, // somebody was faster, so there may be more
                Steal::Empty => {}
            }
        }
        debug_assert!(self.own.borrow().is_empty(), "nobody else could run these");
        let idle = &self.scheduler.idle;
        idle.sleep(self.seat.index, self.searching.replace(false));
        self.scheduler.watch.rouse(While::Busy);
        // The queues must be read once more after that announcement; see `idle`. Who would share a deque may have no core to.
        let is_one_too_many = self.is_one_too_many();
        let is_work = if is_needed || !is_one_too_many {
            self.scheduler.has_work()
        } else {
            self.scheduler.has_work_left()
        };
        let sleeps = !is_work && self.seat.pinned.is_empty();
        if sleeps {
            self.park(is_one_too_many);
        } else {
            // Somebody who searches has yet to come for it: let him.
            yield_now();
        }
        // It may be that nobody else does, and that this thread has a task of its own to run first, or leaves its seat.
        let resumes = is_work && !seeded(218);
        self.searching.set(idle.awake(self.seat.index, resumes));
        self.scheduler.watch.rouse(While::Idle);
        if sleeps {
            self.rise();
        }
    }

    /// Says whether there is no core for this worker. To be asked after it has announced its sleep, if it will rely on others.
    fn is_one_too_many(&self) -> bool {
        self.scheduler.is_one_too_many(self.seat.index)
    }

    fn sleep(&self) {
        self.park(false);
        if self.scheduler.is_monitored() {
            self.scheduler.watch.rouse(While::Idle);
        }
        self.rise();
    }

    fn park(&self, is_one_too_many: bool) {
        self.seat.counters.parks.add(1);
        let presence = &self.seat.presence;
        presence.fall_asleep();
        self.errands.await_end(|| self.seat.parker.has_token());
        let mut patience = self.patience.get();
        let (limit, is_alone) = (self.limit.get(), || has_cores() && self.is_last_awake());
        let drive = &self.scheduler.drive;
        if is_one_too_many && drive.is_one() {
            drive.park_without(self.seat, self.home, limit);
        } else {
            self.collect(|| drive.park(self.seat, self.home, limit, &mut patience, is_alone));
        }
        self.patience.set(patience);
        presence.wake_up();
    }

    /// Says whether all others are asleep, or were a moment ago. Who is awake may need the core, and so may what they wait for.
    fn is_last_awake(&self) -> bool {
        let is_other = |seat: &&Seat| seat.index != self.seat.index;
        !self
            .scheduler
            .seats_in_use()
            .iter()
            .filter(is_other)
            .any(|seat| seat.presence.is_at_work())
    }

    /// What comes after a sleep: it has looked around, and others may be needed for what it found.
    fn rise(&self) {
        let now = drive::now();
        self.looked.set(now);
        self.look_at.set(self.tick.get().wrapping_add(self.look_every.get()));
        self.fire_timers(self.home, now);
        self.share(pays_for_events);
    }

    /// Leaves the count of searchers; the last one passes the search on if there is more to find. What lies in a deque has
    /// an owner who is awake, so that it must be `worth` it; what lies in an inbox may have none.
    pub(crate) fn stop_searching(&self, worth: bool) {
        let is_last = self.searching.replace(false) && self.scheduler.idle.found();
        let is_left = |seat: &Seat| if worth { seat.has_work() } else { !seat.inbox.is_empty() };
        if is_last && self.scheduler.seats_in_use().iter().any(is_left) {
            self.scheduler.notify(self.seat.index);
        }
    }
}
