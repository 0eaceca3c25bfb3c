//! Where workers meet the drivers: the only file of the scheduler that names them.
//!
//! A worker with nothing to do waits for the kernel if no other worker does, and on its own parker otherwise; in both
//! cases no longer than until its own next timer. Every so often a busy worker looks at both without waiting. The last one
//! who is awake looks again and again for a moment before it waits, where that has paid before ([`Patience`]).
//!
//! ```text
//!   seats 0 .. 7     group 0, driver 0    those that stand in for a seat belong to its group
//!   seats 8 .. 15    group 1, driver 1    a descriptor stays with the group of the worker that made it
//!   ...
//! ```
//! Up to [`GROUP`] workers share one driver: the one who waits serves them all. More would be in each other's way, so that each
//! group has a driver of its own. But a worker is not bound to its group's:
//!
//! | who | looks at |
//! |---|---|
//! | falls asleep | its own group's; if that is attended, the next one that is not. Neglected ones come first: with descriptors, unattended |
//! | is one too many | none, if there is one driver |
//! | searches in vain | all that are neglected |
//! | is busy | its own group's, and one other |
//! | is stuck | none; the monitor sees it, and wakes somebody, preferably one who attends no driver |
//!
//! **No driver is forgotten.** There are never more drivers without an attendant than workers awake: who wakes up leaves one at
//! most, and who falls asleep takes one if there is one. (If it cannot, because somebody just looks there, it tries again.)
//! Only who leaves its seat breaks the balance; it wakes somebody who waits for no driver, and whom nobody has woken yet (see
//! [`hand_on_drivers`](crate::scheduler::Scheduler::hand_on_drivers)). So in the end, when all sleep, all are attended.
//!
//! **Who is one too many leaves the only driver to others** ([`room`](crate::room)): to workers in the seats before its own that
//! are awake and not stuck. It asks after it has announced its sleep, and of those who rely on each other the one in the first
//! seat relies on nobody; so the last one to fall asleep takes the driver. Who leaves its seat wakes the thread that stands in
//! for it, or for which it stood in, and that one does. If the worker on whom another relies gets stuck, the
//! [`monitor`](crate::monitor) sees that nobody attends the driver, as with all others.
//!
//! Where a worker waits is part of its parker's word, so that whoever ends its sleep learns both at once. If it has come back
//! meanwhile and waits somewhere else, it has taken the token with it; then the interruption is for nobody, and ends at
//! most a wait that was not meant.

use std::io;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use pelmeni_driver::Deadline;
pub use pelmeni_driver::Registration;
pub(crate) use pelmeni_driver::clock::now;
use pelmeni_driver::{Driver, Turn};
pub(crate) use pelmeni_driver::{Punctual, ThreadTimes, this_thread};
pub(crate) use pelmeni_driver::{Timer, TimerState, Wheel, WheelHandle};

use pelmeni_core::contain;
use pelmeni_core::primitive::{seeded, yield_now};

use crate::patience::Patience;
use crate::seat::Seat;

/// How many workers share a driver.
const GROUP: usize = 8;

/// The drivers of one runtime.
#[derive(Debug)]
pub(crate) struct Drive {
    /// One for each group.
    drivers: Box<[Arc<Driver>]>,
    /// How many workers a group has. A model has small ones.
    group: usize,
}

/// A wheel that starts now.
pub(crate) fn new_wheel() -> Wheel {
    Wheel::new(now())
}

impl Drive {
    /// For so many workers.
    ///
    /// # Errors
    /// The system's, if it has no more descriptors; or `PELMENI_POLLER` names no poller.
    pub(crate) fn new(workers: usize) -> io::Result<Drive> {
        let drivers = (0..workers.div_ceil(GROUP)).map(|_| Driver::new());
        Ok(Drive::of(drivers.collect::<io::Result<_>>()?, GROUP))
    }

    /// What workers in groups of this size make of these drivers.
    pub(crate) fn of(drivers: Box<[Arc<Driver>]>, group: usize) -> Drive {
        Drive { drivers, group }
    }

    /// All workers share one driver.
    #[inline]
    pub(crate) fn is_one(&self) -> bool {
        self.drivers.len() == 1
    }

    /// A place for a descriptor with the driver of the group to which this seat's home belongs.
    pub(crate) fn registration(&self, home: usize) -> Registration {
        Registration::new(self.drivers[self.group_of(home)].clone())
    }

    /// Sleeps until there is an event, a timer of `clock` is due, the seat is unparked, or `limit` has come. Whoever waits for
    /// the kernel, and is alone awake, stays so first if it has `patience`.
    pub(crate) fn park(
        &self,
        seat: &Seat,
        clock: &Seat,
        limit: Deadline,
        patience: &mut Patience,
        is_alone: impl Fn() -> bool,
    ) {
        let until = sleep_until(clock, limit);
        let is_over =
            || seat.parker.has_token() || (until != Deadline::NEVER && until.has_passed(now()));
        let Some((place, mut turn)) = self.claim(self.group_of(clock.index), is_over) else {
            return self.park_without(seat, clock, limit);
        };
        if !self.drivers[place].is_idle() && is_alone() {
            if await_events(&mut turn, patience, is_over) {
                return;
            }
            if seeded(272) {
                seat.parker.park(Some(Duration::ZERO)); // the bug: the token is for the wait that follows
            }
        }
        wait_elsewhere(place, turn, seat, timeout(until));
    }

