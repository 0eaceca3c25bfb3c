//! The part of pelmeni's facade that the attributes call: a runtime of one thread that remembers how many it was to have.

use std::cell::Cell;
use std::io;

thread_local! {
    /// What the last runtime of this thread was built with; none after `pelmeni::run`.
    static ASKED: Cell<Option<usize>> = const { Cell::new(None) };
    /// How many runtimes this thread has closed.
    static CLOSED: Cell<usize> = const { Cell::new(0) };
}

/// What the running function's runtime was built with.
pub(crate) fn threads_asked_for() -> Option<usize> {
    ASKED.get()
}

/// How many runtimes were closed so far.
pub(crate) fn closed() -> usize {
    CLOSED.get()
}

/// Stands in for `pelmeni::run`.
pub fn run<F: Future>(future: F) -> F::Output {
    ASKED.set(None);
    futures::executor::block_on(future)
}

/// Stands in for `pelmeni::Builder`. A runtime with 13 threads cannot be built.
#[derive(Debug)]
pub struct Builder(usize);

impl Builder {
    /// A builder that nothing was asked of.
    #[expect(clippy::new_without_default, reason = "as small as its use")]
    pub fn new() -> Self {
        Builder(0)
    }

    /// Asks for so many threads.
    pub fn threads(self, count: usize) -> Self {
        Builder(count)
    }

    /// Builds what was asked for.
    ///
    /// # Errors
    /// Thirteen threads.
    pub fn build(self) -> io::Result<Runtime> {
        match self.0 {
            13 => Err(io::Error::other("unlucky")),
            count => Ok(Runtime(count)),
        }
    }
}

/// Stands in for `pelmeni::Runtime`.
#[derive(Debug)]
pub struct Runtime(usize);

impl Runtime {
    /// Runs on the calling thread.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        ASKED.set(Some(self.0));
        futures::executor::block_on(future)
    }

    /// Counts itself closed.
    #[must_use]
    pub fn close(self) -> Report {
        CLOSED.set(CLOSED.get() + 1);
        Report
    }
}

/// Stands in for `pelmeni::ShutdownReport`.
#[derive(Debug)]
pub struct Report;
