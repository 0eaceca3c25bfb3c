//! A thread's sleep token: [`Parker`].
//!
//! ```text
//!            unpark (1)                park (3)
//!   EMPTY ---------------> NOTIFIED ------------> EMPTY, returns at once
//!     |
//!     | park (2)            unpark (4): takes the lock, rings
//!     +-----> PARKED --------------------------> NOTIFIED, the sleeper returns and leaves EMPTY
//!     |
//!     | leave_for (5)       unpark (6): says Elsewhere; the caller interrupts that wait
//!     +-----> ELSEWHERE -----------------------> NOTIFIED, the sleeper returns and leaves EMPTY
//! ```
//! Tokens coalesce: two unparks before a park make one. What is written before an unpark is visible after the park that it
//! ends. A thread that waits for the kernel (in a driver, say) is *elsewhere*: no condition variable reaches it there. The
//! state says in which place, so that whoever unparks it learns from one swap that it waits and where to interrupt it.
//!
//! A mutex and a condition variable carry the sleep, and not `std::thread::park`, because a task may call that itself
//! and take our token; and because this one belongs to a worker's seat, where threads come and go.

use std::time::Duration;

use crate::primitive::atomic::{AtomicUsize, Ordering};
use crate::primitive::{Condvar, Mutex, seeded};

const EMPTY: usize = 0;
const NOTIFIED: usize = 1;
const PARKED: usize = 2;
/// In place 0; in place n it is n more.
const ELSEWHERE: usize = 3;

/// Puts its thread to sleep until another one unparks it. Only one thread may park at a time.
#[derive(Debug, Default)]
pub struct Parker {
    state: AtomicUsize,
    lock: Mutex<()>,
    bell: Condvar,
}

/// What an unpark has found.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unparked {
    /// The thread is awake, and has a token.
    Awake,
    /// The thread slept here, and nobody else ends that sleep.
    Rung,
    /// The thread waits elsewhere, in this place, and the caller must interrupt that wait.
    Elsewhere(usize),
}

impl Unparked {
    /// Says whether the caller must interrupt a wait.
    pub fn is_elsewhere(self) -> bool {
        matches!(self, Unparked::Elsewhere(_))
    }
}

impl Parker {
    /// A parker without a token.
    pub fn new() -> Parker {
        Parker { state: AtomicUsize::new(EMPTY), lock: Mutex::new(()), bell: Condvar::new() }
    }

    /// Sleeps until there is a token, and takes it. With a timeout it may return without one.
    pub fn park(&self, timeout: Option<Duration>) {
        if self.take_token() {
            return;
        }
        let mut guard = self.lock.lock();
        // Acquire: pairs with the Release in unpark. The lock keeps an unpark from ringing before we wait.
        if self.exchange(EMPTY, PARKED).is_err() && !seeded(6) {
            self.state.swap(EMPTY, Ordering::Acquire);
            return;
        }
        loop {
            guard = match timeout {
                None => self.bell.wait(guard),
                Some(timeout) => self.bell.wait_timeout(guard, timeout),
            };
            // Without a timeout, a wait that ended for no reason goes on.
            if timeout.is_some() || self.state.load(Ordering::Relaxed) == NOTIFIED {
                break;
            }
        }
        // Acquire: pairs with the Release in unpark. A swap, so that a token that came last is seen and taken.
        self.state.swap(EMPTY, Ordering::Acquire);
    }

    /// Announces that the thread is about to wait in this place. False: there was a token, which is now taken; do not wait.
    pub fn leave_for(&self, place: usize) -> bool {
        if seeded(115) {
            self.state.store(ELSEWHERE + place, Ordering::Relaxed);
            return true;
        }
        // Acquire: pairs with the Release in unpark.
        if self.exchange(EMPTY, ELSEWHERE + place).is_ok() {
            return true;
        }
        self.state.swap(EMPTY, Ordering::Acquire);
        false
    }

    /// Announces that the wait elsewhere is over, and takes the token if there is one.
    pub fn come_back(&self) {
        // Acquire: pairs with the Release in unpark.
        self.state.swap(EMPTY, Ordering::Acquire);
    }

    /// Leaves a token and ends the sleep. Must be followed by an interruption if the answer is `Elsewhere`: by then the thread
    /// may have come back with the token, and gone to another place, so that the interruption finds nobody or somebody else.
    pub fn unpark(&self) -> Unparked {
        if seeded(114) && self.state.load(Ordering::Relaxed) == NOTIFIED {
            return Unparked::Awake;
        }
        // Release: publishes what was done before; pairs with every Acquire above. A swap, and not an exchange that may
        // fail, because a token that finds a token must publish too.
        match self.state.swap(NOTIFIED, Ordering::AcqRel) {
            PARKED => {
                // The sleeper announced itself under the lock: once we have had it, the sleeper waits for the bell.
                if !seeded(106) {
                    drop(self.lock.lock());
                }
                self.bell.notify_one();
                Unparked::Rung
            }
            EMPTY | NOTIFIED => Unparked::Awake,
            elsewhere => Unparked::Elsewhere(elsewhere - ELSEWHERE),
        }
    }

    /// Says whether there is a token. Nothing follows from it until the token is taken.
    pub fn has_token(&self) -> bool {
        self.state.load(Ordering::Relaxed) == NOTIFIED
    }

    /// Says whether the thread waits elsewhere. The answer may be old.
    pub fn is_elsewhere(&self) -> bool {
        self.state.load(Ordering::Relaxed) >= ELSEWHERE
    }

    fn take_token(&self) -> bool {
        self.has_token() && self.state.swap(EMPTY, Ordering::Acquire) == NOTIFIED
    }

    fn exchange(&self, from: usize, to: usize) -> Result<usize, usize> {
        self.state.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)
    }
}
