//! Every combination of what may panic, what becomes of the handle, and when somebody aborts.
//!
//! Whatever the combination: the future is dropped once, the output is dropped once, the scheduler hears of the end once,
//! the memory is freed, no panic escapes from the runtime's own code, and a panic is either joined or reported.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pelmeni_core::{AbortHandle, JoinHandle, Runnable};

use crate::bench::{Bench, Bomb, Count, Door, explode, poll_once};

/// What panics.
#[derive(Debug, Clone, Copy)]
struct Panics {
    in_poll: bool,
    in_drop_of_future: bool,
    in_drop_of_output: bool,
}

/// What becomes of the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handle {
    DroppedBeforeTheFirstPoll,
    DroppedWhileTheTaskWaits,
    PolledAndDroppedWhileTheTaskWaits,
    DroppedAfterTheEnd,
    PolledAndDroppedAfterTheEnd,
    JoinedAfterTheEnd,
    PolledAndJoinedAfterTheEnd,
}

/// When the task is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Nothing,
    AbortBeforeTheFirstPoll,
    AbortWhileItWaits,
    AbortAfterTheEnd,
    CancelBeforeTheFirstPoll,
    CancelWhileItWaits,
    DropTheRunnable,
}

const BOTH: [bool; 2] = [false, true];

const HANDLES: [Handle; 7] = [
    Handle::DroppedBeforeTheFirstPoll,
    Handle::DroppedWhileTheTaskWaits,
    Handle::PolledAndDroppedWhileTheTaskWaits,
    Handle::DroppedAfterTheEnd,
    Handle::PolledAndDroppedAfterTheEnd,
    Handle::JoinedAfterTheEnd,
    Handle::PolledAndJoinedAfterTheEnd,
];

const STOPS: [Stop; 7] = [
    Stop::Nothing,
    Stop::AbortBeforeTheFirstPoll,
    Stop::AbortWhileItWaits,
    Stop::AbortAfterTheEnd,
    Stop::CancelBeforeTheFirstPoll,
    Stop::CancelWhileItWaits,
    Stop::DropTheRunnable,
];

/// A future that waits at a door and then ends as it was told.
struct Dish {
    panics: Panics,
    wait: Pin<Box<dyn Future<Output = ()> + Send>>,
    outputs: Count,
    _bomb: Bomb,
}

impl Future for Dish {
    type Output = Bomb;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bomb> {
        if self.wait.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.panics.in_poll {
            explode("poll");
        }
        Poll::Ready(Bomb::new(self.outputs.live(), self.panics.in_drop_of_output))
    }
}

/// One combination and its counters.
struct Case {
    panics: Panics,
    handle: Handle,
    stop: Stop,
    bench: Bench,
    door: Door,
    futures: Count,
    outputs: Count,
}

#[test]
fn every_combination_ends_cleanly() {
    for in_poll in BOTH {
        for in_drop_of_future in BOTH {
            for in_drop_of_output in BOTH {
                let panics = Panics { in_poll, in_drop_of_future, in_drop_of_output };
                for handle in HANDLES {
                    for stop in STOPS {
                        for bench in [Bench::new(), Bench::owned()] {
                            let case = Case::new(panics, handle, stop, bench.clone());
                            bench.enter(|| case.play());
                        }
                    }
                }
            }
        }
    }
}

impl Case {
    fn new(panics: Panics, handle: Handle, stop: Stop, bench: Bench) -> Case {
        let door = Door::new();
        let (futures, outputs) = (Count::default(), Count::default());
        Case { panics, handle, stop, bench, door, futures, outputs }
    }

    fn dish(&self) -> Dish {
        let door = self.door.clone();
        Dish {
            panics: self.panics,
            wait: Box::pin(async move { door.pass().await }),
            outputs: self.outputs.clone(),
            _bomb: Bomb::new(self.futures.live(), self.panics.in_drop_of_future),
        }
    }

