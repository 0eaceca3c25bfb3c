//! The driver: the poller, the sources, the bell, and the turn that brings them together.
//!
//! D1. At most one thread has the turn. It is a lock that nobody waits for: who does not get it does something else. Who finds it
//! taken may be late, for it has just been given back; whoever gave it back looks at the driver again before it sleeps, or has
//! somebody else do so.
//!
//! D2. What came is written to the sources first, and all wakers are woken at the end, when no lock is held but the turn
//! itself. A waker that asks for the turn gets `None`, as everyone else does.
//!
//! D3. A panic of a waker is the waker's own affair, which the panic hook has reported: those behind it in the list are
//! woken all the same, and whoever happened to do the waking goes on.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use pelmeni_core::primitive::{TryLock, TryLockGuard};

use crate::bell::Bell;
use crate::poller::{Event, Poller, PollerKind};
use crate::portable::Portable;
use crate::source::Sources;

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::direct::Direct as Shortest;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use crate::portable::Portable as Shortest;

/// Owns the poller and all sources; shared by everyone who does I/O and by the threads that wait for it.
///
/// # Examples
/// ```
/// use pelmeni_driver::Driver;
///
/// # fn main() -> std::io::Result<()> {
/// let driver = Driver::new()?;
/// driver.notify();
/// let mut turn = driver.try_claim().expect("nobody else waits");
/// assert_eq!(turn.wait(None)?, 0); // ends at once: it was notified
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Driver {
    pub(crate) poller: Box<dyn Poller>,
    pub(crate) sources: Sources,
    pub(crate) bell: CachePadded<Bell>,
    turn: TryLock<Batch>,
}

/// The right to wait for the kernel. At most one exists for a driver; dropping it gives it back.
#[derive(Debug)]
pub struct Turn<'a> {
    driver: &'a Driver,
    batch: TryLockGuard<'a, Batch>,
}

/// What one wait brings, kept for its memory. Empty between waits.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Event>,
    wakers: Vec<Waker>,
}

impl Driver {
    /// Makes a driver with the poller that the environment variable `PELMENI_POLLER` names; see
    /// [`PollerKind::from_env`].
    ///
    /// # Errors
    /// The system's, if it has no more descriptors; [`InvalidInput`](io::ErrorKind::InvalidInput) if the variable names
    /// no poller.
    pub fn new() -> io::Result<Arc<Driver>> {
        Driver::with_poller(PollerKind::from_env()?)
    }

    /// Makes a driver with a poller of this kind.
    ///
    /// # Errors
    /// The system's, if it has no more descriptors.
    pub fn with_poller(kind: PollerKind) -> io::Result<Arc<Driver>> {
        let poller: Box<dyn Poller> = match kind {
            PollerKind::Direct => Box::new(Shortest::new()?),
            PollerKind::Portable => Box::new(Portable::new()?),
            PollerKind::Oneshot => Box::new(Portable::oneshot()?),
        };
        Ok(Arc::new(Driver::from_poller(poller)))
    }

    pub(crate) fn from_poller(poller: Box<dyn Poller>) -> Driver {
        Driver {
            poller,
            sources: Sources::new(),
            bell: CachePadded::new(Bell::new()),
            turn: TryLock::default(),
        }
    }

    /// Takes the right to wait, unless another thread has it.
    pub fn try_claim(&self) -> Option<Turn<'_>> {
        let batch = self.turn.try_lock()?;
        Some(Turn { driver: self, batch })
    }

    /// Makes the wait that is going on return soon, or the next one that would sleep.
    ///
    /// What the caller did before is visible to the thread whose wait returned. Several calls count as one; only the
    /// first one that finds a thread asleep makes a system call.
    pub fn notify(&self) {
        if self.bell.ring() {
            // Fails only if the descriptor is gone, that is, if somebody closed what is not his. Then the wait fails too.
            let _ = self.poller.notify();
        }
    }

    /// Whether no source is registered, so that a turn without waiting would find nothing.
    pub fn is_idle(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether a thread waits for the kernel, or is about to. The answer may be old.
    pub fn is_attended(&self) -> bool {
        self.bell.is_heard()
    }

    /// The number of the wait that is going on or about to begin, if there is one: each has another, larger than those before.
    pub fn wait_number(&self) -> Option<usize> {
        self.bell.wait_number()
    }

    /// Whether events would wait for somebody to come for them: there are sources, and nobody waits for the kernel. The
    /// answer may be old.
    pub fn is_neglected(&self) -> bool {
        !self.is_idle() && !self.is_attended()
    }

    /// Ends all waiting: every [`poll_io`](crate::Registration::poll_io) that waits, or would from now on, resolves with
    /// an error that says so.
    ///
    /// Timers are not the driver's: see [`Wheel::close`](crate::Wheel::close).
    pub fn close(&self) {
        let mut wakers = Vec::new();
        self.sources.close(&mut wakers);
        wake_all(&mut wakers);
        self.notify();
    }
}

impl Turn<'_> {
    /// Waits for the kernel once and wakes those for whom something came; the answer is how many wakers that were.
    ///
    /// It waits until a source is ready, until [`Driver::notify`], or until a signal comes. If nothing of that happens, it
    /// ends after `timeout`, not earlier: zero only looks, `None` has no limit. (A timeout of more than a day ends after
    /// a day: whoever waits for longer waits again, as after any wait that brought nothing.)
    ///
    /// This is the only place where the process waits for the kernel.
    ///
    /// # Errors
    /// The system's, if it cannot wait. A signal is no error.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        let Batch { events, wakers } = &mut *self.batch;
        self.driver.wait(events, timeout)?;
        for event in events.drain(..) {
            let source = self.driver.sources.cell(event.key);
            source.set(event, wakers);
        }
        Ok(wake_all(wakers))
    }
}

impl Driver {
    /// Waits, with an ear for the bell if it is a sleep.
    fn wait(&self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) {
            return self.poller.wait(events, timeout);
        }
        let timeout = if self.bell.listen() { timeout } else { Some(Duration::ZERO) };
        let outcome = self.poller.wait(events, timeout);
        self.bell.answer();
        outcome
    }
}

/// Wakes everyone, and says how many that were. The caller holds no lock.
pub(crate) fn wake_all(wakers: &mut Vec<Waker>) -> usize {
    let count = wakers.len();
    wakers.drain(..).for_each(|waker| contain(|| waker.wake()));
    count
}

/// Wakes one who goes on waiting. The caller holds no lock.
pub(crate) fn wake_by_ref(waker: &Waker) {
    contain(|| waker.wake_by_ref());
}

/// Keeps the panics of a waker from its neighbours (D3).
fn contain(wake: impl FnOnce()) {
    // Nothing of ours is within the closure, so nothing of ours can be left half-done.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(wake)) {
        // The payload's destructor is the waker's affair as well.
        pelmeni_core::contain::contain(|| drop(payload));
    }
}
