//! How many workers there are cores for: [`Room`], which the monitor finds out by a [`Survey`] every so often.
//!
//! A runtime has as many workers as it was given, and the cores may be fewer: others need them, or there never were as many.
//! Workers that share a core get nothing done that one of them would not. They take turns of some milliseconds, each with a
//! part of the tasks; whoever talks to those that wait waits as well, and each turn begins with a cold cache.
//!
//! The kernel counts how long a thread could have run, and had no core. If that is half a worker's time or more, the monitor
//! *limits* the workers to as many as had a core. While they are limited, and for short polls only:
//!
//! * a wake for what is in a queue does not pay once so many are awake ([`cost`](crate::cost));
//! * a worker is *one too many* if so many before it, in the order of their seats, are awake and get on. It has its own queue to
//!   the end, but looks for no events and for nobody else's tasks, and then sleeps without waiting for the kernel
//!   ([`rest`](crate::rest)).
//!
//! The limit is lifted after a while, to see whether it is still needed; if it is, the next one lasts twice as long. And it is
//! lifted at once if the workers get much less done than before: then they have the cores for themselves no more than before, but
//! there is one less to claim a share from whoever else wants them. So it is a limit for those who wait for each other, as a
//! server and its clients on one machine do, and for more workers than cores.
//!
//! Rejected: *to compare what polls take, alone and in company* (`cost` does so for tasks that are in each other's way; but a
//! thread is taken off its core once in a thousand short polls, and few of them are timed).

use std::mem;
use std::time::Duration;

use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};

use crate::cost::is_short;
use crate::drive::{Deadline, ThreadTimes, now};
use crate::scheduler::Scheduler;

/// What comes before the next survey, for each worker: about a thousand times what it takes to ask for its times.
const PAUSE: Duration = Duration::from_millis(5);
/// How many surveys a limit lasts at first: to try without it takes about one.
const SURVEYS_MIN: u32 = 20;
/// How many it may last, and how long.
const SURVEYS_MAX: u32 = 16 * SURVEYS_MIN;
const LIMIT_MAX: Duration = Duration::from_secs(2);
/// How long there is none after one that was bad.
const REGRET: Duration = Duration::from_secs(5);
/// A limit is judged when it has lasted so long.
const JUDGED_AFTER: Duration = Duration::from_millis(20);

/// How many workers have a core. Nothing follows from it but how many are awake, so it is Relaxed.
#[derive(Debug)]
pub(crate) struct Room(AtomicUsize);

/// There are cores for all, as far as is known.
const ENOUGH: usize = usize::MAX;

impl Default for Room {
    fn default() -> Room {
        Room(AtomicUsize::new(ENOUGH))
    }
}

impl Room {
    /// For how many workers there are cores; `None` if there is no limit.
    #[inline]
    pub(crate) fn limit(&self) -> Option<usize> {
        let room = self.0.load(Ordering::Relaxed);
        (room != ENOUGH).then_some(room)
    }

    pub(crate) fn set(&self, limit: Option<usize>) {
        self.0.store(limit.unwrap_or(ENOUGH), Ordering::Relaxed);
    }
}

/// What the monitor knows of the workers' times.
#[derive(Debug)]
pub(crate) struct Survey {
    last: Deadline,
    /// Of each seat: its thread and what it had done by then.
    seen: Vec<Seen>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    thread: usize,
    ran: Duration,
    waited: Duration,
    polls: u64,
}

impl Survey {
    pub(crate) fn new(scheduler: &Scheduler) -> Survey {
        let seen = vec![Seen::default(); scheduler.threads + 1];
        Survey { last: now(), seen, limits: Limits::default() }
    }

    /// Looks at the workers, if it is time to: sets how many there is room for.
    pub(crate) fn look(&mut self, scheduler: &Scheduler, at_work: usize) {
        let now = now();
        let passed = now.until(self.last).unwrap_or_default();
        let is_limited = scheduler.room.limit().is_some();
        if passed < PAUSE * at_work.max(2) as u32 || (at_work < 2 && !is_limited) {
            return;
        }
        self.last = now;
        let work = self.work_since(scheduler, passed);
        scheduler.room.set(self.limits.after(work, scheduler.threads, now));
    }

