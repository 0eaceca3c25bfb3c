//! On which core a thread runs. Elsewhere than on Linux, and in models, the twins of this file have another answer.

/// The number of the core on which this thread runs, or ran a moment ago; `None` if the system does not say.
#[inline]
#[expect(unsafe_code, reason = "a call of the C library")]
pub fn this_core() -> Option<usize> {
    // SAFETY: the call takes and writes nothing.
    let core = unsafe { libc::sched_getcpu() };
    usize::try_from(core).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_is_one() {
        assert!(super::this_core().is_some());
    }
}
