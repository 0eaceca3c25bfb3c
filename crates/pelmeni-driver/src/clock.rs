//! The only reader of the clock: monotonic nanoseconds since the process first asked.
//!
//! Everything else takes the time as an argument, so that a test or a simulation decides what time it is.

#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "monotonic_elsewhere.rs")]
#[cfg_attr(
    any(target_os = "linux", target_os = "android"),
    path = "monotonic.rs",
    expect(unsafe_code, reason = "the system's clock is read by a function of C")
)]
mod monotonic;
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), path = "tsc_elsewhere.rs")]
#[cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    path = "tsc.rs",
    expect(unsafe_code, reason = "the counter is read by an instruction")
)]
mod tsc;

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Instant;

use crate::Deadline;
use crate::estimate::Estimate;
use monotonic::Start;

/// Reads the monotonic clock, as the standard library has it.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Reads the monotonic clock.
///
/// # Examples
/// ```
/// use pelmeni_driver::clock;
///
/// let before = clock::now();
/// assert!(before <= clock::now());
/// ```
#[inline]
pub fn now() -> Deadline {
    Deadline::from_nanos(began().elapsed())
}

/// What time it is at the latest: not before [`now`], and by fifteen microseconds at most after it. It costs less, and no
/// thread is told an earlier one than before.
///
/// # Examples
/// ```
/// use pelmeni_driver::clock;
///
/// let before = clock::now();
/// assert!(before <= clock::latest());
/// ```
#[inline]
pub fn latest() -> Deadline {
    thread_local! {
        static LAST: Cell<Estimate> = const { Cell::new(Estimate::NONE) };
    }
    let clock = || began().elapsed();
    let nanos = match tsc::read() {
        Some(counter) => LAST.with(|last| Estimate::latest(last, counter, clock)),
        None => clock(),
    };
    Deadline::from_nanos(nanos)
}

/// The instant from which deadlines count.
///
/// The first caller sets it, at the latest when the first deadline is made: no deadline can lie before it except one
/// that has passed already, and that one is as good at zero.
pub(crate) fn start() -> Instant {
    began().instant
}

#[inline]
fn began() -> Start {
    static START: OnceLock<Start> = OnceLock::new();
    *START.get_or_init(|| {
        tsc::read(); // asks the system now, and not in somebody's poll
        Start::now()
    })
}