    /// What all workers together have done since the last survey.
    fn work_since(&mut self, scheduler: &Scheduler, passed: Duration) -> Work {
        let mut work = Work { passed, ..Work::default() };
        for (seat, seen) in scheduler.seats.iter().zip(&mut self.seen) {
            let thread = seat.presence.thread();
            let Some(ThreadTimes { ran, waited }) = ThreadTimes::of(thread) else { continue };
            let polls = seat.counters.polls.get();
            let before = mem::replace(seen, Seen { thread, ran, waited, polls });
            if before.thread == thread {
                work.ran += ran.saturating_sub(before.ran);
                work.waited += waited.saturating_sub(before.waited);
                work.polls += polls - before.polls;
            }
        }
        work
    }
}

/// What the workers have done in some time, all together.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    passed: Duration,
    ran: Duration,
    /// How long they would have run as well, and had no core.
    waited: Duration,
    polls: u64,
}

impl Work {
    /// For how many workers there were cores, if somebody had none for half of the time. Long polls keep their share.
    fn cores(self) -> Option<usize> {
        let average = self.ran.checked_div(u32::try_from(self.polls).ok()?)?;
        let is_crowded = self.waited * 2 >= self.passed && is_short(average);
        let cores = (self.ran + self.passed / 2).as_nanos() / self.passed.as_nanos().max(1);
        is_crowded.then_some((cores as usize).max(1))
    }

    fn and(self, next: Work) -> Work {
        Work {
            passed: self.passed + next.passed,
            ran: self.ran + next.ran,
            waited: self.waited + next.waited,
            polls: self.polls + next.polls,
        }
    }

    /// Says whether they have got done less than four fifths of what they did `before`, in the same time.
    fn is_much_less_than(self, before: Work) -> bool {
        let polls = |polls: u64, passed: Duration| u128::from(polls) * passed.as_nanos();
        polls(self.polls, before.passed) * 5 < polls(before.polls, self.passed) * 4
    }
}

/// When there is a limit.
#[derive(Debug)]
struct Limits {
    now: Option<Limit>,
    /// How many surveys the next one lasts.
    next: u32,
    /// There is none before.
    not_before: Deadline,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    room: usize,
    until: Deadline,
    /// What the workers did without it, and have done since.
    before: Work,
    since: Work,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { now: None, next: SURVEYS_MIN, not_before: Deadline::ZERO }
    }
}

impl Limits {
    /// Says for how many of the workers there is room from now on, when they have done so much since the last time.
    fn after(&mut self, work: Work, workers: usize, now: Deadline) -> Option<usize> {
        let Some(limit) = &mut self.now else { return self.begin(work, workers, now) };
        limit.since = limit.since.and(work);
        let is_bad =
            limit.since.passed >= JUDGED_AFTER && limit.since.is_much_less_than(limit.before);
        if is_bad {
            self.not_before = now + REGRET;
        }
        if is_bad || limit.until.has_passed(now) {
            self.now = None;
        }
        self.now.map(|limit| limit.room)
    }

