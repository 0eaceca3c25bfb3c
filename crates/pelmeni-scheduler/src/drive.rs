//! Where workers meet the driver: the only file of the scheduler that names it.
//!
//! A worker with nothing to do waits for the kernel if no other worker does, and on its own parker otherwise; in both
//! cases no longer than until its own next timer. Every so often a busy worker looks at both without waiting.

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

pub(crate) use pelmeni_driver::Deadline;
pub use pelmeni_driver::Registration;
pub(crate) use pelmeni_driver::clock::now;
use pelmeni_driver::{Driver, Turn};
pub(crate) use pelmeni_driver::{Punctual, Timer, TimerState, Wheel, WheelHandle};

use pelmeni_core::contain;
use pelmeni_core::primitive::seeded;

use crate::seat::Seat;

/// The driver of one runtime.
#[derive(Debug)]
pub(crate) struct Drive {
    driver: Arc<Driver>,
}

/// A wheel that starts now.
pub(crate) fn new_wheel() -> Wheel {
    Wheel::new(now())
}

impl Drive {
    /// # Errors
    /// The system's, if it has no more descriptors; or `PELMENI_POLLER` names no poller.
    pub(crate) fn new() -> io::Result<Drive> {
        Ok(Drive::of(Driver::new()?))
    }

    /// What workers make of this driver.
    pub(crate) fn of(driver: Arc<Driver>) -> Drive {
        Drive { driver }
    }

    /// A place for a descriptor with this driver.
    pub(crate) fn registration(&self) -> Registration {
        Registration::new(self.driver.clone())
    }

    /// Sleeps until there is an event, a timer of `clock` is due, the seat is unparked, or `limit` has come.
    pub(crate) fn park(&self, seat: &Seat, clock: &Seat, limit: Deadline) {
        let until = clock.wheel.next_deadline().unwrap_or(Deadline::NEVER).min(limit);
        let timeout = until.until(now());
        match self.driver.try_claim() {
            Some(turn) => wait_elsewhere(turn, seat, timeout),
            None => seat.parker.park(timeout),
        }
    }

    /// Looks for events without waiting, unless another worker waits for them.
    pub(crate) fn look(&self) {
        if !self.driver.is_idle()
            && let Some(turn) = self.driver.try_claim()
        {
            wait(turn, Some(Duration::ZERO));
        }
    }

    /// Says whether events would wait for somebody to come for them. The answer may be old.
    pub(crate) fn is_neglected(&self) -> bool {
        self.driver.is_neglected() && !seeded(211)
    }

    /// Ends the wait of the worker that waits for the kernel.
    pub(crate) fn interrupt(&self) {
        self.driver.notify();
    }

    pub(crate) fn close(&self) {
        self.driver.close();
    }
}

fn wait_elsewhere(turn: Turn<'_>, seat: &Seat, timeout: Option<Duration>) {
    if seat.parker.leave_for() {
        wait(turn, timeout);
        seat.parker.come_back();
    }
}

/// Waits once. That the kernel refuses is nothing that any task can answer for, and no worker can go on without.
fn wait(mut turn: Turn<'_>, timeout: Option<Duration>) {
    if let Err(error) = turn.wait(timeout) {
        panic!(
            "pelmeni: cannot wait for events: {error}; was the poller's descriptor closed by the program?"
        );
    }
}

/// Takes the wakers of all timers of a seat that are due.
pub(crate) fn fire(seat: &Seat, wakers: &mut Vec<Waker>) {
    seat.wheel.fire(now(), wakers);
}

/// Says whether a timer of a seat should have fired by now.
pub(crate) fn is_due(seat: &Seat) -> bool {
    seat.wheel.next_deadline().is_some_and(|deadline| deadline.has_passed(now()))
}

/// Unlinks all timers of a seat, and wakes whoever waits for them: there is nothing to wait for any more.
pub(crate) fn stop_timers(seat: &Seat) {
    let mut wakers = Vec::new();
    seat.wheel.close(&mut wakers);
    wakers.into_iter().for_each(contain::wake);
}