    fn play(self) {
        let Case { panics, handle, stop, .. } = self;
        println!("{panics:?}, {handle:?}, {stop:?}"); // shown if the case fails
        let (runnable, join) = self.bench.make(self.dish());
        let killer = join.abort_handle();
        let mut join = Some(join);
        self.before_the_first_poll(&mut join, &killer);
        self.first_poll(runnable);
        self.while_it_waits(&mut join, &killer);
        self.door.open();
        self.bench.run();
        assert!(killer.is_finished());
        if stop == Stop::AbortAfterTheEnd {
            killer.abort();
        }
        let joined = join.is_some_and(|join| self.after_the_end(join));
        drop(killer);
        self.check(joined);
    }

    fn before_the_first_poll(&self, join: &mut Option<JoinHandle<Bomb>>, killer: &AbortHandle) {
        if self.handle == Handle::DroppedBeforeTheFirstPoll {
            *join = None;
        }
        match self.stop {
            Stop::AbortBeforeTheFirstPoll => killer.abort(),
            Stop::CancelBeforeTheFirstPoll => assert!(killer.cancel()),
            _ => {}
        }
    }

    fn first_poll(&self, runnable: Runnable) {
        if self.stop == Stop::DropTheRunnable {
            drop(runnable);
        } else {
            runnable.run();
        }
    }

    fn while_it_waits(&self, join: &mut Option<JoinHandle<Bomb>>, killer: &AbortHandle) {
        let polls = matches!(
            self.handle,
            Handle::PolledAndDroppedWhileTheTaskWaits
                | Handle::PolledAndDroppedAfterTheEnd
                | Handle::PolledAndJoinedAfterTheEnd
        );
        if let Some(join) = join.as_mut().filter(|join| polls && !join.is_finished()) {
            assert!(poll_once(join).is_pending());
        }
        let drops = matches!(
            self.handle,
            Handle::DroppedWhileTheTaskWaits | Handle::PolledAndDroppedWhileTheTaskWaits
        );
        if drops {
            *join = None;
        }
        match self.stop {
            Stop::AbortWhileItWaits => killer.abort(),
            Stop::CancelWhileItWaits => assert!(killer.cancel()),
            _ => {}
        }
    }

    /// True: the result was taken.
    fn after_the_end(&self, mut join: JoinHandle<Bomb>) -> bool {
        let joins =
            matches!(self.handle, Handle::JoinedAfterTheEnd | Handle::PolledAndJoinedAfterTheEnd);
        if !joins {
            return false;
        }
        match poll_once(&mut join) {
            Poll::Pending => panic!("the task has ended"),
            Poll::Ready(Ok(output)) => {
                assert!(self.expects_output());
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(output)));
                assert_eq!(dropped.is_err(), self.panics.in_drop_of_output);
            }
            Poll::Ready(Err(error)) => {
                assert!(!self.expects_output());
                assert_eq!(error.is_panic(), self.expects_panic());
                assert_eq!(error.is_cancelled(), !self.expects_panic());
            }
        }
        true
    }

    /// Nobody tells the task to end before it has.
    fn ends_by_itself(&self) -> bool {
        matches!(self.stop, Stop::Nothing | Stop::AbortAfterTheEnd)
    }

    fn expects_output(&self) -> bool {
        self.ends_by_itself() && !self.expects_panic()
    }

    /// A request that comes while the task waits is found by the poll that finds the door open: what this poll returns is
    /// discarded, but its panic is not.
    fn expects_panic(&self) -> bool {
        let polled_to_the_end = self.ends_by_itself() || self.stop == Stop::CancelWhileItWaits;
        self.panics.in_drop_of_future || self.panics.in_poll && polled_to_the_end
    }

    fn check(&self, joined: bool) {
        assert_eq!((self.futures.get(), self.outputs.get()), (0, 0));
        assert_eq!(self.bench.released.get(), 1);
        assert_eq!(self.bench.homes.get(), 0);
        let reports = usize::from(self.expects_panic() && !joined);
        assert_eq!(self.bench.reports().len(), reports);
    }
}
