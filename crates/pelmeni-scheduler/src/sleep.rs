//! Waiting for a deadline: the future [`Sleep`].

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pelmeni_core::primitive::seeded;
use pelmeni_core::{cancel, coop};
use pin_project_lite::pin_project;

use crate::current;
use crate::drive::{Deadline, Timer, TimerState, Wheel, WheelHandle, now};
use crate::lease::Lease;
use crate::misuse;
use crate::worker;

pin_project! {
    /// Waits until a deadline has come; never ends early.
    ///
    /// It enters the timer wheel of the worker that polls it first, when it is polled first before its time.
    ///
    /// # Cancel safety
    /// Nothing is lost. A sleep that is awaited again goes on to the same deadline.
    #[must_use = "futures do nothing unless awaited or spawned"]
    pub struct Sleep {
        #[pin]
        timer: Timer<Place>,
    }
}

/// Where a sleep waits.
#[derive(Debug)]
enum Place {
    /// In no wheel yet; by whom it was made.
    Nowhere(&'static Location<'static>),
    /// In the wheel of a seat, which the lease keeps.
    Seat(Lease, usize),
}

// SAFETY: the seats are boxed and never exchanged while the scheduler lives, which the lease sees to.
#[expect(unsafe_code, reason = "the promise that the wheel stays")]
unsafe impl WheelHandle for Place {
    #[inline]
    fn wheel(&self) -> Option<&Wheel> {
        match self {
            Place::Nowhere(_) => None,
            Place::Seat(lease, seat) => Some(&lease.seats[*seat].wheel),
        }
    }
}

impl Sleep {
    /// A sleep of this length from now on, and up to fifteen microseconds longer; one of centuries never ends.
    #[track_caller]
    pub fn new(duration: Duration) -> Sleep {
        Sleep::at(Deadline::after(duration))
    }

    /// A sleep until an instant.
    #[track_caller]
    pub fn until(instant: Instant) -> Sleep {
        Sleep::at(Deadline::at(instant))
    }

    /// A sleep that does not end until it is [`reset`](Sleep::reset).
    #[track_caller]
    pub fn never() -> Sleep {
        Sleep::at(Deadline::NEVER)
    }

    #[track_caller]
    fn at(deadline: Deadline) -> Sleep {
        Sleep { timer: Timer::new(deadline, Place::Nowhere(Location::caller())) }
    }

    /// When it ends; `None` if that is never.
    pub fn deadline(&self) -> Option<Instant> {
        self.timer.deadline().to_instant()
    }

    /// Says whether it has ended.
    pub fn is_elapsed(&self) -> bool {
        self.timer.is_fired() || self.timer.deadline().has_passed(now())
    }

    /// Has it end at another instant, earlier or later, whether it was polled or not.
    #[track_caller]
    pub fn reset(self: Pin<&mut Self>, instant: Instant) {
        self.reset_for(Deadline::at(instant), Location::caller());
    }

    /// As [`reset`](Sleep::reset), for whoever made at `location` what sleeps again and again.
    #[doc(hidden)]
    pub fn reset_for(
        self: Pin<&mut Self>,
        deadline: Deadline,
        location: &'static Location<'static>,
    ) {
        let mut this = self.project();
        if this.timer.as_mut().reset(deadline, Place::Nowhere(location))
            && let Place::Seat(lease, seat) = this.timer.handle()
            && !seeded(215)
        {
            // It is the first of its wheel now, and whoever minds that may sleep for longer.
            lease.unpark_minders(*seat);
        }
    }

    /// Says whether the deadline has come, whatever the task's budget is and whatever requests travel; for scopes that
    /// wait for a deadline of their own.
    pub fn poll_deadline(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        cancel::unaffected(|| self.poll_timer(cx))
    }

    fn poll_timer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.project().timer;
        let mut elsewhere = None;
        let deadline = timer.deadline();
        let enter = |nowhere: &Place| {
            worker::with_current(|worker| match worker {
                Some(worker) => Place::Seat(worker.lease.clone(), worker.home.index),
                None => {
                    let (lease, seat) = nowhere.lend_wheel();
                    elsewhere = Some((lease.clone(), seat));
                    Place::Seat(lease, seat)
                }
            })
        };
        let state = timer.poll(|| now_for(deadline), cx.waker(), enter);
        if let Some((lease, seat)) = elsewhere
            && !seeded(216)
        {
            lease.unpark_minders(seat); // it may sleep without knowing of this timer
        }
        match state {
            TimerState::Due => Poll::Ready(()),
            TimerState::Waiting | TimerState::First | TimerState::Closed => Poll::Pending,
        }
    }
}

/// How far off a deadline is that need not be looked at closely.
const FAR: Duration = Duration::from_millis(1);

/// What time it is, to tell whether a deadline has passed. For one that was far off when this thread's worker last looked
/// at the clock, that time is good enough: should it have passed since, the next look finds it in the wheel.
fn now_for(deadline: Deadline) -> Deadline {
    let looked = worker::with_current(|worker| worker.map(|worker| worker.looked.get()));
    match looked {
        Some(looked) if looked + FAR < deadline => looked,
        _ => now(),
    }
}

impl Place {
    /// For a thread that only belongs to a runtime: a seat that has a worker.
    #[cold]
    fn lend_wheel(&self) -> (Lease, usize) {
        match (current::with_lease(|lease| lease.cloned()), self) {
            // Seat 0 is empty while nobody calls `run`; the next one always has a thread, if there is one.
            (Some(lease), _) => {
                let seat = if lease.is_single() { 0 } else { 1 };
                (lease, seat)
            }
            (None, Place::Nowhere(location)) => misuse::outside("sleep", location),
            (None, Place::Seat(..)) => unreachable!("it has a wheel, and enters no other"),
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        coop::poll_leaf(cx, |cx| self.poll_timer(cx))
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
