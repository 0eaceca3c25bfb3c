//! The twin of `monotonic.rs` where the standard library's clock is the one to read.

use std::time::Instant;

/// An instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) instant: Instant,
}

impl Start {
    /// Reads the clock.
    pub(super) fn now() -> Start {
        Start { instant: super::instant() }
    }

    /// How many nanoseconds have passed since then.
    pub(super) fn elapsed(self) -> u64 {
        let elapsed = super::instant().saturating_duration_since(self.instant);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}
