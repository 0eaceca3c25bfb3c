//! The root future: what `run` and `block_on` wait for, and where it is polled.
//!
//! The caller's thread becomes a worker in seat 0 and the root a task that stays there; there is no hop between `run` and the
//! first `spawn`. If another caller has the seat, a runtime of many threads polls the root on its own thread all the same,
//! beside the workers (a *visitor*); a runtime of one thread lets callers take turns.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use pelmeni_core::cancel::{poll_visitor, unaffected};
use pelmeni_core::primitive::seeded;
use pelmeni_core::{JoinError, JoinHandle};

use crate::current;
use crate::home::Meta;
use crate::lease::Lease;
use crate::worker::{self, Worker};

/// Runs a future on this thread until it is ready.
///
/// # Panics
/// If the future does. The caller has made sure that this thread is no worker.
pub(crate) fn block_on<F: Future>(lease: &Lease, future: F, meta: Meta) -> F::Output {
    let is_blocking_thread = current::with_lease(|entered| entered.is_some());
    if lease.callers.try_enter() {
        return call(lease, future, meta);
    }
    if lease.is_single() && !is_blocking_thread {
        lease.callers.enter();
        return call(lease, future, meta);
    }
    visit(lease, future)
}

/// Works in seat 0, which the caller has entered, until the future is ready.
fn call<F: Future>(lease: &Lease, future: F, meta: Meta) -> F::Output {
    let _leave = Leave(lease);
    let output = worker::occupy(lease, 0, |worker| {
        let handle = spawn_root(worker, future, meta);
        worker.run_until(|| handle.is_finished());
        worker.end_locals();
        handle
    });
    match take(output) {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) => no_output(error),
        },
    }
}

/// Leaves seat 0, also when the root's panic goes on.
struct Leave<'a>(&'a Lease);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        leave(self.0);
    }
}

/// Leaves seat 0.
pub(crate) fn leave(lease: &Lease) {
    lease.callers.leave();
    if !seeded(290) {
        clear_up(lease);
    }
}

/// After the end of a runtime of one thread, has nothing stay in its seat. If somebody is there, it is for him to see to when he
/// leaves: we come here after the end was announced, and he after he has left, so that one of us finds it so.
pub(crate) fn clear_up(lease: &Lease) {
    if lease.is_single() && lease.is_stopping() && lease.callers.try_enter() {
        worker::occupy(lease, 0, |_| ());
        lease.callers.leave();
    }
}

#[expect(unsafe_code, reason = "the root may borrow from the caller's frame")]
fn spawn_root<F: Future>(worker: &Worker<'_>, future: F, meta: Meta) -> JoinHandle<F::Output> {
    // SAFETY: `call` does not return before the root is finished, which is when its future is gone; its output is taken in
    // `call`, whose caller's borrows are still there. A panic in between aborts (see `occupy`).
    unsafe { worker.spawn_here(future, meta) }
}

/// The output of a handle that is finished.
fn take<T>(handle: JoinHandle<T>) -> Result<T, JoinError> {
    let mut handle = pin!(handle);
    match unaffected(|| handle.as_mut().poll(&mut Context::from_waker(Waker::noop()))) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the handle is finished"),
    }
}

/// Polls a future on this thread, which is none of the workers, and sleeps in between.
pub(crate) fn visit<F: Future>(lease: &Lease, future: F) -> F::Output {
    let _entered = current::enter(lease);
    let visitor = lease.visitors.enter();
    let waker = Waker::from(visitor.bell());
    let mut future = pin!(future);
    loop {
        match poll_visitor(future.as_mut(), &mut Context::from_waker(&waker)) {
            Ok(Poll::Ready(output)) => return output,
            Ok(Poll::Pending) if !lease.is_stopping() => visitor.sleep(),
            Ok(Poll::Pending) => no_output("the runtime was closed"),
            Err(cancelled) => no_output(cancelled),
        }
    }
}

/// The future that a caller waits for will never be ready, and there is nothing to return instead.
fn no_output(why: impl fmt::Display) -> ! {
    panic!("pelmeni: the future that `run` or `block_on` was waiting for has no output: {why}")
}
