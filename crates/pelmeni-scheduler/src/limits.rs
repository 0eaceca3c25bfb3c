//! When the workers are limited, and to how many: [`Limits`]. What for, see [`room`](crate::room).

use std::mem;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::cost::is_short;
use crate::drive::Deadline;
use crate::survey::Work;

/// How long a limit lasts at first, and how long it may become.
const LIMIT_MIN: Duration = Duration::from_millis(200);
const LIMIT_MAX: Duration = Duration::from_millis(1600);
/// How long there is none after one that was bad.
const REGRET: Duration = Duration::from_secs(5);
/// A limit is judged by what has been done in so much time, again and again.
const JUDGED_EVERY: Duration = Duration::from_millis(50);

/// When there is a limit.
#[derive(Debug)]
pub(crate) struct Limits {
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
    pub(crate) fn after(
        &mut self,
        work: Work,
        workers: usize,
        now: Deadline,
    ) -> Option<NonZeroUsize> {
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
}
