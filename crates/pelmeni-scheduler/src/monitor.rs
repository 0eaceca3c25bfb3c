//! The monitor: a thread that looks for workers that are stuck in a poll, and has others take what waits there.
//!
//! ```text
//!   a worker polls, and nobody has time for what it holds:
//!
//!   deque, inbox            a sleeper is woken, and finds it in its search
//!   next slot, due timers   the same, since the seat is marked as stuck
//!   the kernel's events     the same; it looks for them, and then waits for more
//!   all workers are stuck   a spare worker comes for one of them
//! ```
//! A worker adds one to its count of polls before each poll, and that is all it does for the monitor. A count that stands
//! still from one look to the next, of a worker that is not asleep, is a poll that takes long. Each round looks twice,
//! but for those before which nobody has slept who could help. A poll whose worker queues tasks meanwhile gets on, and wakes
//! somebody itself for those that are worth it: it is left alone for a few milliseconds, unless something else waits there.
//!
//! A *spare* works for as long as the worker that it stands in for is stuck: it minds that one's timers, empties its inbox,
//! and what its tasks spawn or arm belongs to that one's seat. So nothing is left behind when it goes.
//!
//! Rounds are frequent for a while after a poll that lasted long, and rare otherwise ([`alertness`](crate::alertness)), so that
//! the first of several stalls may last for ten milliseconds. Polls that are a bit long and come often need no monitor: their
//! worker sees by itself, [looking around](crate::look), that it pays to wake somebody.
//!
//! The monitor also sees which polls last too long, and has whoever [listens](crate::slow) told.
//!
//! Rejected: *a stamp of the time at each poll* (a clock costs as much as a short poll); *taking the deque away from the
//! thread that is stuck* (it may come back in the middle of that); *a round every 400 us at all times* (eight per cent of the
//! requests that an HTTP server on two busy cores answers); *judging by the time on the CPU whether a task computes
//! or blocks* (a task that computes for seconds stalls the others as well, and the kernel shares the core out).
//!
//! Source: the idea of `sysmon` in Go's `src/runtime/proc.go`.

use std::io;
use std::mem;
use std::time::Duration;

use pelmeni_core::primitive::seeded;

use crate::alertness::{ALARMING, Alertness, Found, Pause, ROUND_WHEN_BUSY};
use crate::drive::{self, Deadline, Punctual, now};
use crate::lease::Lease;
use crate::limits::Limits;
use crate::misuse;
use crate::seat::Seat;
use crate::slow::{self, SlowPoll};
use crate::spare;
use crate::survey::Survey;
use crate::thread;
use crate::watch::While;

/// How long a poll must last for its worker to be stuck; the time between the two looks of a round.
pub(crate) const CONFIRM: Duration = Duration::from_micros(200);
/// How long a poll counts as one that gets on as long as it queues tasks: it wakes somebody for those that are worth it.
const QUEUEING: Duration = ALARMING;
/// How long every worker must be stuck until a spare comes: much more than a thread costs.
const SPARE_AFTER: Duration = ROUND_WHEN_BUSY;

/// Starts the monitor of a runtime with several threads.
///
/// # Errors
/// The system's, if it has no more threads.
pub(crate) fn start(lease: &Lease) -> io::Result<()> {
    let name = format!("{}-monitor", lease.name);
    thread::start_worker(lease, name, None, |lease| {
        let _punctual = Punctual::begin();
        Monitor::new(lease).watch();
    })
}

/// What the monitor remembers from one round to the next.
#[derive(Debug)]
pub(crate) struct Monitor<'s> {
    lease: &'s Lease,
    /// Of each seat.
    seen: Vec<Seen>,
    /// Who is at work, and how long the poll has lasted; zero if it was not seen before. Kept for its memory.
    at_work: Vec<(Duration, &'s Seat)>,
    /// It has been said that no spare could be started.
    said: bool,
}

/// What was seen of a seat.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The count of polls, and since when it has been that.
    poll: u64,
    since: Deadline,
    /// How many tasks its deque held.
    queued: usize,
    /// How long the poll must last to be told of; then twice as long.
    slow: Duration,
}

