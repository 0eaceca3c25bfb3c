//! The seat of whoever calls `run`, which one thread takes at a time; and the thread that works there meanwhile.
//!
//! A caller does not wait for the substitute to leave: the substitute has a seat of its own, and goes to sleep when its
//! current poll is over. So for the length of one poll there may be one worker too many.

use std::time::Duration;

use pelmeni_core::primitive::atomic::{AtomicBool, Ordering};
use pelmeni_core::primitive::{Condvar, Mutex};

use crate::drive::{Deadline, now};

/// Whether a caller is in seat 0.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    inside: Mutex<bool>,
    left: Condvar,
    /// What is under the lock, for the substitute to look at between polls. Relaxed: late is soon enough.
    hint: AtomicBool,
}

impl Callers {
    /// Takes the seat if it is free.
    pub(crate) fn try_enter(&self) -> bool {
        let mut inside = self.inside.lock();
        let free = !*inside;
        *inside = true;
        self.hint.store(true, Ordering::Relaxed);
        free
    }

    /// Waits until the seat is free, and takes it.
    pub(crate) fn enter(&self) {
        let mut inside = self.inside.lock();
        while *inside {
            inside = self.left.wait(inside);
        }
        *inside = true;
        self.hint.store(true, Ordering::Relaxed);
    }

    /// Leaves the seat.
    pub(crate) fn leave(&self) {
        let mut inside = self.inside.lock();
        *inside = false;
        self.hint.store(false, Ordering::Relaxed);
        drop(inside);
        self.left.notify_all();
    }

    /// Says whether a caller is inside. The answer may be old.
    #[inline]
    pub(crate) fn is_inside(&self) -> bool {
        self.hint.load(Ordering::Relaxed)
    }

    /// The substitute sleeps here until no caller is inside, or `stop` says so. True: it is to work.
    pub(crate) fn await_turn(&self, stop: impl Fn() -> bool) -> bool {
        let mut inside = self.inside.lock();
        while *inside && !stop() {
            inside = self.left.wait(inside);
        }
        !stop()
    }

    /// Waits until `done`, or the seat is free, or the limit has come. True: it is free, and now taken.
    pub(crate) fn enter_unless(&self, limit: Deadline, done: impl Fn() -> bool) -> bool {
        let mut inside = self.inside.lock();
        loop {
            let left = limit.until(now()).unwrap_or(Duration::MAX);
            if done() || left.is_zero() {
                return false;
            }
            if !*inside {
                *inside = true;
                self.hint.store(true, Ordering::Relaxed);
                return true;
            }
            inside = self.left.wait_timeout(inside, left);
        }
    }

    /// Has whoever waits here look again.
    pub(crate) fn look_again(&self) {
        drop(self.inside.lock());
        self.left.notify_all();
    }
}
