//! What a busy worker does from time to time: it looks at its inbox, at its timers and at events, and whether it should have
//! help.
//!
//! That costs a look at the clock at least, so it comes after so many polls as take about [`LOOK_AFTER`], and after
//! [`LOOK_EVERY_MAX`] at most.
//!
//! Timers and events have their turn once for each round of the queue, as in an event loop of one thread: whom they wake
//! queues behind those that are there, whoever waits for several timers is polled for all of them at once, and one system
//! call brings all the events of a round. If the round is long, their turn comes at the first look after [`ROUND_MAX`].

use std::time::Duration;

use pelmeni_core::{Runnable, contain};

use crate::cost::pays_for;
use crate::drive::{self, Deadline};
use crate::seat::Seat;
use crate::worker::Worker;

/// After how many polls at most a busy worker looks around.
const LOOK_EVERY_MAX: u32 = 64;
/// How long a busy worker should go without: the number of polls follows from it.
const LOOK_AFTER: Duration = Duration::from_micros(100);
/// How long timers and events wait at most for the end of a round of the queue.
const ROUND_MAX: Duration = Duration::from_millis(1);

impl Worker<'_> {
    /// What a busy worker does from time to time: deliveries and, once a round, timers and events.
    #[cold]
    pub(crate) fn look_around(&self) {
        self.errands.forget();
        let (polls, average) = self.plan_next_look();
        // Tasks that go on by themselves pay for the move in the end, however short their polls are. Those that only try once
        // more whether there is something to read are two of three polls at most.
        let go_on = self.again.take() * 4 > polls * 3 && self.deque.len() > 1;
        // Once is no rule: this thread may have been interrupted. The next look comes soon if the polls are long.
        let pays = pays_for(self.deque.len(), average, self.scheduler.is_full());
        if go_on || (self.paid.replace(pays) && pays) {
            self.scheduler.notify(self.seat.index);
        }
        if self.has_gone_round(average) {
            self.fire_timers(self.home, self.looked.get());
            self.dispatch(|| self.scheduler.drive.look(self.home.index, self.next_random()));
        }
        if let Some(task) = self.take_delivered() {
            self.requeue(task);
        }
    }

    /// Sets the distance to the next look, in polls, so that it is about the time that it should be. The answer is how many
    /// there were since the last look, and how long they took on average.
    fn plan_next_look(&self) -> (u32, Duration) {
        let now = drive::now();
        let took = now.until(self.looked.replace(now)).unwrap_or(Duration::ZERO);
        let every = self.look_every.get();
        let fitting = u128::from(every) * LOOK_AFTER.as_nanos() / took.as_nanos().max(1);
        let most = (every * 2).min(LOOK_EVERY_MAX);
        self.look_every.set(u32::try_from(fitting).map_or(most, |fitting| fitting.clamp(1, most)));
        self.look_at.set(self.tick.get().wrapping_add(self.look_every.get()));
        (every, took / every)
    }

    /// Says whether the tasks that are queued could have been polled since timers and events last had their turn, or that
    /// has been so long ago that nobody should wait for it.
    fn has_gone_round(&self, average: Duration) -> bool {
        let queued = self.deque.len() + self.own.borrow().len();
        let round = average.saturating_mul(u32::try_from(queued).unwrap_or(u32::MAX));
        let now = self.looked.get();
        let since = now.until(self.went_round.get()).unwrap_or(Duration::ZERO);
        if since < round.min(ROUND_MAX) {
            return false;
        }
        self.went_round.set(now);
        true
    }

    fn requeue(&self, task: Runnable) {
        if self.scheduler.is_single() || task.is_local() {
            // It was the first of a queue that was empty, or has just been popped from its front.
            self.own.borrow_mut().push_front(task);
        } else {
            self.deque.push(task);
        }
    }

    /// Wakes whose timers in this seat are due at this time.
    pub(crate) fn fire_timers(&self, seat: &Seat, now: Deadline) {
        let mut wakers = self.wakers.take();
        seat.wheel.fire(now, &mut wakers);
        if !wakers.is_empty() {
            self.dispatch(|| wakers.drain(..).for_each(contain::wake));
        }
        self.wakers.replace(wakers);
    }
}
