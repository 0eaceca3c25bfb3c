//! A virtual clock, and what waits for it: a leaf future, and a scope that it stops.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker, ready};

use pelmeni_core::JoinError;
use pelmeni_core::cancel::{Scope, Stopped, unaffected};
use pelmeni_core::coop::poll_proceed;

use crate::bench::{Bench, result};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static SLEEPERS: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

/// What the clock shows.
pub(crate) fn now() -> u64 {
    NOW.get()
}

/// Waits for so many ticks: a leaf, which stays pending while a request travels.
pub(crate) async fn sleep(ticks: u64) {
    let end = now() + ticks;
    poll_fn(|cx| {
        ready!(poll_proceed(cx));
        if now() >= end {
            return Poll::Ready(());
        }
        SLEEPERS.with_borrow_mut(|sleepers| sleepers.push(cx.waker().clone()));
        Poll::Pending
    })
    .await;
}

/// The inside of a timeout was stopped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// Stops a future after so many ticks, and waits for its clean-ups.
pub(crate) async fn timeout<F: Future>(ticks: u64, future: F) -> Result<F::Output, Elapsed> {
    let mut scope = pin!(Scope::new(future));
    let mut timer = pin!(sleep(ticks));
    poll_fn(|cx| {
        let stop = scope.is_stopping() || unaffected(|| timer.as_mut().poll(cx)).is_ready();
        scope.as_mut().poll(cx, stop).map_err(|Stopped| Elapsed)
    })
    .await
}

/// Runs one task under the clock; somebody cancels it at these ticks, once for each.
pub(crate) fn run<F>(future: F, cancel_at: &[u64]) -> Result<F::Output, JoinError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    NOW.set(0);
    let bench = Bench::new();
    let (runnable, handle) = bench.make(future);
    let mut first = Some(runnable);
    for tick in 0..200 {
        NOW.set(tick);
        for _ in cancel_at.iter().filter(|at| **at == tick) {
            assert!(handle.cancel(), "the task ended before it was cancelled");
        }
        SLEEPERS.take().into_iter().for_each(Waker::wake);
        if let Some(runnable) = first.take() {
            runnable.run();
        }
        bench.run();
        if handle.is_finished() {
            let joined = result(handle);
            assert_eq!(bench.released.get(), 1);
            SLEEPERS.take();
            assert_eq!(bench.homes.get(), 0);
            return joined;
        }
    }
    panic!("the task never ends");
}
