//! From a readiness to an operation: what every socket of this crate is made of.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::task::{Context, Poll};

use pelmeni_core::coop;
use pelmeni_driver::{AsDescriptor, Direction, Registration};
use pelmeni_scheduler::{Handle, outside};

/// A descriptor that does not block, and its place in the driver of the runtime in which it was made.
pub(crate) struct Async<S: AsDescriptor> {
    // First, so that it is dropped, and the source taken out of the driver, before the descriptor is closed; which happens next,
    // because nothing gives the source away.
    registration: Registration,
    source: S,
}

impl<S: AsDescriptor> Async<S> {
    /// Takes a source that does not block. Nothing is registered before somebody waits for readiness, or an operation would
    /// block for the second time in a row.
    pub(crate) fn new(source: S, runtime: &Handle) -> Async<S> {
        Async { registration: runtime.registration().owning().hesitant(), source }
    }

    pub(crate) fn get_ref(&self) -> &S {
        &self.source
    }

    /// Tries an operation, and again when the source is ready, until it does not block.
    pub(crate) fn poll_io<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        coop::poll_leaf(cx, |cx| {
            self.registration.poll_io(cx, &self.source, direction, || operation(&self.source))
        })
    }

    /// As [`poll_io`](Async::poll_io), for an operation on a stream of bytes that moves at most so many.
    pub(crate) fn poll_transfer(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        wanted: usize,
        mut operation: impl FnMut(&S) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        coop::poll_leaf(cx, |cx| {
            let operation = || operation(&self.source);
            self.registration.poll_transfer(cx, &self.source, direction, wanted, operation)
        })
    }

    /// As [`poll_io`](Async::poll_io), to be awaited.
    pub(crate) fn io<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> impl Future<Output = io::Result<R>> {
        poll_fn(move |cx| self.poll_io(cx, direction, &mut operation))
    }

    /// Waits until the source is ready.
    pub(crate) fn ready(&self, direction: Direction) -> impl Future<Output = io::Result<()>> {
        poll_fn(move |cx| {
            coop::poll_leaf(cx, |cx| self.registration.poll_ready(cx, &self.source, direction))
        })
    }
}

/// The runtime of this thread.
///
/// # Panics
/// If there is none, in the name of `what` and the caller's line. An `async fn` is no caller that anybody knows: it takes
/// the line before its future begins.
pub(crate) fn runtime(what: &str, caller: &Location<'_>) -> Handle {
    Handle::try_current().unwrap_or_else(|| outside(what, caller))
}

impl<S: AsDescriptor + fmt::Debug> fmt::Debug for Async<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
