//! What a poll costs, by the kind of task: whether it pays to wake a thread for one.
//!
//! A thread needs about twenty microseconds to wake up, and a task that changes its core takes a few cache lines along,
//! about a tenth of a microsecond. So an empty task is cheaper to run at once than to give away, whatever their number,
//! and one that computes for a millisecond is worth a wake by itself. Which of the two it will be is told by what tasks of
//! its type cost before: each worker times some of its polls and keeps an average for each type of future.
//!
//! The average falls at once and rises step by step: a thread that the kernel interrupts finds a poll long that was not.
//!
//! Nor does it pay if workers are in each other's way: tasks that all take one lock, or write to the same lines, get done sooner
//! by one thread. So it is also known what polls of a kind take in company, that is, while several workers are awake. If all
//! those together get less done than one alone, a task of that kind is not worth a wake when it gets ready, and those who are
//! awake fall asleep as soon as they run out of them; until it is tried again. It matters for short polls only: long ones make
//! others wait, and neither a long queue ([`look`](crate::look)) nor an inbox is left to one worker. Where there is no core for
//! one more ([`room`](crate::room)), short polls gain nothing either, however many they are.
//!
//! A kind that is not known counts as costly. If a guess is wrong the other way, the tasks wait for their own worker, for
//! one that is awake anyway, for the next [look](crate::look) of their own, or for the [`monitor`](crate::monitor),
//! which comes when a poll has lasted for half a millisecond.
//!
//! Rejected: *one average for all tasks* (a batch of light ones hides the heavy one behind them); *to wake whenever the queue
//! becomes longer than none* (spawning and joining empty tasks costs three times as much with a second worker).

use std::cell::Cell;
use std::time::Duration;

use crate::kinds::Kinds;

/// In nanoseconds: what there must be to do to wake a thread for it.
pub(crate) const WAKE: u64 = 20_000;
/// In nanoseconds: what there must be to do in tasks that are spawned together, to wake a thread that takes half of them. It
/// comes late, and has to be paid for by the one that wakes it.
const SHARE: u64 = 5 * WAKE;
/// In nanoseconds: as much, in tasks that events or timers woke, and that are left in a queue. Whoever sends those events may
/// be on this machine, and need the core that the thread would take.
const EVENTS: u64 = 10 * WAKE;
/// In nanoseconds: tasks whose polls are shorter are not given away.
const MOVE: u64 = 1000;
/// Workers are in each other's way if all of them together get less than four fifths done of what one does alone.
const IN_THE_WAY: (u64, u64) = (4, 5);
/// One poll in so many is timed.
const SAMPLE_EVERY: u32 = 64;
/// How many polls in a row are timed to find out about a kind that is not known.
const CURIOUS: u32 = 64;

/// What one worker knows.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    known: Kinds<Cost>,
    /// For how many more polls to be curious.
    curious: Cell<u32>,
}

/// What is known of a kind's polls, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// How long a poll takes, rather too short than too long.
    short: u32,
    /// How long it takes on average while nobody else is awake; zero if that is not known.
    alone: u32,
    /// How long it takes on average in company, divided by the number of workers that are awake; zero if that is not known.
    shared: u32,
}

impl Costs {
    /// Says whether to time the poll with this number.
    #[inline]
    pub(crate) fn wants_to_know(&self, poll: u32) -> bool {
        let curious = self.curious.get();
        if curious > 0 {
            self.curious.set(curious - 1);
        }
        curious > 0 || poll.is_multiple_of(SAMPLE_EVERY)
    }

    /// A poll of a task of this kind took so long, while so many workers were awake.
    pub(crate) fn learn(&self, kind: usize, took: Duration, company: impl FnOnce() -> usize) {
        let took = u32::try_from(took.as_nanos()).unwrap_or(u32::MAX);
        let Some(before) = self.known.get(kind) else {
            self.curious.set(0);
            self.known.set(kind, Cost { short: took, alone: 0, shared: 0 });
            return;
        };
        // What is too short to be given away has no company.
        let company = if u64::from(took.max(before.short)) < MOVE { 1 } else { company() };
        self.known.set(kind, before.after(took, company.try_into().unwrap_or(u32::MAX)));
    }

