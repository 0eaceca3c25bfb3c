//! The twin of `this_core` for systems that do not say.

/// `None`: the system does not say on which core this thread runs.
#[inline]
pub fn this_core() -> Option<usize> {
    None
}
