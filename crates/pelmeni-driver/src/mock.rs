//! A poller for models: what the `polling` crate does, not what one would wish.
//!
//! - `notify` is a compare-and-swap of a flag, and **writes nothing** if that fails;
//! - `wait` empties the bell (the eventfd) first and lowers the flag **afterwards**, so that a notification in between is
//!   swallowed by the flag and has to be found by whoever returns from the wait;
//! - there is no clock: a wait without events lasts until it is notified, and what depends on a timeout is a deadlock, until
//!   the model says that time has passed.

use std::io;
use std::time::Duration;

use pelmeni_core::primitive::{Arc, Condvar, Mutex};
use pelmeni_core::primitive::{atomic::AtomicBool, atomic::Ordering};

use crate::descriptor::BorrowedDescriptor;
use crate::interest::Interest;
use crate::poller::{Event, Poller};
use crate::source::Key;

/// The poller, shared with the model that plays the kernel.
#[derive(Clone, Debug)]
pub(crate) struct MockPoller(Arc<Kernel>);

#[derive(Debug)]
struct Kernel {
    notified: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The eventfd has been written and not been read.
    bell: bool,
    /// What is inside, and what it is asked for.
    sources: Vec<(Key, Interest)>,
    /// What happened last; a source that comes inside is told.
    ready: Option<Interest>,
    /// What the next wait reports.
    events: Vec<Event>,
    /// Somebody waits.
    waits: bool,
    /// No wait that has a limit lasts any more.
    expired: bool,
}

impl MockPoller {
    pub(crate) fn new() -> MockPoller {
        MockPoller(Arc::new(Kernel {
            notified: AtomicBool::new(false),
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        }))
    }

    /// Something happens to all sources. Those that come inside or ask for it later are told when they do.
    pub(crate) fn report(&self, ready: Interest) {
        let mut state = self.0.state.lock();
        state.ready = Some(ready);
        let sources = state.sources.clone();
        sources.into_iter().for_each(|(key, interest)| state.tell(key, interest));
        drop(state);
        self.0.changed.notify_all();
    }

    /// So much time has passed that every wait with a limit ends, now or when it begins.
    pub(crate) fn expire(&self) {
        self.0.state.lock().expired = true;
        self.0.changed.notify_all();
    }
}

impl MockPoller {
    fn ask(&self, key: Key, interest: Interest) {
        let mut state = self.0.state.lock();
        state.sources.push((key, interest));
        state.tell(key, interest);
        drop(state);
        self.0.changed.notify_all();
    }
}

impl State {
    /// Reports to a source what happened last, as far as it is asked for.
    fn tell(&mut self, key: Key, interest: Interest) {
        let Some(Interest { read, write }) = self.ready else { return };
        let ready = Interest { read: read && interest.read, write: write && interest.write };
        if ready != Interest::NONE {
            self.events.push(Event { key, ready, ends: false });
        }
    }
}

impl Poller for MockPoller {
    fn is_oneshot(&self) -> bool {
        false
    }

    fn add(&self, _: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()> {
        self.ask(key, interest);
        Ok(())
    }

    fn arm(&self, _: BorrowedDescriptor<'_>, key: Key, interest: Interest) -> io::Result<()> {
        self.0.state.lock().sources.retain(|(other, _)| *other != key);
        self.ask(key, interest);
        Ok(())
    }

    fn delete(&self, _: BorrowedDescriptor<'_>) -> io::Result<()> {
        self.0.state.lock().sources.clear();
        Ok(())
    }

    fn wait(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        let mut state = self.0.state.lock();
        assert!(!std::mem::replace(&mut state.waits, true), "only one thread waits at a time");
        while !state.bell && state.events.is_empty() {
            if timeout == Some(Duration::ZERO) || (timeout.is_some() && state.expired) {
                break;
            }
            state = self.0.changed.wait(state);
        }
        state.waits = false;
        state.bell = false;
        events.append(&mut state.events);
        drop(state);
        // SeqCst, as in `polling`.
        self.0.notified.swap(false, Ordering::SeqCst);
        Ok(())
    }

    fn notify(&self) -> io::Result<()> {
        // SeqCst, as in `polling`.
        let raised =
            self.0.notified.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst);
        if raised.is_ok() {
            self.0.state.lock().bell = true;
            self.0.changed.notify_all();
        }
        Ok(())
    }
}
