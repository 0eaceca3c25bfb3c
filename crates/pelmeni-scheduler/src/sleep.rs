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
        timer: Timer<WheelOf>,
        location: &'static Location<'static>,
    }
}

/// The wheel of a seat, and what keeps it.
#[derive(Debug)]
struct WheelOf {
    lease: Lease,
    seat: usize,
}

// SAFETY: the seats are boxed and never exchanged while the scheduler lives, which the lease sees to.
#[expect(unsafe_code, reason = "the promise that the wheel stays")]
unsafe impl WheelHandle for WheelOf {
    fn wheel(&self) -> &Wheel {
        &self.lease.seats[self.seat].wheel
    }
}

impl Sleep {
    /// A sleep of this length from now on; one of centuries never ends.
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
        Sleep { timer: Timer::new(deadline), location: Location::caller() }
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
    pub fn reset(self: Pin<&mut Self>, instant: Instant) {
        let mut this = self.project();
        if this.timer.as_mut().reset(Deadline::at(instant))
            && let Some(wheel) = this.timer.handle()
            && !seeded(215)
        {
            // It is the first of its wheel now, and whoever minds that may sleep for longer.
            wheel.lease.unpark_minders(wheel.seat);
        }
    }

    /// Says whether the deadline has come, whatever the task's budget is and whatever requests travel; for scopes that
    /// wait for a deadline of their own.
    pub fn poll_deadline(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        cancel::unaffected(|| self.poll_timer(cx))
    }

    fn poll_timer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let mut elsewhere = None;
        let deadline = this.timer.deadline();
        let state = this.timer.poll(
            || now_for(deadline),
            cx.waker(),
            || {
                let wheel = nearest_wheel(this.location);
                if !is_here(&wheel) {
                    elsewhere = Some((wheel.lease.clone(), wheel.seat));
                }
                wheel
            },
        );
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

/// The wheel of this thread's worker; or, on a thread that only belongs to a runtime, of one that has a worker.
fn nearest_wheel(location: &'static Location<'static>) -> WheelOf {
    let here = worker::with_current(|worker| {
        worker.map(|worker| WheelOf { lease: worker.lease.clone(), seat: worker.home.index })
    });
    here.or_else(|| {
        current::with_lease(|lease| {
            let lease = lease?.clone();
            // Seat 0 is empty while nobody calls `run`; the next one always has a thread, if there is one.
            let seat = if lease.is_single() { 0 } else { 1 };
            Some(WheelOf { lease, seat })
        })
    })
    .unwrap_or_else(|| misuse::outside("sleep", location))
}

fn is_here(wheel: &WheelOf) -> bool {
    worker::with_current(|worker| {
        worker.is_some_and(|worker| {
            wheel.lease.is_of(worker.scheduler) && worker.home.index == wheel.seat
        })
    })
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
