//! How many workers there are cores for: [`Room`], which the monitor finds out by a [`Survey`] every so often.
//!
//! A runtime has as many workers as it was given, and the cores may be fewer: others need them, or there never were as many.
//! Workers that share a core get nothing done that one of them would not. They take turns of some milliseconds, each with a
//! part of the tasks; whoever talks to those that wait waits as well, and each turn begins with a cold cache.
//!
//! The kernel counts how long a thread could have run, and had no core. If that is half of one worker's time or more, and a
//! quarter of all theirs, twice in a row, and their polls are short, the monitor *limits* the workers to as many as had a core, if
//! they had one that was as good as whole. While they are limited:
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

use std::mem;
use std::num::NonZeroUsize;
use std::time::Duration;

use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::seeded;

use crate::cost::is_short;
use crate::drive::{Deadline, ThreadTimes, now};
use crate::scheduler::Scheduler;
use crate::seat::Seat;

/// What comes after a survey, for each worker that was asked for its times: about a thousand times what that takes.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a limit lasts at first, and how long it may become.
const LIMIT_MIN: Duration = Duration::from_millis(200);
const LIMIT_MAX: Duration = Duration::from_millis(1600);
/// How long there is none after one that was bad.
const REGRET: Duration = Duration::from_secs(5);
/// A limit is judged by what has been done in so much time, again and again.
const JUDGED_EVERY: Duration = Duration::from_millis(50);

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

/// What the monitor knows of the workers' times.
#[derive(Debug)]
pub(crate) struct Survey {
    last: Deadline,
    /// What comes before the next one.
    pause: Duration,
    /// Of each seat: its thread and what it had done by then.
    seen: Vec<Seen>,
    limits: Limits,
}

/// What was seen of a seat. The thread is zero if there was none, or the system said nothing of it.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    thread: usize,
    times: ThreadTimes,
    polls: u64,
}

impl Survey {
    /// Of so many seats.
    pub(crate) fn new(seats: usize) -> Survey {
        let seen = vec![Seen::default(); seats];
        Survey { last: now(), pause: PAUSE, seen, limits: Limits::default() }
    }

    /// Looks at the workers, if it is time to: sets how many there is room for.
    pub(crate) fn look(&mut self, scheduler: &Scheduler, at_work: usize) {
        let now = now();
        let (pause, passed) = (self.pause, now.until(self.last).unwrap_or_default());
        if passed < pause || (at_work < 2 && scheduler.room.limit().is_none()) {
            return;
        }
        self.last = now;
        let work = self.work_since(&scheduler.seats, passed, ThreadTimes::of);
        // What took much longer was no work, or the monitor had no core itself.
        let work = if passed < pause * 3 { work } else { Work::default() };
        scheduler.room.set(self.limits.after(work, scheduler.threads, now));
    }

    /// What all workers together have done since the last survey, which was so long ago.
    fn work_since(
        &mut self,
        seats: &[Seat],
        passed: Duration,
        times: impl Fn(usize) -> Option<ThreadTimes>,
    ) -> Work {
        let (mut work, mut asked) = (Work { passed, ..Work::default() }, 0);
        for (seat, seen) in seats.iter().zip(&mut self.seen) {
            let (thread, polls) = (seat.presence.thread(), seat.counters.polls.get());
            if thread == seen.thread && polls == seen.polls && !seat.presence.is_at_work() {
                continue;
            }
            asked += 1;
            let now =
                times(thread).map_or_else(Seen::default, |times| Seen { thread, times, polls });
            let before = mem::replace(seen, now);
            if now.thread != 0 && now.thread == before.thread {
                work.ran += now.times.ran.saturating_sub(before.times.ran);
                work.waited += now.times.waited.saturating_sub(before.times.waited);
                work.polls += polls - before.polls;
            }
        }
        self.pause = PAUSE * asked.max(2);
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
    /// Says whether they waited for half of one worker's time, and for a quarter of all theirs. Long polls keep their share.
    fn is_crowded(self) -> bool {
        let average = u32::try_from(self.polls).ok().and_then(|polls| self.ran.checked_div(polls));
        self.waited * 2 >= self.passed
            && self.waited * 3 >= self.ran
            && average.is_some_and(is_short)
    }

    /// How many cores they had, as good as whole ones.
    fn cores(self) -> usize {
        let cores = (self.ran + self.passed / 10).as_nanos() / self.passed.as_nanos().max(1);
        usize::try_from(cores).unwrap_or(usize::MAX)
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
    /// The last survey, if that was crowded.
    crowded: Option<Work>,
    /// How long the next one lasts.
    next: Duration,
    /// There is none before.
    not_before: Deadline,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    room: NonZeroUsize,
    until: Deadline,
    /// What the workers did without it, and have done since it was last judged.
    before: Work,
    since: Work,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { now: None, crowded: None, next: LIMIT_MIN, not_before: Deadline::ZERO }
    }
}

impl Limits {
    /// Says for how many of the workers there is room from now on, when they have done so much since the last time.
    fn after(&mut self, work: Work, workers: usize, now: Deadline) -> Option<NonZeroUsize> {
        let Some(limit) = &mut self.now else { return self.begin(work, workers, now) };
        limit.since = limit.since.and(work);
        if limit.until.has_passed(now) {
            self.now = None;
        } else if limit.since.passed >= JUDGED_EVERY
            && mem::take(&mut limit.since).is_much_less_than(limit.before, limit.room.get())
        {
            self.now = None;
            self.not_before = now + REGRET;
        }
        self.now.map(|limit| limit.room)
    }

