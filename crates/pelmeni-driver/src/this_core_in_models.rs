//! The twin of `this_core` for models: all threads share one core, since that is where the runtime has more to do.

/// The only core.
#[inline]
pub fn this_core() -> Option<usize> {
    Some(0)
}
