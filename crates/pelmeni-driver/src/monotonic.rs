//! The monotonic clock as the kernel has it: one count of nanoseconds.
//!
//! The standard library's `Instant` is the same clock, in seconds and nanoseconds that nobody can see. To have the distance
//! of two of them as a count takes a subtraction with a borrow, a multiplication and two checks, at each look at the clock.
//! Elsewhere than on Linux it is what there is, and the twin of this file counts that way.
//!
//! Rejected: rustix's `clock_gettime`, which needs no `unsafe` here, but crashes a program under Valgrind.

use std::time::Instant;

use libc::{CLOCK_MONOTONIC, clock_gettime, timespec};

/// How often both clocks are read at the start.
const READINGS: usize = 8;

/// An instant on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) instant: Instant,
    nanos: u64,
}

impl Start {
    /// Reads both clocks, the standard library's first. What is late by the time between the two is late, and never early;
    /// so that this time is short, the closest of a few readings counts.
    pub(super) fn now() -> Start {
        let read = |_| {
            let before = nanos();
            let start = Start { instant: super::instant(), nanos: nanos() };
            (start.nanos - before, start)
        };
        let readings = (0..READINGS).map(read);
        let (_, closest) = readings.min_by_key(|(took, _)| *took).expect("there is one at least");
        closest
    }

    /// How many nanoseconds have passed since then.
    #[inline]
    pub(super) fn elapsed(self) -> u64 {
        nanos().saturating_sub(self.nanos)
    }
}

#[inline]
fn nanos() -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to `now` and to nothing else.
    let failed = unsafe { clock_gettime(CLOCK_MONOTONIC, &raw mut now) } != 0;
    assert!(!failed, "this clock is never missing");
    // Neither is negative: the clock counts from the start of the machine.
    now.tv_sec as u64 * SECOND + now.tv_nsec as u64
}
