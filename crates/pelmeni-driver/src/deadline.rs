//! An instant, as nanoseconds since the process started to count: eight bytes, ordered, saturating.
//!
//! 62 bits of nanoseconds are 146 years; the two that are left are for whoever keeps something beside it. The last value
//! means *never*; arithmetic that would go beyond it ends there, and instants before the start count as zero: both are what
//! the caller of a far-future or a long-past deadline means.

use std::time::{Duration, Instant};

use crate::clock;

/// An instant on the clock of this process.
///
/// # Examples
/// ```
/// use pelmeni_driver::{Deadline, clock};
/// use std::time::Duration;
///
/// let now = clock::now();
/// let soon = now + Duration::from_millis(5);
/// assert_eq!(soon.until(now), Some(Duration::from_millis(5)));
/// assert_eq!(now.until(soon), Some(Duration::ZERO));
/// assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
/// assert_eq!(Deadline::NEVER.until(now), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(u64);

impl Deadline {
    /// How many bits a deadline takes at most.
    pub const BITS: u32 = 62;

    /// The deadline that does not come.
    pub const NEVER: Deadline = Deadline((1 << Deadline::BITS) - 1);

    /// The instant from which deadlines count.
    pub const ZERO: Deadline = Deadline(0);

    /// The instant `delay` from now, and up to fifteen microseconds later unless it is now; [`NEVER`](Deadline::NEVER) if it is
    /// centuries away.
    #[must_use]
    #[inline]
    pub fn after(delay: Duration) -> Deadline {
        if delay.is_zero() { clock::now() } else { clock::latest() + delay }
    }

    /// The same instant on this process's count: zero if it is before the start, [`NEVER`](Deadline::NEVER) if it is
    /// centuries away.
    #[must_use]
    pub fn at(instant: Instant) -> Deadline {
        Deadline::ZERO + instant.saturating_duration_since(clock::start())
    }

    /// The instant as the standard library has it; `None` for [`NEVER`](Deadline::NEVER).
    #[must_use]
    pub fn to_instant(self) -> Option<Instant> {
        match self {
            Deadline::NEVER => None,
            Deadline(nanos) => clock::start().checked_add(Duration::from_nanos(nanos)),
        }
    }

    /// How long it is from `now` until this instant: zero if it has passed, `None` if it never comes.
    ///
    /// The result is what [`Turn::wait`](crate::Turn::wait) takes.
    #[must_use]
    pub const fn until(self, now: Deadline) -> Option<Duration> {
        match self {
            Deadline::NEVER => None,
            Deadline(nanos) => Some(Duration::from_nanos(nanos.saturating_sub(now.0))),
        }
    }

    /// Whether this instant has come.
    #[must_use]
    pub fn has_passed(self, now: Deadline) -> bool {
        self <= now && self != Deadline::NEVER
    }

    /// The instant at this count of nanoseconds; [`NEVER`](Deadline::NEVER) if that is centuries away.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Deadline {
        if nanos < Deadline::NEVER.0 { Deadline(nanos) } else { Deadline::NEVER }
    }

    /// The count of nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl std::ops::Add<Duration> for Deadline {
    type Output = Deadline;

    /// The instant `delay` later, at most [`NEVER`](Deadline::NEVER).
    fn add(self, delay: Duration) -> Deadline {
        let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        Deadline::from_nanos(self.0.saturating_add(nanos))
    }
}