    /// Once is no rule. And who has less than a core needs all its threads to claim a share.
    fn begin(&mut self, work: Work, workers: usize, now: Deadline) -> Option<NonZeroUsize> {
        let crowded = work.is_crowded().then_some(work);
        let before = mem::replace(&mut self.crowded, crowded);
        if crowded.is_none() && before.is_none() {
            self.next = (self.next / 2).max(LIMIT_MIN);
        }
        let before = before?.and(crowded?);
        let room = NonZeroUsize::new(before.cores()).filter(|room| room.get() < workers)?;
        if !self.not_before.has_passed(now) {
            return None;
        }
        self.crowded = None;
        self.now = Some(Limit { room, until: now + self.next, before, since: Work::default() });
        self.next = (self.next * 2).min(LIMIT_MAX);
        Some(room)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    const PASSED: Duration = Duration::from_millis(10);
    const MILLI: Duration = Duration::from_millis(1);

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

    /// What the limits say when so many workers have done this by that survey.
    fn after(limits: &mut Limits, work: Work, workers: usize, survey: u32) -> Option<usize> {
        limits.after(work, workers, time(survey)).map(NonZeroUsize::get)
    }

    /// What the limits say of so many surveys, one after the other, all of the same work.
    fn say(limits: &mut Limits, surveys: Range<u32>, work: Work) -> Vec<Option<usize>> {
        surveys.map(|survey| after(limits, work, 2, survey)).collect()
    }

    /// After how many surveys of this work the limit is lifted that began with the one before `start`.
    fn lasts(limits: &mut Limits, start: u32, work: Work) -> u32 {
        1 + (start..).take_while(|s| after(limits, work, 2, *s).is_some()).count() as u32
    }

    const LIMITED: [Option<usize>; 2] = [None, Some(1)];

    /// What so many workers do that have so many cores.
    fn of_many(workers: u32, cores: u32) -> Work {
        let ran = PASSED * cores;
        Work { passed: PASSED, ran, waited: PASSED * (workers - cores), polls: polls(ran) }
    }

    #[test]
    fn who_has_no_core_is_one_too_many() {
        assert!(!with_cores(2.0).is_crowded());
        assert!(!with_cores(1.6).is_crowded(), "others are there now and then");
        assert!(with_cores(1.4).is_crowded() && with_cores(1.4).cores() == 1);
        assert!(with_cores(0.95).is_crowded() && with_cores(0.95).cores() == 1);
        assert!(of_many(8, 2).is_crowded() && of_many(8, 2).cores() == 2);
        assert!(!of_many(8, 7).is_crowded(), "one of eight, by turns");
        assert!(!Work { passed: PASSED, ..Work::default() }.is_crowded(), "nobody works");
        assert!(!Work::default().is_crowded() && Work::default().cores() == 0);
    }

    #[test]
    fn long_polls_keep_their_share_of_the_cores() {
        assert!(!Work { polls: 10, ..with_cores(1.0) }.is_crowded());
    }

    #[test]
    fn who_has_less_than_a_core_keeps_all_threads() {
        assert_eq!(say(&mut Limits::default(), 0..3, with_cores(0.8)), [None; 3]);
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
        assert_eq!(lasts(&mut limits, 2, half), 5, "it is judged by {JUDGED_EVERY:?}");
        let regret = 6 + (REGRET.as_nanos() / PASSED.as_nanos()) as u32;
        assert!(say(&mut limits, 7..regret, with_cores(1.0)).iter().all(Option::is_none));
        assert_eq!(after(&mut limits, with_cores(1.0), 2, regret), Some(1));
    }

    #[test]
    fn limit_that_was_good_is_lifted_when_others_come() {
        let mut limits =
            Limits { next: LIMIT_MAX, crowded: Some(with_cores(1.0)), ..Limits::default() };
        let half = Work { waited: PASSED / 2, ..with_cores(0.5) };
        assert_eq!(say(&mut limits, 0..1, with_cores(1.0)), [Some(1)]);
        assert!(say(&mut limits, 1..101, alone()).iter().all(Option::is_some));
        assert_eq!(lasts(&mut limits, 101, half), 5);
    }

    #[test]
    fn limit_is_not_to_blame_if_there_is_less_to_do() {
        let mut limits = Limits::default();
        let less = Work { ran: PASSED / 2, polls: polls(PASSED / 2), ..alone() };
        assert_eq!(say(&mut limits, 0..2, with_cores(1.0)), LIMITED);
        assert_eq!(lasts(&mut limits, 2, less), 20);
        assert_eq!(say(&mut limits, 22..24, with_cores(1.0)), LIMITED);
        assert_eq!(after(&mut limits, Work::default(), 2, 1_000), None, "all slept meanwhile");
        assert_eq!(say(&mut limits, 1_001..1_003, with_cores(1.0)), LIMITED, "no regret");
    }

    #[test]
    fn what_counts_is_the_mean_and_as_many_cores_as_workers_are_no_limit() {
        let mut limits = Limits::default();
        assert_eq!(after(&mut limits, of_many(12, 2), 12, 0), None);
        assert_eq!(after(&mut limits, of_many(12, 8), 12, 1), Some(5));
        let mut limits = Limits::default();
        assert_eq!(after(&mut limits, of_many(12, 8), 8, 0), None);
        assert_eq!(after(&mut limits, of_many(12, 8), 8, 1), None);
    }

    /// So many seats, in each of which a thread works whose number is one more than the seat's.
    fn seats(workers: usize) -> Vec<Seat> {
        let seats: Vec<_> = (0..workers).map(Seat::new).collect();
        for seat in &seats {
            assert!(seat.presence.enter());
            seat.presence.introduce(seat.index + 1);
        }
        seats
    }

    /// What the system says of a thread that has run, and waited, for so many milliseconds.
    fn times(ran: u64, waited: u64) -> Option<ThreadTimes> {
        let [ran, waited] = [ran, waited].map(Duration::from_millis);
        Some(ThreadTimes { ran, waited })
    }

    #[test]
    fn survey_counts_what_was_done_since_the_last_one() {
        let (mut survey, seats) = (Survey::new(2), seats(2));
        let first = survey.work_since(&seats, PASSED, |thread| times(1_000 * thread as u64, 500));
        assert_eq!((first.ran, first.waited), (Duration::ZERO, Duration::ZERO), "nobody was known");
        seats[1].counters.polls.add(7);
        let work =
            survey.work_since(&seats, PASSED, |thread| times(1_000 * thread as u64 + 4, 506));
        assert_eq!((work.ran, work.waited, work.polls), (8 * MILLI, 12 * MILLI, 7));
    }

    #[test]
    fn survey_knows_nothing_of_threads_that_are_new_or_of_which_nothing_was_said() {
        let (mut survey, seats) = (Survey::new(3), seats(3));
        let _ = survey.work_since(&seats, PASSED, |thread| times(9, 9).filter(|_| thread != 2));
        seats[0].presence.introduce(9);
        for seat in &seats {
            seat.counters.polls.add(100);
        }
        let work = survey.work_since(&seats, PASSED, |_| times(11, 9));
        assert_eq!((work.ran, work.waited, work.polls), (2 * MILLI, Duration::ZERO, 100));
    }

    #[test]
    fn survey_does_not_ask_for_who_sleeps_and_pauses_the_longer_the_more_it_asks_for() {
        let (mut survey, seats) = (Survey::new(4), seats(4));
        let _ = survey.work_since(&seats, PASSED, |_| times(0, 0));
        assert_eq!(survey.pause, PAUSE * 4);
        seats[..3].iter().for_each(|seat| seat.presence.fall_asleep());
        let _ = survey.work_since(&seats, PASSED, |thread| {
            assert_eq!(thread, 4, "the others have done nothing");
            times(0, 0)
        });
        assert_eq!(survey.pause, PAUSE * 2, "as for two");
    }
}
