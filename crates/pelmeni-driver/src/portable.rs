//! Everywhere: the `polling` crate as it is.
//!
//! Edge-triggered where the system can be asked for it (epoll, kqueue), oneshot elsewhere. A oneshot source is disarmed as
//! a whole by its first event, so that event is reported for both directions: whoever waits in the other one tries in
//! vain, waits again, and in doing so arms the source for everyone who waits.
//!
//! `polling` reserves the key `usize::MAX`, which is [`Key::BELL`] and no source's. Its `wait` retries after signals by
//! itself, and returns at once if another thread is inside, which the driver's turn rules out.

use std::io;
use std::time::Duration;

use pelmeni_core::primitive::Mutex;
use polling::{Events, PollMode};

use crate::descriptor::{BorrowedDescriptor, raw};
use crate::interest::Interest;
use crate::poller::{Event, LONGEST_WAIT, Poller};
use crate::source::Key;

/// `polling::Poller` behind the seam.
#[derive(Debug)]
pub(crate) struct Portable {
    poller: polling::Poller,
    oneshot: bool,
    /// Used by the one who waits; locked because nobody else can tell the compiler so.
    events: Mutex<Events>,
}

impl Portable {
    /// Edge-triggered, where that is possible.
    pub(crate) fn new() -> io::Result<Portable> {
        let poller = polling::Poller::new()?;
        let oneshot = !poller.supports_edge();
        Ok(Portable { poller, oneshot, events: Mutex::new(Events::new()) })
    }

    /// Oneshot, as on systems without edge triggers.
    pub(crate) fn oneshot() -> io::Result<Portable> {
        Ok(Portable { oneshot: true, ..Portable::new()? })
    }

    fn mode(&self) -> PollMode {
        if self.oneshot { PollMode::Oneshot } else { PollMode::Edge }
    }

    fn report(&self, event: polling::Event) -> Event {
        let named = Interest { read: event.readable, write: event.writable };
        let failed = event.is_err() == Some(true) || event.is_interrupt();
        let ready = if self.oneshot || failed { Interest::BOTH } else { named };
        // `polling` does not ask for `EPOLLRDHUP`: the end of a stream looks like bytes.
        Event { key: Key::from_usize(event.key), ready, ends: true }
    }
}

impl Poller for Portable {
    fn is_oneshot(&self) -> bool {
        self.oneshot
    }

    fn add(&self, source: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()> {
        let interest = if self.oneshot { Interest::NONE } else { interest };
        // SAFETY: the descriptor is open now, and its registration deletes it before it is closed.
        unsafe { self.poller.add_with_mode(raw(source), event(key, interest), self.mode()) }
    }

    fn arm(&self, source: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()> {
        self.poller.modify_with_mode(source, event(key, interest), self.mode())
    }

    fn delete(&self, source: BorrowedDescriptor<'_>) -> io::Result<()> {
        self.poller.delete(source)
    }

    fn wait(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        let mut batch = self.events.lock();
        batch.clear();
        self.poller.wait(&mut batch, timeout.map(|timeout| timeout.min(LONGEST_WAIT)))?;
        events.extend(batch.iter().map(|event| self.report(event)));
        Ok(())
    }

    fn notify(&self) -> io::Result<()> {
        self.poller.notify()
    }
}

fn event(key: Key, interest: Interest) -> polling::Event {
    polling::Event::new(key.as_usize(), interest.read, interest.write)
}
