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
//! by one thread. So it is also known what polls of a kind take while several workers are awake, divided by how many those
//! are. If that is more than alone, nobody is woken for such tasks, and those who are awake fall asleep as soon as they run
//! out of them. (Steps up are smaller in company, or polls would soon seem long enough to be worth a wake.) From time to time
//! it is tried again.
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
    /// How long one takes on average.
    alone: u32,
    /// How much of the time of all workers that are awake one takes of each, on average, while there are several: less than
    /// alone, if they are not in each other's way. Zero if that is not known.
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
            self.known.set(kind, Cost { alone: took, shared: 0 });
            return;
        };
        let is_short = u64::from(took.max(before.alone)) < MOVE;
        let company = if is_short { 1 } else { company().try_into().unwrap_or(1) };
        self.known.set(kind, before.after(took, company));
    }

    /// In nanoseconds: what there is to gain if somebody else polls a task of this kind.
    #[inline]
    pub(crate) fn gain(&self, kind: usize) -> u64 {
        match self.known.get(kind) {
            Some(cost) => cost.gain(),
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
        let Cost { alone, shared } = self;
        let took = took.min(alone.saturating_mul(8).saturating_add(1000));
        let share = took / company;
        Cost {
            alone: match company {
                _ if took <= alone => alone / 2 + took / 2,
                1 => alone + (took - alone) / 8,
                _ => alone + (took - alone) / 256,
            },
            shared: match company {
                1 => shared - shared.div_ceil(256),
                _ if shared == 0 => share,
                _ => shared - shared / 8 + share / 8,
            },
        }
    }

    #[inline]
    fn gain(self) -> u64 {
        let (alone, shared) = (u64::from(self.alone), u64::from(self.shared));
        let (less, more) = IN_THE_WAY;
        let is_worse = shared * less > alone * more;
        if alone < MOVE || (alone < WAKE && is_worse) { 0 } else { alone }
    }
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
pub(crate) fn pays_for(polls: usize, average: Duration) -> bool {
    let average = u64::try_from(average.as_nanos()).unwrap_or(u64::MAX);
    average >= MOVE && pays_for_events(average.saturating_mul(polls as u64))
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
        assert!(pays(costs.gain(SOUP)) && pays_for_events(costs.gain(SOUP)));
        assert!(costs.wants_to_know(1));
        nanos(&costs, SOUP, 40);
        assert!(!costs.wants_to_know(1), "it is known now");
        assert!(!pays(costs.gain(SOUP)));
        assert!(pays(costs.gain(TEA)), "another one is not");
    }

    #[test]
    fn many_costly_polls_pay_and_any_number_of_short_ones_does_not() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 3_000);
        nanos(&costs, TEA, 100);
        assert!(!pays(costs.gain(SOUP)) && pays(costs.gain(SOUP) * 7));
        assert!(!pays_for_batch(costs.gain(SOUP) * 33) && pays_for_batch(costs.gain(SOUP) * 34));
        assert!(!pays_for_events(costs.gain(SOUP) * 66) && pays_for_events(costs.gain(SOUP) * 67));
        assert_eq!(costs.gain(TEA), 0);
        assert!(pays_for(67, Duration::from_micros(3)) && !pays_for(66, Duration::from_micros(3)));
        assert!(!pays_for(1_000_000, Duration::from_nanos(100)));
    }

    #[test]
    fn average_follows_what_comes_and_forgives_one_interruption() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 100);
        nanos(&costs, SOUP, 4_000_000);
        assert_eq!(costs.gain(SOUP), 0, "one is no rule");
        for _ in 0..8 {
            nanos(&costs, SOUP, 4_000_000);
        }
        assert!(pays(costs.gain(SOUP)), "several are");
        for _ in 0..16 {
            nanos(&costs, SOUP, 100);
        }
        assert_eq!(costs.gain(SOUP), 0);
    }

    #[test]
    fn average_forgives_interruptions_that_go_on() {
        let costs = Costs::default();
        for sample in 0..1_000 {
            nanos(&costs, SOUP, if sample % 4 == 3 { 100_000 } else { 100 });
            assert_eq!(costs.gain(SOUP), 0, "after {sample} samples");
        }
    }

    #[test]
    fn polls_of_workers_that_are_in_each_others_way_do_not_pay_and_are_tried_again() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 3_000);
        together(&costs, SOUP, 5_000, 2);
        assert!(pays(costs.gain(SOUP) * 7), "two get more done than one");
        for _ in 0..8 {
            together(&costs, SOUP, 12_000, 2);
        }
        assert_eq!(costs.gain(SOUP), 0, "one gets more done than two");
        let tries_again = (0..1_000).position(|_| {
            nanos(&costs, SOUP, 3_000);
            costs.gain(SOUP) > 0
        });
        assert!(tries_again > Some(50), "{tries_again:?}");
    }

    #[test]
    fn many_workers_may_be_slower_each() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 3_000);
        for _ in 0..8 {
            together(&costs, SOUP, 12_000, 8);
        }
        assert!(costs.gain(SOUP) > 0, "they get twice as much done as one");
    }

    #[test]
    fn polls_that_become_long_pay_though_nobody_was_alone() {
        let costs = Costs::default();
        nanos(&costs, SOUP, 3_000);
        for _ in 0..200 {
            together(&costs, SOUP, 100_000, 2);
        }
        assert!(pays(costs.gain(SOUP)), "they hold up all others");
    }
}