impl<'s> Monitor<'s> {
    pub(crate) fn new(lease: &'s Lease) -> Monitor<'s> {
        Monitor {
            lease,
            seen: vec![
                Seen { poll: 0, since: now(), queued: 0, slow: Duration::MAX };
                lease.seats.len()
            ],
            at_work: Vec::new(),
            said: false,
        }
    }

    fn watch(&mut self) {
        let lease = self.lease;
        let mut alertness = Alertness::new(now());
        let mut survey = Survey::new(lease.threads + 1);
        let mut limits = Limits::default();
        let mut nobody_slept = false;
        while !lease.is_stopping() {
            if mem::take(&mut nobody_slept) {
                self.look_round();
            } else {
                self.look_twice();
            }
            if let Some(work) = survey.look(lease, self.at_work.len()) {
                lease.room.set(limits.after(work, lease.threads, now()));
            }
            match alertness.after(self.found(), now()) {
                Pause::For(time) => lease.watch.pause(time),
                Pause::WhileIdle => {
                    let is_over = || lease.anyone_at_work() || lease.is_stopping();
                    lease.watch.doze(While::Idle, None, is_over);
                }
                Pause::WhileBusy(limit) => {
                    let is_over = || lease.idle.anyone_sleeps() || lease.is_stopping();
                    nobody_slept = lease.watch.doze(While::Busy, Some(limit), is_over);
                }
            }
        }
    }

    /// What the last round has found.
    fn found(&self) -> Found {
        let lasts = || self.at_work.iter().map(|(lasts, _)| *lasts);
        Found {
            longest: lasts().max(),
            shortest: lasts().min(),
            anyone_sleeps: self.lease.idle.anyone_sleeps(),
        }
    }

    /// Looks round, and once more when a poll that was new by then would have lasted long.
    fn look_twice(&mut self) {
        self.look_round();
        if self.at_work.iter().any(|(lasts, _)| *lasts < CONFIRM) {
            self.lease.watch.pause(CONFIRM);
            self.look_round();
        }
    }

    pub(crate) fn look_round(&mut self) {
        let now = now();
        let slow = self.lease.slow.as_ref().map_or(Duration::MAX, |listener| listener.threshold);
        self.at_work.clear();
        for seat in self.lease.seats_in_use() {
            let seen = &mut self.seen[seat.index];
            let poll = seat.counters.polls.get();
            let is_at_work = seat.presence.is_at_work();
            if seen.poll != poll || !is_at_work {
                *seen = Seen { poll, since: now, queued: seat.thief.len(), slow };
            }
            if is_at_work {
                self.at_work.push((now.until(seen.since).unwrap_or_default(), seat));
            }
        }
        self.tell_of_slow_polls();
        for &(lasts, seat) in self.at_work.iter().filter(|(lasts, _)| *lasts >= CONFIRM) {
            let queued = seat.thief.len();
            let before = mem::replace(&mut self.seen[seat.index].queued, queued);
            let queues = (before < queued && !seeded(256)) || seeded(257);
            if queues && lasts < QUEUEING && self.holds_tasks_only(seat) {
                continue;
            }
            seat.presence.set_stuck_in(self.seen[seat.index].poll);
            if self.holds_something(seat) && !seeded(208) {
                // Who waits for the kernel stays there if somebody else can come.
                self.lease.notify(self.lease.rested().unwrap_or(seat.index));
            }
        }
        self.send_spare();
        spare::dismiss(self.lease);
    }

    /// Tells whoever wants to hear of it that polls last too long.
    fn tell_of_slow_polls(&mut self) {
        for &(lasts, seat) in &self.at_work {
            let seen = &mut self.seen[seat.index];
            if lasts < seen.slow {
                continue;
            }
            seen.slow = lasts.saturating_mul(2);
            // The poll may have ended by now; then there is nothing to tell, or it would be told of the wrong task.
            let task = seat.presence.task().and_then(|address| self.lease.find_task(address));
            if let Some(task) = task
                && seat.counters.polls.get() == seen.poll
            {
                let worker = self.lease.home_of(seat.index).index;
                slow::tell(self.lease, SlowPoll::new(task, worker, lasts));
            }
        }
    }

    /// Has a spare come if every worker is stuck, those that came as spares included, and something waits for them.
    fn send_spare(&mut self) {
        let all_stuck = self.at_work.iter().all(|(lasts, _)| *lasts >= SPARE_AFTER);
        if !all_stuck || !self.at_work.iter().any(|(_, seat)| self.holds_something(seat)) {
            return;
        }
        let without = |seat: &&Seat| {
            self.lease.spare_of(seat.index).is_some_and(|spare| !spare.presence.is_occupied())
        };
        let Some(seat) = self.at_work.iter().map(|(_, seat)| *seat).find(without) else { return };
        if let Err(error) = spare::send(self.lease, seat)
            && !std::mem::replace(&mut self.said, true)
        {
            misuse::say(format_args!(
                "all workers are stuck, and no spare one could be started: {error}"
            ));
        }
    }

    /// Says whether something waits for a worker that is stuck.
    fn holds_something(&self, seat: &Seat) -> bool {
        seat.has_work() || !seat.next.is_empty() || !self.holds_tasks_only(seat)
    }

    /// Says whether nothing waits for it but tasks of its own queues.
    fn holds_tasks_only(&self, seat: &Seat) -> bool {
        seat.inbox.is_empty()
            && !drive::is_due(self.lease.home_of(seat.index))
            && !self.lease.drive.is_neglected()
    }
}
