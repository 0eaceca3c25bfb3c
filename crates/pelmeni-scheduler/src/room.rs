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
//!   the end, but then it looks for nobody else's tasks, and sleeps without waiting for the kernel, unless there are several
//!   drivers ([`rest`](crate::rest), [`drive`](crate::drive)).
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

use std::mem;
use std::time::Duration;

use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};

use crate::cost::is_short;
use crate::drive::{Deadline, ThreadTimes, now};
use crate::scheduler::Scheduler;

/// What comes before the next survey, for each worker: about a thousand times what it takes to ask for its times.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a limit lasts at first, and how long it may become.
const LIMIT_MIN: Duration = Duration::from_millis(200);
const LIMIT_MAX: Duration = Duration::from_millis(1600);
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
        let pause = PAUSE * at_work.max(2) as u32;
        if passed < pause || (at_work < 2 && !is_limited) {
            return;
        }
        self.last = now;
        let work = self.work_since(scheduler, passed);
        // What took much longer was no work, or the monitor had no core itself.
        let work = if passed < pause * 3 { work } else { Work::default() };
        scheduler.room.set(self.limits.after(work, scheduler.threads, now));
    }

    /// What all workers together have done since the last survey.
    fn work_since(&mut self, scheduler: &Scheduler, passed: Duration) -> Work {
        let mut work = Work { passed, ..Work::default() };
        for (seat, seen) in scheduler.seats.iter().zip(&mut self.seen) {
            let (thread, polls) = (seat.presence.thread(), seat.counters.polls.get());
            if thread == seen.thread && polls == seen.polls && !seat.presence.is_at_work() {
                continue;
            }
            let ThreadTimes { ran, waited } = ThreadTimes::of(thread).unwrap_or_default();
            let before = mem::replace(seen, Seen { thread, ran, waited, polls });
            work.polls += polls - before.polls;
            if before.thread == thread {
                work.ran += ran.saturating_sub(before.ran);
                work.waited += waited.saturating_sub(before.waited);
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
    /// For how many workers there were cores, if one of them had none for half of the time, and all together waited for a
    /// quarter of theirs. Long polls keep their share.
    fn cores(self) -> Option<usize> {
        let average = self.ran.checked_div(u32::try_from(self.polls).ok()?)?;
        let is_crowded = self.waited * 2 >= self.passed && self.waited * 3 >= self.ran;
        let is_crowded = is_crowded && is_short(average);
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

    /// Says whether so many workers have got done less than four fifths of what was done `before`, in the same time, though they
    /// had something to do for three quarters of it.
    fn is_much_less_than(self, before: Work, workers: usize) -> bool {
        let polls = |polls: u64, passed: Duration| u128::from(polls) * passed.as_nanos();
        (self.ran + self.waited) * 4 >= self.passed * 3 * workers as u32
            && polls(self.polls, before.passed) * 5 < polls(before.polls, self.passed) * 4
    }
}

/// When there is a limit.
#[derive(Debug)]
struct Limits {
    now: Option<Limit>,
    /// For how many workers there were cores at the last survey, if that was crowded.
    cores: Option<usize>,
    /// How long the next one lasts.
    next: Duration,
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
        Limits { now: None, cores: None, next: LIMIT_MIN, not_before: Deadline::ZERO }
    }
}

impl Limits {
    /// Says for how many of the workers there is room from now on, when they have done so much since the last time.
    fn after(&mut self, work: Work, workers: usize, now: Deadline) -> Option<usize> {
        let Some(limit) = &mut self.now else { return self.begin(work, workers, now) };
        limit.since = limit.since.and(work);
        if limit.until.has_passed(now) {
            self.now = None;
        } else if limit.since.passed >= JUDGED_AFTER
            && limit.since.is_much_less_than(limit.before, limit.room)
        {
            self.now = None;
            self.not_before = now + REGRET;
        }
        self.now.map(|limit| limit.room)
    }

    /// Once is no rule.
    fn begin(&mut self, work: Work, workers: usize, now: Deadline) -> Option<usize> {
        let cores = work.cores().filter(|cores| *cores < workers);
        let before = mem::replace(&mut self.cores, cores);
        if cores.is_none() && before.is_none() {
            self.next = (self.next / 2).max(LIMIT_MIN);
        }
        let room = cores?.max(before?);
        if !self.not_before.has_passed(now) {
            return None;
        }
        self.cores = None;
        let until = now + self.next;
        self.now = Some(Limit { room, until, before: work, since: Work::default() });
        self.next = (self.next * 2).min(LIMIT_MAX);
        Some(room)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

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

    /// What the limits say of so many surveys, one after the other, all of the same work.
    fn say(limits: &mut Limits, surveys: Range<u32>, work: Work) -> Vec<Option<usize>> {
        surveys.map(|survey| limits.after(work, 2, time(survey))).collect()
    }

    /// After how many surveys of this work the limit is lifted that began with the one before `start`.
    fn lasts(limits: &mut Limits, start: u32, work: Work) -> u32 {
        1 + (start..).take_while(|s| limits.after(work, 2, time(*s)).is_some()).count() as u32
    }

    const LIMITED: [Option<usize>; 2] = [None, Some(1)];

    #[test]
    fn who_has_no_core_is_one_too_many() {
        assert_eq!(with_cores(2.0).cores(), None);
        assert_eq!(with_cores(1.6).cores(), None, "others are there now and then");
        assert_eq!(with_cores(1.4).cores(), Some(1));
        assert_eq!(with_cores(1.0).cores(), Some(1));
        assert_eq!(with_cores(0.3).cores(), Some(1), "one must be there");
        let eight = |cores: u32| {
            let ran = PASSED * cores;
            Work { passed: PASSED, ran, waited: PASSED * (8 - cores), polls: polls(ran) }
        };
        assert_eq!(eight(2).cores(), Some(2));
        assert_eq!(eight(7).cores(), None, "one of eight, by turns");
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
        assert_eq!(say(&mut limits, 0..2, with_cores(2.0)), [None; 2]);
        let mut start = 2;
        let lengths = [20, 40, 80, 160, 160].map(|_| {
            assert_eq!(say(&mut limits, start..start + 2, with_cores(1.0)), LIMITED);
            let lasts = lasts(&mut limits, start + 2, alone());
            start += 2 + lasts;
            lasts
        });
        assert_eq!(lengths, [20, 40, 80, 160, 160]);
    }

    #[test]
    fn limit_is_short_again_when_it_has_not_been_needed_for_a_while() {
        let mut limits = Limits { next: LIMIT_MAX, ..Limits::default() };
        assert_eq!(say(&mut limits, 0..4, with_cores(2.0)), [None; 4]);
        assert_eq!(say(&mut limits, 4..6, with_cores(1.0)), LIMITED);
        assert_eq!(lasts(&mut limits, 6, alone()), 20);
    }

    #[test]
    fn limit_that_leaves_less_done_is_lifted_and_not_tried_again_soon() {
        let mut limits = Limits::default();
        // Beside somebody who wants both cores, one has half of what two have.
        let half = Work { waited: PASSED / 2, ..with_cores(0.5) };
        assert_eq!(say(&mut limits, 0..2, with_cores(1.0)), LIMITED);
        assert_eq!(say(&mut limits, 2..4, half), [Some(1), None], "once may be chance");
        let regret = 3 + (REGRET.as_nanos() / PASSED.as_nanos()) as u32;
        assert!(say(&mut limits, 4..regret, with_cores(1.0)).iter().all(Option::is_none));
        assert_eq!(limits.after(with_cores(1.0), 2, time(regret)), Some(1));
    }

    #[test]
    fn limit_is_not_to_blame_if_there_is_less_to_do() {
        let mut limits = Limits::default();
        let less = Work { ran: PASSED / 2, polls: polls(PASSED / 2), ..alone() };
        assert_eq!(say(&mut limits, 0..2, with_cores(1.0)), LIMITED);
        assert_eq!(lasts(&mut limits, 2, less), 20);
        assert_eq!(say(&mut limits, 22..24, with_cores(1.0)), LIMITED);
        assert_eq!(limits.after(Work::default(), 2, time(1_000)), None, "all slept meanwhile");
        assert_eq!(say(&mut limits, 1_001..1_003, with_cores(1.0)), LIMITED, "no regret");
    }

    #[test]
    fn more_cores_count_and_as_many_as_workers_are_no_limit() {
        let mut limits = Limits::default();
        let of_twelve = |cores: u32| {
            let ran = PASSED * cores;
            Work { passed: PASSED, ran, waited: PASSED * (12 - cores), polls: polls(ran) }
        };
        assert_eq!(limits.after(of_twelve(2), 12, time(0)), None);
        assert_eq!(limits.after(of_twelve(8), 12, time(1)), Some(8));
        let mut limits = Limits::default();
        assert_eq!(limits.after(of_twelve(8), 8, time(0)), None);
        assert_eq!(limits.after(of_twelve(8), 8, time(1)), None);
    }
}