    fn begin(&mut self, work: Work, workers: usize, now: Deadline) -> Option<usize> {
        let cores = work.cores().filter(|cores| *cores < workers);
        if cores.is_none() {
            self.next = (self.next / 2).max(SURVEYS_MIN);
        }
        let room = cores.filter(|_| self.not_before.has_passed(now))?;
        let until = now + (work.passed * self.next).min(LIMIT_MAX);
        self.now = Some(Limit { room, until, before: work, since: Work::default() });
        self.next = (self.next * 2).min(SURVEYS_MAX);
        Some(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSED: Duration = Duration::from_millis(10);

    /// What two workers do in ten milliseconds that have so many cores, with polls of five microseconds.
    fn with_cores(cores: f64) -> Work {
        let ran = PASSED.mul_f64(cores);
        Work { passed: PASSED, ran, waited: PASSED.mul_f64(2.0 - cores), polls: polls(ran) }
    }

    fn polls(ran: Duration) -> u64 {
        ran.as_micros() as u64 / 5
    }

    /// What one worker does that has a core.
    fn alone() -> Work {
        Work { passed: PASSED, ran: PASSED, waited: Duration::ZERO, polls: polls(PASSED) }
    }

    fn time(surveys: u32) -> Deadline {
        Deadline::ZERO + PASSED * (surveys + 1)
    }

    /// How many surveys a limit lasts after one that set it.
    fn lasts(limits: &mut Limits, start: u32, work: Work) -> u32 {
        (1..).take_while(|survey| limits.after(work, 2, time(start + survey)).is_some()).count()
            as u32
    }

    #[test]
    fn who_has_no_core_is_one_too_many() {
        assert_eq!(with_cores(2.0).cores(), None);
        assert_eq!(with_cores(1.6).cores(), None, "others are there now and then");
        assert_eq!(with_cores(1.4).cores(), Some(1));
        assert_eq!(with_cores(1.0).cores(), Some(1));
        assert_eq!(with_cores(0.3).cores(), Some(1), "one must be there");
        let eight_on_two = Work { waited: PASSED * 6, ..with_cores(2.0) };
        assert_eq!(eight_on_two.cores(), Some(2));
        assert_eq!(Work { passed: PASSED, ..Work::default() }.cores(), None, "nobody works");
        assert_eq!(Work::default().cores(), None);
    }

    #[test]
    fn long_polls_keep_their_share_of_the_cores() {
        assert_eq!(Work { polls: 10, ..with_cores(1.0) }.cores(), None);
    }

    #[test]
    fn limit_is_lifted_and_lasts_longer_if_it_is_still_needed() {
        let mut limits = Limits::default();
        assert_eq!(limits.after(with_cores(2.0), 2, time(0)), None);
        let mut start = 1;
        let lengths = [20, 40, 80, 160, 200, 200].map(|_| {
            assert_eq!(limits.after(with_cores(1.0), 2, time(start)), Some(1));
            let lasts = lasts(&mut limits, start, alone()) + 1;
            start += lasts + 1;
            lasts
        });
        assert_eq!(lengths, [20, 40, 80, 160, 200, 200]);
    }

    #[test]
    fn limit_is_short_again_when_it_has_not_been_needed_for_a_while() {
        let mut limits = Limits { next: SURVEYS_MAX, ..Limits::default() };
        for survey in 0..5 {
            assert_eq!(limits.after(with_cores(2.0), 2, time(survey)), None);
        }
        assert_eq!(limits.after(with_cores(1.0), 2, time(5)), Some(1));
        assert_eq!(lasts(&mut limits, 5, alone()) + 1, 20);
    }

    #[test]
    fn limit_that_leaves_less_done_is_lifted_and_not_tried_again_soon() {
        let mut limits = Limits::default();
        // Beside somebody who wants both cores, one has half of what two have.
        let half = Work { waited: PASSED / 2, ..with_cores(0.5) };
        assert_eq!(limits.after(with_cores(1.0), 2, time(0)), Some(1));
        assert_eq!(lasts(&mut limits, 0, half), 1, "once may be chance");
        let regret = (REGRET.as_nanos() / PASSED.as_nanos()) as u32;
        for survey in 5..regret {
            assert_eq!(limits.after(with_cores(1.0), 2, time(survey)), None);
        }
        assert_eq!(limits.after(with_cores(1.0), 2, time(regret + 5)), Some(1));
    }

    #[test]
    fn as_many_cores_as_workers_are_no_limit() {
        let mut limits = Limits::default();
        let ran = PASSED * 8;
        let nearly_all = Work { passed: PASSED, ran, waited: PASSED, polls: polls(ran) };
        assert_eq!(limits.after(nearly_all, 8, time(0)), None);
        assert_eq!(limits.after(nearly_all, 9, time(1)), Some(8));
    }
}