    /// As [`park`](Drive::park), and leaves the driver to others.
    pub(crate) fn park_without(&self, seat: &Seat, clock: &Seat, limit: Deadline) {
        seat.parker.park(timeout(sleep_until(clock, limit)));
    }

    /// The right to wait for the kernel, and at which driver; `None` if somebody waits with each of them, or there is nothing
    /// to wait for any more.
    fn claim(&self, group: usize, is_over: impl Fn() -> bool) -> Option<(usize, Turn<'_>)> {
        loop {
            let claimed = self.try_claim(group);
            if claimed.is_some() || self.is_one() || self.is_attended() || seeded(261) {
                return claimed;
            }
            if is_over() {
                return None;
            }
            yield_now(); // somebody looks there, or has begun to wait
        }
    }

    /// As [`claim`](Drive::claim), if nobody else has the right: with the driver of the group, or the next one where nobody
    /// waits; but those first that would have events for somebody.
    fn try_claim(&self, group: usize) -> Option<(usize, Turn<'_>)> {
        let try_claim = |place: usize| Some((place, self.drivers[place].try_claim()?));
        if self.is_one() || seeded(222) {
            return try_claim(group);
        }
        let neglected = self.from(group).filter(|place| self.drivers[*place].is_neglected());
        neglected.chain(self.from(group)).find_map(try_claim)
    }

    /// Looks for events without waiting, unless another worker waits for them: with the driver of the group to which this
    /// home belongs, and with one other, by chance, lest those be forgotten whose workers are asleep or stuck.
    pub(crate) fn look(&self, home: usize, chance: u32) {
        let group = self.group_of(home);
        look_at(&self.drivers[group]);
        let others = self.drivers.len() - 1;
        if others > 0 {
            let other = &self.drivers[(group + 1 + chance as usize % others) % (others + 1)];
            if other.is_neglected() {
                look_at(other);
            }
        }
    }

    /// As [`look`](Drive::look), with all drivers whose events nobody waits for.
    pub(crate) fn look_at_neglected(&self) {
        self.drivers
            .iter()
            .filter(|driver| driver.is_neglected())
            .for_each(|driver| look_at(driver));
    }

    /// Says whether events of any driver would wait for somebody to come for them. The answer may be old.
    pub(crate) fn is_neglected(&self) -> bool {
        self.drivers.iter().any(|driver| driver.is_neglected()) && !seeded(211)
    }

    /// Says whether there was a moment at which somebody waited with every driver; false also if that is not sure.
    pub(crate) fn is_attended(&self) -> bool {
        // Who waits here when we look here may wait there when we look there. But if the sum of numbers that only grow is
        // the same once more, each wait that we saw lasted from the end of the first look to the beginning of the second.
        let waits =
            || self.drivers.iter().map(|driver| driver.wait_number()).sum::<Option<usize>>();
        let first = waits();
        first.is_some() && (first == waits() || seeded(255))
    }

    /// Ends the wait of the worker that waits for the kernel in this place.
    pub(crate) fn interrupt(&self, place: usize) {
        let place = if seeded(219) { 0 } else { place };
        self.drivers[place].notify();
    }

    pub(crate) fn close(&self) {
        self.drivers.iter().for_each(|driver| driver.close());
    }

    fn group_of(&self, home: usize) -> usize {
        home / self.group
    }

    /// All places, beginning with that of a group.
    fn from(&self, group: usize) -> impl Iterator<Item = usize> {
        let places = self.drivers.len();
        (group..places).chain(0..group)
    }
}

/// Until when whoever minds the timers of `clock` may sleep.
fn sleep_until(clock: &Seat, limit: Deadline) -> Deadline {
    clock.wheel.next_deadline().unwrap_or(Deadline::NEVER).min(limit)
}

/// How long it is until then. Without a deadline the clock is not asked.
fn timeout(until: Deadline) -> Option<Duration> {
    if until == Deadline::NEVER { None } else { until.until(now()) }
}

fn look_at(driver: &Driver) {
    if !driver.is_idle()
        && let Some(mut turn) = driver.try_claim()
    {
        wait(&mut turn, Some(Duration::ZERO));
    }
}

/// Looks for events again and again, if there is patience for it: they may come sooner than this thread would wake up for
/// them. Says whether some came. A token or a timer that ends it is for the wait that follows, which ends at once.
fn await_events(turn: &mut Turn<'_>, patience: &mut Patience, is_over: impl Fn() -> bool) -> bool {
    let mut came = false;
    // A look is a system call, so that one at the clock after each costs little.
    patience.wait(1, || {
        let is_over = is_over();
        came = !is_over && wait(turn, Some(Duration::ZERO)) > 0;
        came || is_over
    });
    came
}

fn wait_elsewhere(place: usize, mut turn: Turn<'_>, seat: &Seat, timeout: Option<Duration>) {
    if seat.parker.leave_for(place) {
        wait(&mut turn, timeout);
        drop(turn);
        seat.parker.come_back();
    }
}

/// Waits once; the answer is how many that woke. That the kernel refuses is nothing that any task can answer for, and no
/// worker can go on without.
fn wait(turn: &mut Turn<'_>, timeout: Option<Duration>) -> usize {
    turn.wait(timeout).unwrap_or_else(|error| {
        panic!(
            "pelmeni: cannot wait for events: {error}; was the poller's descriptor closed by the program?"
        )
    })
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
