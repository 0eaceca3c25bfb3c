//! What time it is at the latest: the last reading of the clock and what may have passed since by a cheaper counter.
//!
//! A timer that is armed need not know the time, only an instant that is not before it: nothing may end early. A look at the
//! clock would be half of what it costs to arm one.
//!
//! ```text
//!   counter     r0                      c
//!   ───────────┼──┼─────────────────────┼──────────► time
//!   clock         n0     READ_AHEAD + (c - r0) * TICK
//!                 └───────────────────────────────────────┤ at the latest
//! ```
//! Why the answer is never before the time:
//!
//! - The counter is read first and the clock then, so that less has passed since `n0` than since `r0`.
//! - A tick counts for [`TICK`], which is more than it takes on any processor, with a clock that is slowed down or hurried by
//!   as much as the kernel does that.
//! - What the processor reads before its turn is in [`READ_AHEAD`]: it can be ahead by the few hundred instructions that it
//!   keeps in flight.
//! - A counter that jumps (another core, another machine) is hardly ever found between `r0` and [`CARRIED_MAX`] ticks after
//!   it, and then for that one time.
//!
//! After those the clock is asked again, so that the answer is late by [`READ_AHEAD`] and what those make at most, fifteen
//! microseconds. Nor is an answer before an earlier one of the same thread: of two sleeps of one length, the first made is
//! the first to end.

use std::cell::Cell;

/// What a tick of the counter takes at most, in nanoseconds. The slowest of which we know count 0.8 in a nanosecond, and the
/// kernel makes its clock a tenth faster or slower at most, to correct it.
const TICK: u64 = 2;
/// For how many ticks a reading of the clock is carried on: for 1 to 5 us.
const CARRIED_MAX: u64 = 1 << 12;
/// How far ahead of its turn the counter is read, in nanoseconds, with much to spare: only instructions that each wait for
/// memory, and one for the other, would take so long.
const READ_AHEAD: u64 = 6_000;

/// What a thread knows of the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    /// What the counter said before the clock was read.
    counter: u64,
    /// What the clock said, in nanoseconds.
    clock: u64,
    /// The last answer.
    answer: u64,
}

impl Estimate {
    /// Before anything was read.
    pub(super) const NONE: Estimate = Estimate { counter: 0, clock: 0, answer: 0 };

    /// What time it is at the latest, in nanoseconds. The clock is read if the last reading is too old; the counter has been.
    #[inline]
    pub(super) fn latest(this: &Cell<Estimate>, counter: u64, clock: impl FnOnce() -> u64) -> u64 {
        let mut estimate = this.get();
        let carried = counter.wrapping_sub(estimate.counter);
        let latest = if carried < CARRIED_MAX {
            estimate.clock + READ_AHEAD + carried * TICK
        } else {
            estimate.counter = counter;
            estimate.clock = clock();
            estimate.clock
        };
        estimate.answer = estimate.answer.max(latest);
        this.set(estimate);
        estimate.answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::Estimate;

    proptest! {
        #[test]
        fn estimate_is_never_before_the_time_and_little_after(
            ticks_per_nano in 0.56..6.0_f64,
            steps in prop::collection::vec((0_u64..3_000, 0_u64..6_000), 1..200),
        ) {
            let last = Cell::new(Estimate::NONE);
            let mut time = 10_000_000_u64;
            let mut earlier = 0;
            for (pause, ahead) in steps {
                time += pause;
                let counter = (time as f64 * ticks_per_nano) as u64;
                time += ahead;
                let latest = Estimate::latest(&last, counter, || time);
                prop_assert!(latest >= time, "{latest} is before {time}");
                prop_assert!(latest <= time + 15_000, "{latest} is late at {time}");
                prop_assert!(latest >= earlier, "{latest} comes after {earlier}");
                earlier = latest;
            }
        }
    }

    #[test]
    fn counter_that_jumps_is_not_believed() {
        let last = Cell::new(Estimate::NONE);
        let latest = |counter, time| Estimate::latest(&last, counter, || time);
        assert_eq!(latest(1_000_000, 50_000), 50_000);
        assert_eq!(latest(999_999, 90_000), 90_000, "it went back");
        assert_eq!(latest(u64::MAX, 200_000), 200_000, "it went far");
        assert_eq!(latest(3, 300_000), 206_008, "it began again");
    }
}
