//! The time stamp counter: a count that the processor keeps, in a third of the time that a look at the clock takes.
//!
//! It is believed while the kernel believes it: if the kernel takes its own time from this counter, it has seen that the
//! counter runs at one rate, the same on all cores, whatever the processor saves and whether it sleeps.

use std::arch::x86_64::_rdtsc;
use std::fs;
use std::sync::OnceLock;

/// Where the kernel says what it takes its time from.
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// Reads the counter, if there is one to believe.
///
/// The processor does so when it comes to it, which may be before what stands before it in the program is done: by less
/// than a microsecond, for it does not look farther ahead.
#[inline]
pub(super) fn read() -> Option<u64> {
    static IS_BELIEVED: OnceLock<bool> = OnceLock::new();
    // SAFETY: every processor of this kind has the instruction, and whoever forbids it to a program forbids the clock, too.
    IS_BELIEVED.get_or_init(is_believed).then(|| unsafe { _rdtsc() })
}

fn is_believed() -> bool {
    fs::read(CLOCK_SOURCE).is_ok_and(|source| source.trim_ascii() == b"tsc")
}
