//! The seam to the operating system: six calls, and the choice of who makes them.
//!
//! | implementation | what it does | where |
//! |---|---|---|
//! | [`Direct`](crate::direct) | one system call for each wait, on `polling`'s own epoll descriptor | Linux |
//! | [`Portable`](crate::portable) | `polling` as it is: edge-triggered where it can, oneshot elsewhere | everywhere |
//! | a mock | what `polling` does, as a model | loom |
//!
//! Oneshot sources are disarmed by each event and armed again by whoever waits next; edge-triggered ones are added once, for
//! the direction in which somebody waits, and armed again when somebody waits in the other one, too.

use std::io;
use std::time::Duration;

use crate::descriptor::BorrowedDescriptor;
use crate::interest::Interest;
use crate::source::Key;

/// What the driver asks of the operating system.
///
/// All functions may be called from any thread, except that [`wait`](Poller::wait) has one caller at a time.
pub(crate) trait Poller: Send + Sync + std::fmt::Debug {
    /// Whether a source reports once and must then be [armed](Poller::arm).
    fn is_oneshot(&self) -> bool;

    /// Adds a source: edge-triggered in these directions, or disarmed if [oneshot](Poller::is_oneshot). If it is ready by
    /// now, that is an event.
    fn add(&self, source: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()>;

    /// Asks for these directions and no others: a oneshot source for one more event, an edge-triggered one from now on. If it
    /// is ready by now, that is an event.
    fn arm(&self, source: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()>;

    /// Takes a source out. Events that are on their way may still come.
    fn delete(&self, source: BorrowedDescriptor<'_>) -> io::Result<()>;

    /// As [`delete`](Poller::delete), for a source whose descriptor is closed next: nothing to do where the system sees to
    /// that.
    fn release(&self, source: BorrowedDescriptor<'_>) -> io::Result<()> {
        self.delete(source)
    }

    /// Waits for events, for at most `timeout`, and appends them. A call to [`notify`](Poller::notify) ends it, now or
    /// in advance, and so may a signal. Never returns early because of `timeout` if that is shorter than a day.
    fn wait(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()>;

    /// Ends the wait that is going on, or the next one.
    fn notify(&self) -> io::Result<()>;
}

/// Something happened to a source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) key: Key,
    /// What may be tried again. Errors and hang-ups are for both directions.
    pub(crate) ready: Interest,
    /// Besides bytes, or instead of them, there may be an end, an error, or something urgent. A poller that cannot tell
    /// says so always.
    pub(crate) ends: bool,
}

/// The longest wait that is passed on. It ends with nothing, which any wait may; in return no platform's limit is ever
/// reached, be it an `Instant` or a C `int` of milliseconds.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Who makes the system calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PollerKind {
    /// The shortest way: on Linux, one system call for each wait; elsewhere the same as
    /// [`Portable`](PollerKind::Portable).
    #[default]
    Direct,
    /// The `polling` crate as it is, edge-triggered where the system can.
    Portable,
    /// As [`Portable`](PollerKind::Portable), but as on systems without edge triggers, so that this can be tested
    /// everywhere.
    Oneshot,
}

impl PollerKind {
    const NAMES: [(&str, PollerKind); 3] = [
        ("direct", PollerKind::Direct),
        ("portable", PollerKind::Portable),
        ("oneshot", PollerKind::Oneshot),
    ];

    /// Reads the environment variable `PELMENI_POLLER`: `direct` (also if it is not set), `portable` or `oneshot`.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it says anything else.
    pub fn from_env() -> io::Result<PollerKind> {
        match std::env::var_os("PELMENI_POLLER") {
            None => Ok(PollerKind::default()),
            Some(name) => PollerKind::from_name(&name.to_string_lossy()),
        }
    }

    fn from_name(name: &str) -> io::Result<PollerKind> {
        let known = PollerKind::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let message =
                format!("PELMENI_POLLER is {name:?}; it can be direct, portable or oneshot");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_understood_and_listed_in_the_error() {
        let error = PollerKind::from_name("epoll").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        for (name, kind) in PollerKind::NAMES {
            assert_eq!(PollerKind::from_name(name).unwrap(), kind);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
