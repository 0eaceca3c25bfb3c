//! Reading or writing, and sets of the two.

/// One direction of a source: each has its own readiness and its own waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Reading, accepting, receiving: whatever waits for the other side to have sent something.
    Read,
    /// Writing, connecting, sending: whatever waits for room, or for the other side to answer.
    Write,
}

/// A set of directions: what is asked of the poller, and what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Interest {
    pub(crate) const NONE: Interest = Interest { read: false, write: false };
    pub(crate) const BOTH: Interest = Interest { read: true, write: true };

    /// One direction.
    pub(crate) fn only(direction: Direction) -> Interest {
        let read = direction == Direction::Read;
        Interest { read, write: !read }
    }
}
