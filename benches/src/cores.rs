//! The cores that a measurement may use.
//!
//! A round trip between two processes is 12 us of work where both share a core, and 50 us on two cores of a virtual
//! machine, most of it the time that a halted core takes to wake up. Only the first tells runtimes apart.

/// Confines this thread, and the threads and processes that it starts from now on, to one core.
///
/// Where there is no call for that, nothing happens.
///
/// # Panics
///
/// Panics if the kernel refuses.
#[cfg(target_os = "linux")]
pub fn share_one() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).expect("the cores of this thread are known");
    // Not the first, which serves most of the interrupts.
    let last = (0..CpuSet::MAX_CPU)
        .rev()
        .find(|&core| allowed.is_set(core));
    let mut one = CpuSet::new();
    one.set(last.expect("this thread runs on some core"));
    sched_setaffinity(None, &one).expect("one of the allowed cores may be chosen");
}

/// Confines this thread, and the threads and processes that it starts from now on, to one core.
///
/// Where there is no call for that, nothing happens.
#[cfg(not(target_os = "linux"))]
pub fn share_one() {}