    /// In nanoseconds: what there is to gain if somebody else polls a task of this kind. `is_full` says whether there is no core
    /// for one more worker.
    #[inline]
    pub(crate) fn gain(&self, kind: usize, is_full: impl FnOnce() -> bool) -> u64 {
        match self.known.get(kind) {
            Some(cost) => cost.gain(is_full),
            None => {
                self.curious.set(CURIOUS);
                EVENTS
            }
        }
    }
}

impl Cost {
    /// What is known after one more poll.
    fn after(self, took: u32, company: u32) -> Cost {
        let Cost { short, alone, shared } = self;
        let share = took / company;
        if company == 1 {
            let shared = shared - shared.div_ceil(256);
            return Cost {
                short: fall_or_rise(short, took, 8),
                alone: mean(alone, took, short),
                shared,
            };
        }
        // What company adds is not the poll's; but if polls have become long, that matters more than who is in whose way.
        let slowness = if u64::from(share) >= WAKE { 64 } else { 1024 };
        Cost {
            short: fall_or_rise(short, took, slowness),
            alone,
            shared: mean(shared, share, short),
        }
    }

    #[inline]
    fn gain(self, is_full: impl FnOnce() -> bool) -> u64 {
        let (short, shared) = (u64::from(self.short), u64::from(self.shared));
        let (less, more) = IN_THE_WAY;
        // As long as nobody was alone, the short polls have to do for a comparison.
        let is_worse = shared * less > u64::from(self.alone.max(self.short)) * more;
        if short < MOVE || (short < WAKE && (is_worse || is_full())) { 0 } else { short }
    }
}

/// An average that falls at once and rises slowly.
fn fall_or_rise(average: u32, sample: u32, slowness: u32) -> u32 {
    if sample <= average {
        return average / 2 + sample / 2;
    }
    let sample = sample.min(average.saturating_mul(8).saturating_add(1000));
    average + (sample - average).div_ceil(slowness)
}

/// An average, zero if nothing is known, of what takes `short` or longer: once is no rule.
fn mean(average: u32, sample: u32, short: u32) -> u32 {
    let sample = sample.min(short.saturating_mul(4).saturating_add(1000));
    if average == 0 { sample.min(short) } else { average - average / 8 + sample / 8 }
}

/// Says whether to wake a thread for something that would take so many nanoseconds here.
#[inline]
pub(crate) fn pays(gain: u64) -> bool {
    gain >= WAKE
}

/// Says whether to wake a thread for half of what was spawned together, and would take so many nanoseconds here.
pub(crate) fn pays_for_batch(gain: u64) -> bool {
    gain >= SHARE
}

/// As [`pays_for_batch`], of what events or timers woke.
pub(crate) fn pays_for_events(gain: u64) -> bool {
    gain >= EVENTS
}

/// Says whether to wake a thread for half of so many polls, that take so long on average. A task that another one spawned or
/// woke was shared then, if that paid; so what is left in a queue is mostly due to events.
pub(crate) fn pays_for(polls: usize, average: Duration, is_full: bool) -> bool {
    let nanos = u64::try_from(average.as_nanos()).unwrap_or(u64::MAX);
    let moves = nanos >= MOVE && !(is_full && is_short(average));
    moves && pays_for_events(nanos.saturating_mul(polls as u64))
}

