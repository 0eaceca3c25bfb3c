//! The cores that a measurement may use.
//!
//! A round trip between two processes is 12 us of work where both share a core, and 50 us on two cores of a virtual
//! machine, most of it the time that a halted core takes to wake up. Only the first tells runtimes apart.

use std::panic::resume_unwind;
use std::thread;

/// Runs `work` on a thread that is confined to one core, with all threads and processes that it starts.
///
/// Where cores cannot be chosen, it runs on a thread like any other.
///
/// # Panics
///
/// Panics if the kernel refuses, and if `work` panics.
pub(crate) fn on_one<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let confined = scope.spawn(|| {
            confine_this_thread();
            work()
        });
        confined.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

#[cfg(target_os = "linux")]
fn confine_this_thread() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).expect("the cores of this thread are known");
    // Not the first, which serves most of the interrupts.
    let last = (0..CpuSet::MAX_CPU).rev().find(|&core| allowed.is_set(core));
    let mut one = CpuSet::new();
    one.set(last.expect("this thread runs on some core"));
    sched_setaffinity(None, &one).expect("one of the allowed cores may be chosen");
}

#[cfg(not(target_os = "linux"))]
fn confine_this_thread() {}
