//! The models of this crate: each is one execution, for loom to run in all its interleavings.
//!
//! [`MODELS`] lists them with the mutants that each of them kills. They play the kernel with threads and a mock poller;
//! everything else is the real thing, except that some use a tick of two bits, so that it wraps within their reach.

mod bell;
mod source;
mod timer;

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use pelmeni_core::primitive::{Condvar, Mutex};

use crate::interest::Interest;
use crate::mock::MockPoller;
use crate::{Driver, Turn, clock};

/// What the kernel does in models of other crates.
#[derive(Clone, Debug)]
pub struct Kernel {
    poller: MockPoller,
    driver: Arc<Driver>,
}

impl Kernel {
    /// A kernel in which nothing happens, and a driver that waits for it.
    pub fn new() -> (Arc<Driver>, Kernel) {
        let poller = MockPoller::new();
        let driver = Arc::new(Driver::from_poller(Box::new(poller.clone())));
        (driver.clone(), Kernel { poller, driver })
    }

    /// Somebody waits there, for as long as the answer lives. It takes no thread, and sees nothing of what happens.
    ///
    /// # Panics
    /// If somebody waits there already.
    pub fn attend(&self) -> Attendant<'_> {
        self.try_attend().expect("nobody waits there")
    }

    /// As [`attend`](Kernel::attend), unless somebody waits there already.
    pub fn try_attend(&self) -> Option<Attendant<'_>> {
        let turn = self.driver.try_claim()?;
        assert!(self.driver.bell.listen(), "nobody was called from there");
        Some(Attendant { driver: &self.driver, _turn: turn })
    }

    /// Time passes: what is due by then is due, and from now on no wait that has a limit lasts.
    pub fn pass(&self, time: Duration) {
        clock::pass(time);
        self.poller.expire();
    }

    /// All sources become readable and writable, and those that come later are so.
    pub fn report(&self) {
        self.poller.report(Interest::BOTH);
    }
}

/// Somebody who waits for a kernel all the time.
#[derive(Debug)]
pub struct Attendant<'k> {
    driver: &'k Driver,
    _turn: Turn<'k>,
}

impl Drop for Attendant<'_> {
    fn drop(&mut self) {
        self.driver.bell.answer();
    }
}

/// One model.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// What it shows.
    pub name: &'static str,
    /// One execution.
    pub run: fn(),
    /// The seeded bugs that it finds.
    pub kills: &'static [u16],
}

/// All models. Each mutant of this crate is killed by at least one, and each kills at least one.
pub const MODELS: [Model; 21] = [
    Model {
        name: "notification_reaches_the_sleeper",
        run: bell::notification_reaches_the_sleeper,
        kills: &[8, 81],
    },
    Model {
        name: "notification_outlives_a_wait_that_ends_by_an_event",
        run: bell::notification_outlives_a_wait_that_ends_by_an_event,
        kills: &[8, 81],
    },
    Model { name: "event_is_never_lost", run: source::event_is_never_lost, kills: &[13, 223] },
    Model {
        name: "directions_do_not_disturb_each_other",
        run: source::directions_do_not_disturb_each_other,
        kills: &[130],
    },
    Model {
        name: "two_readers_share_a_source",
        run: source::two_readers_share_a_source,
        kills: &[13],
    },
    Model {
        name: "short_read_loses_no_bytes",
        run: source::short_read_loses_no_bytes,
        kills: &[13, 205],
    },
    Model { name: "short_read_loses_no_end", run: source::short_read_loses_no_end, kills: &[204] },
    Model {
        name: "reader_asks_while_a_writer_waits",
        run: source::reader_asks_while_a_writer_waits,
        kills: &[224, 225],
    },
    Model { name: "first_wait_registers", run: source::first_wait_registers, kills: &[151] },
    Model {
        name: "first_wait_after_a_try_registers",
        run: source::first_wait_after_a_try_registers,
        kills: &[151, 296],
    },
    Model {
        name: "stale_event_finds_nobody",
        run: source::stale_event_finds_nobody,
        kills: &[15, 150],
    },
    Model {
        name: "leaving_wakes_whoever_waits",
        run: source::leaving_wakes_whoever_waits,
        kills: &[152],
    },
    Model {
        name: "earlier_timer_ends_the_sleep",
        run: bell::earlier_timer_ends_the_sleep,
        kills: &[153],
    },
    Model { name: "last_waker_is_woken", run: timer::last_waker_is_woken, kills: &[90, 246, 248] },
    Model {
        name: "waker_is_looked_at_while_the_timer_fires",
        run: timer::waker_is_looked_at_while_the_timer_fires,
        kills: &[268, 271],
    },
    Model {
        name: "timer_comes_while_the_wheel_grows_quiet",
        run: timer::timer_comes_while_the_wheel_grows_quiet,
        kills: &[293, 294],
    },
    Model {
        name: "timer_is_dropped_while_it_fires",
        run: timer::timer_is_dropped_while_it_fires,
        kills: &[154],
    },
    Model {
        name: "neighbours_are_dropped_while_they_fire",
        run: timer::neighbours_are_dropped_while_they_fire,
        kills: &[247],
    },
    Model {
        name: "timer_is_reset_while_it_fires",
        run: timer::timer_is_reset_while_it_fires,
        kills: &[155, 295],
    },
    Model {
        name: "timer_is_polled_while_its_wheel_closes",
        run: timer::timer_is_polled_while_its_wheel_closes,
        kills: &[217],
    },
    Model {
        name: "timers_come_and_go_while_others_move_down",
        run: timer::timers_come_and_go_while_others_move_down,
        kills: &[259, 260],
    },
];

/// A waker that counts, and for which a thread can wait.
#[derive(Debug)]
struct Ear {
    heard: Mutex<usize>,
    changed: Condvar,
}

impl Wake for Ear {
    fn wake(self: Arc<Self>) {
        *self.heard.lock() += 1;
        self.changed.notify_all();
    }
}

impl Ear {
    fn new() -> Arc<Ear> {
        Arc::new(Ear { heard: Mutex::new(0), changed: Condvar::new() })
    }

    fn waker(self: &Arc<Ear>) -> Waker {
        Waker::from(self.clone())
    }

    fn heard(&self) -> usize {
        *self.heard.lock()
    }

    /// Waits until it has been woken more often than `before`. Loom calls it a deadlock if that does not come.
    fn listen(&self, before: usize) {
        let mut heard = self.heard.lock();
        while *heard == before {
            heard = self.changed.wait(heard);
        }
    }
}

#[cfg(test)]
mod tests {
    use pelmeni_core::primitive::loom::model::Builder;

    use super::{MODELS, Model};

    /// All interleavings with at most three preemptions. With `PELMENI_MUTANT` set, this must fail.
    #[test]
    fn every_model_holds() {
        for Model { name, run, .. } in MODELS {
            eprintln!("{name}");
            let mut builder = Builder::new();
            builder.preemption_bound = Some(3);
            builder.check(run);
        }
    }
}
