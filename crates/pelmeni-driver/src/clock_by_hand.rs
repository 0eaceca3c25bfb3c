//! The twin of `clock.rs` in models: time stands still until the model moves it.
//!
//! Loom runs a program again and again and must find it the same, and has no clock itself. So each execution begins at zero.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pelmeni_core::primitive::loom::lazy_static;
use pelmeni_core::primitive::loom::sync::atomic::{AtomicU64, Ordering};

use crate::Deadline;

lazy_static! {
    /// Loom's own atomic and not the core's: readers need not be told apart, since all they do is to read.
    static ref NOW: AtomicU64 = AtomicU64::new(0);
}

/// Reads the model's clock, as the standard library has it.
pub fn instant() -> Instant {
    start() + Duration::from_nanos(now().as_nanos())
}

/// Reads the model's clock. Relaxed: whoever moves it tells those who must know.
pub fn now() -> Deadline {
    Deadline::from_nanos(NOW.load(Ordering::Relaxed))
}

/// As [`now`]: there is no time between the two.
pub fn latest() -> Deadline {
    now()
}

/// Moves the model's clock.
pub fn pass(time: Duration) {
    NOW.fetch_add((Deadline::ZERO + time).as_nanos(), Ordering::Relaxed);
}

/// The instant from which deadlines count: any will do.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub(crate) fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}
