//! What the workers have done, and how long they had no core for it, as the kernel tells the monitor: a [`Survey`], which gives
//! their [`Work`].

use std::mem;
use std::time::Duration;

use crate::drive::{Deadline, ThreadTimes, now};
use crate::scheduler::Scheduler;
use crate::seat::Seat;

/// What comes after a survey, for each worker that was asked for its times: about a thousand times what that takes.
const PAUSE: Duration = Duration::from_millis(5);

/// What the monitor knows of the workers' times.
#[derive(Debug)]
pub(crate) struct Survey {
    last: Deadline,
    /// What comes before the next one.
    pause: Duration,
    /// Of each seat: its thread and what it had done by then.
    seen: Vec<Seen>,
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
        Survey { last: now(), pause: PAUSE, seen }
    }

    /// Looks at the workers, if it is time to: says what they have done since the last time.
    pub(crate) fn look(&mut self, scheduler: &Scheduler, at_work: usize) -> Option<Work> {
        let now = now();
        let (pause, passed) = (self.pause, now.until(self.last).unwrap_or_default());
        if passed < pause || (at_work < 2 && scheduler.room.limit().is_none()) {
            return None;
        }
        self.last = now;
        let work = self.work_since(&scheduler.seats, passed, ThreadTimes::of);
        // What took much longer was no work, or the monitor had no core itself.
        Some(if passed < pause * 3 { work } else { Work::default() })
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
pub(crate) struct Work {
    pub(crate) passed: Duration,
    pub(crate) ran: Duration,
    /// How long they would have run as well, and had no core.
    pub(crate) waited: Duration,
    pub(crate) polls: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSED: Duration = Duration::from_millis(10);
    const MILLI: Duration = Duration::from_millis(1);

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
