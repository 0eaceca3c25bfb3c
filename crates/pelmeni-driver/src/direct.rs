//! Linux: straight to epoll, one system call for each wait.
//!
//! `polling` makes the epoll descriptor and lends it; its own `wait` is never called, because it spends two to four more
//! calls on its eventfd and its timerfd. In their place:
//!
//! - Sources are edge-triggered. Who asks to read asks for `EPOLLRDHUP`, too, which `polling` cannot.
//! - The bell is an eventfd of our own. It is edge-triggered too and **never read**: each write is a new edge, whatever
//!   the counter says, and the counter would need centuries to be full.
//! - `epoll_wait` counts in milliseconds. A wait of a millisecond or more sleeps the whole ones there, the rest in
//!   `ppoll` on the epoll descriptor, which counts in nanoseconds. A wait that ends by an event is one call, or two if
//!   it comes within the last millisecond; one that times out is one or two.
//!
//! - Who closes a descriptor need not delete it first: with the last one of an open file, epoll forgets the file. If there is
//!   a duplicate (a clone, a child between fork and exec, a descriptor that was sent away), the entry lives on, under the
//!   number that is gone. It reports edges, so that nothing spins, with a key whose generation is over, so that nobody hears
//!   them; and whoever comes with the same file under the same number takes the entry away (see `registration`).
//!
//! Rejected: `epoll_pwait2`, which has nanoseconds, but is missing before Linux 5.11; rustix offers it only by a feature
//! that would take `epoll_wait` from every other user of rustix in the program too.
//!
//! Source: epoll(7), eventfd(2); `ep_poll_callback` in Linux's `fs/eventpoll.c` for edges that are not consumed.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::clock;
use crate::descriptor::BorrowedDescriptor;
use crate::interest::Interest;
use crate::poller::{Event, LONGEST_WAIT, Poller};
use crate::source::Key;

/// How many events one wait takes at most; the others stay for the next one.
const BATCH: usize = 256;

/// In nanoseconds: what `epoll_wait` counts in.
const MILLISECOND: u64 = 1_000_000;

/// Epoll without detours.
#[derive(Debug)]
pub(crate) struct Direct {
    /// Owns the epoll descriptor.
    poller: polling::Poller,
    bell: OwnedFd,
}

impl Direct {
    pub(crate) fn new() -> io::Result<Direct> {
        let poller = polling::Poller::new()?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&poller, &bell, data(Key::BELL), EventFlags::IN | EventFlags::ET)?;
        Ok(Direct { poller, bell })
    }

    /// One call of `epoll_wait`; whether anything came, be it only the bell.
    fn take(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<bool> {
        let mut batch = [const { MaybeUninit::uninit() }; BATCH];
        let timeout = timeout.map(timespec);
        let (batch, _) = match epoll::wait(&self.poller, &mut batch, timeout.as_ref()) {
            Ok(batch) => batch,
            // A signal: somebody may have something to look at.
            Err(Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let reported = batch.iter().map(|event| {
            let flags = event.flags; // a field of a packed struct
            let key = Key::from_usize(event.data.u64() as usize);
            Event { key, ready: interest(flags), ends: flags.intersects(ENDS) }
        });
        events.extend(reported.filter(|event| event.key != Key::BELL));
        Ok(!batch.is_empty())
    }

    /// Waits less than a millisecond. Whether it is worth while to call `epoll_wait`.
    fn nap(&self, timeout: Duration) -> io::Result<bool> {
        let mut epoll = [PollFd::new(&self.poller, PollFlags::IN)];
        match poll(&mut epoll, Some(&timespec(timeout))) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

impl Poller for Direct {
    fn is_oneshot(&self) -> bool {
        false
    }

    fn add(&self, source: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.poller, source, data(key), flags(interest))?)
    }

    fn arm(&self, source: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.poller, source, data(key), flags(interest))?)
    }

    fn delete(&self, source: BorrowedDescriptor<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.poller, source)?)
    }

    fn release(&self, _: BorrowedDescriptor<'_>) -> io::Result<()> {
        Ok(())
    }

    fn wait(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        let Some(timeout) = timeout.map(|timeout| timeout.min(LONGEST_WAIT)) else {
            return self.take(events, None).map(drop);
        };
        let fraction = Duration::from_nanos(u64::from(timeout.subsec_nanos()) % MILLISECOND);
        if fraction.is_zero() {
            return self.take(events, Some(timeout)).map(drop);
        }
        let mut rest = timeout;
        if timeout > fraction {
            let end = clock::now() + timeout;
            if self.take(events, Some(timeout - fraction))? {
                return Ok(());
            }
            rest = end.until(clock::now()).unwrap_or_default();
        }
        if self.nap(rest)? {
            self.take(events, Some(Duration::ZERO))?;
        }
        Ok(())
    }

    fn notify(&self) -> io::Result<()> {
        match rustix::io::write(self.bell.as_fd(), &1u64.to_ne_bytes()) {
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is not just bytes.
const ENDS: EventFlags =
    EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR).union(EventFlags::PRI);

fn data(key: Key) -> EventData {
    EventData::new_u64(key.as_usize() as u64)
}

/// What to ask for. Hang-ups and errors come unasked.
fn flags(interest: Interest) -> EventFlags {
    let read = EventFlags::IN | EventFlags::RDHUP | EventFlags::PRI;
    let mut flags = EventFlags::ET;
    flags.set(read, interest.read);
    flags.set(EventFlags::OUT, interest.write);
    flags
}

/// What may be tried again after these flags. A hang-up of the other side's sending half concerns only reading.
fn interest(flags: EventFlags) -> Interest {
    let both = EventFlags::HUP | EventFlags::ERR;
    let read = both | EventFlags::IN | EventFlags::RDHUP | EventFlags::PRI;
    let write = both | EventFlags::OUT;
    Interest { read: flags.intersects(read), write: flags.intersects(write) }
}

/// `timeout` is at most a day, so that it fits.
fn timespec(timeout: Duration) -> Timespec {
    Timespec {
        tv_sec: timeout.as_secs().try_into().expect("a day fits"),
        tv_nsec: timeout.subsec_nanos().into(),
    }
}