/// Says whether polls that take so long on average are too short for one of them to be worth a wake.
pub(crate) fn is_short(average: Duration) -> bool {
    average < Duration::from_nanos(WAKE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUP: usize = 0x1000;
    const TEA: usize = 0x1010;

    fn together(costs: &Costs, kind: usize, took: u64, company: usize) {
        costs.learn(kind, Duration::from_nanos(took), || company);
    }

    fn nanos(costs: &Costs, kind: usize, took: u64) {
        together(costs, kind, took, 1);
    }

    #[test]
    fn unknown_kind_pays_and_is_looked_into() {
        let costs = Costs::default();
        assert!(!costs.wants_to_know(1));
        assert!(pays(costs.gain(SOUP, || false)) && pays_for_events(costs.gain(SOUP, || false)));
        assert!(costs.wants_to_know(1));
        nanos(&costs, SOUP, 40);
        assert!(!costs.wants_to_know(1), "it is known now");
        assert!(!pays(costs.gain(SOUP, || false)));
        assert!(pays(costs.gain(TEA, || false)), "another one is not");
    }

    #[test]
    fn many_costly_polls_pay_and_any_number_of_short_ones_does_not() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 3_000);
        nanos(&costs, TEA, 100);
        assert!(!pays(costs.gain(SOUP, || false)) && pays(costs.gain(SOUP, || false) * 7));
        assert!(
            !pays_for_batch(costs.gain(SOUP, || false) * 33)
                && pays_for_batch(costs.gain(SOUP, || false) * 34)
        );
        assert!(
            !pays_for_events(costs.gain(SOUP, || false) * 66)
                && pays_for_events(costs.gain(SOUP, || false) * 67)
        );
        assert_eq!(costs.gain(TEA, || false), 0);
        assert!(
            pays_for(67, Duration::from_micros(3), false)
                && !pays_for(66, Duration::from_micros(3), false)
        );
        assert!(!pays_for(1_000_000, Duration::from_nanos(100), false));
    }

    #[test]
    fn where_there_is_no_core_for_more_only_long_polls_pay() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 3_000);
        nanos(&costs, TEA, WAKE);
        assert_eq!((costs.gain(SOUP, || true), costs.gain(TEA, || true)), (0, WAKE));
        assert!(!pays_for(1_000_000, Duration::from_micros(3), true));
        assert!(pays_for(10, Duration::from_micros(20), true));
    }

    #[test]
    fn average_follows_what_comes_and_forgives_one_interruption() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 100);
        nanos(&costs, SOUP, 4_000_000);
        assert_eq!(costs.gain(SOUP, || false), 0, "one is no rule");
        for _ in 0..8 {
            nanos(&costs, SOUP, 4_000_000);
        }
        assert!(pays(costs.gain(SOUP, || false)), "several are");
        for _ in 0..16 {
            nanos(&costs, SOUP, 100);
        }
        assert_eq!(costs.gain(SOUP, || false), 0);
    }

    #[test]
    fn average_forgives_interruptions_that_go_on() {
        let costs = Costs::default();
        for sample in 0..1_000 {
            nanos(&costs, SOUP, if sample % 4 == 3 { 100_000 } else { 100 });
            assert_eq!(costs.gain(SOUP, || false), 0, "after {sample} samples");
        }
    }

    #[test]
    fn polls_of_workers_that_are_in_each_others_way_do_not_pay_and_are_tried_again() {
        for (company, took) in [(2, 12_000), (8, 40_000)] {
            let costs = Costs::default();
            nanos(&costs, SOUP, 3_000);
            together(&costs, SOUP, 4_000_000, company);
            assert!(costs.gain(SOUP, || false) > 0, "once is no rule");
            for _ in 0..16 {
                together(&costs, SOUP, took, company);
            }
            assert_eq!(costs.gain(SOUP, || false), 0, "{company} get less done than one");
            let tries_again = (0..1_000).position(|_| {
                nanos(&costs, SOUP, 3_000);
                costs.gain(SOUP, || false) > 0
            });
            assert!(tries_again > Some(20), "{tries_again:?}");
        }
    }

    #[test]
    fn workers_may_be_slower_each_if_all_get_more_done() {
        for (company, took) in [(2, 5_000), (8, 12_000)] {
            let costs = Costs::default();
            for _ in 0..16 {
                nanos(&costs, SOUP, 3_000);
                together(&costs, SOUP, took, company);
                assert!(costs.gain(SOUP, || false) > 0, "{company} get more done than one");
            }
        }
    }

    #[test]
    fn uneven_polls_are_compared_with_what_they_take_alone() {
        let costs = Costs::default();
        let uneven = |poll| if poll % 10 < 3 { 20_000 } else { 1_500 };
        for poll in 0..100 {
            nanos(&costs, SOUP, uneven(poll));
        }
        for poll in 0..1_000 {
            together(&costs, SOUP, uneven(poll), 2);
            assert!(costs.gain(SOUP, || false) > 0, "after {poll}");
        }
    }

    #[test]
    fn polls_that_become_long_pay_though_nobody_was_alone() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 3_000);
        for _ in 0..200 {
            together(&costs, SOUP, 100_000, 2);
        }
        assert!(pays(costs.gain(SOUP, || false)), "they hold up all others");
    }
}
