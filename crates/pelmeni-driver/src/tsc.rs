//! The time stamp counter: a count that the processor keeps, in a third of the time that a look at the clock takes.
//!
//! It is believed if the processor promises that it runs at one rate, whether cores save power or sleep, and the kernel
//! takes its own time from it, since that has compared the cores.

use std::arch::x86_64::{__cpuid, _rdtsc};
use std::fs;
use std::sync::OnceLock;

/// Where the kernel says what it takes its time from.
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// Reads the counter, if it is one to believe; the first call asks the system.
///
/// The processor reads when it comes to it, which may be before what stands before it in the program is done.
#[inline]
pub(super) fn read() -> Option<u64> {
    static IS_BELIEVED: OnceLock<bool> = OnceLock::new();
    // SAFETY: every processor of this kind has the instruction, and whoever forbids it to a program forbids the clock, too.
    IS_BELIEVED.get_or_init(is_believed).then(|| unsafe { _rdtsc() })
}

fn is_believed() -> bool {
    runs_at_one_rate() && fs::read(CLOCK_SOURCE).is_ok_and(|source| source.trim_ascii() == b"tsc")
}

/// What AMD and Intel call invariant.
fn runs_at_one_rate() -> bool {
    const EXTENDED: u32 = 0x8000_0000;
    const POWER: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;
    #[allow(unused_unsafe, reason = "safe since Rust 1.94")]
    // SAFETY: every processor of this kind has the instruction.
    let ask = |leaf| unsafe { __cpuid(leaf) };
    ask(EXTENDED).eax >= POWER && ask(POWER).edx & INVARIANT != 0
}
