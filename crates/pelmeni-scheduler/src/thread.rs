//! Where threads start: the only place of the runtime that does, and where it counts those that have not ended.

use std::io;
use std::thread;
use std::time::Duration;

use pelmeni_core::primitive::{Condvar, Mutex};

use crate::drive::{Deadline, now};
use crate::lease::Lease;

/// The workers' threads that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    names: Mutex<Vec<String>>,
    ended: Condvar,
}

impl Threads {
    /// Waits until all have ended, or the limit has come; tells the names of those that have not.
    pub(crate) fn await_all(&self, limit: Deadline) -> Vec<String> {
        let mut names = self.names.lock();
        loop {
            let left = limit.until(now()).unwrap_or(Duration::MAX);
            if names.is_empty() || left.is_zero() {
                return names.clone();
            }
            names = self.ended.wait_timeout(names, left);
        }
    }
}

/// Starts a worker's thread, which keeps the runtime's memory and is counted while it runs.
///
/// # Errors
/// The system's, if it has no more threads.
pub(crate) fn start_worker(
    lease: &Lease,
    name: String,
    stack: Option<usize>,
    work: impl FnOnce(&Lease) + Send + 'static,
) -> io::Result<()> {
    let own = lease.clone();
    lease.running.names.lock().push(name.clone());
    let counted = name.clone();
    let started = start(name.clone(), stack, move || {
        work(&own);
        own.running.end(&counted);
    });
    if started.is_err() {
        lease.running.end(&name);
    }
    started
}

impl Threads {
    fn end(&self, name: &str) {
        let mut names = self.names.lock();
        if let Some(index) = names.iter().position(|other| other == name) {
            names.swap_remove(index);
        }
        drop(names);
        self.ended.notify_all();
    }
}

/// Starts a thread that nobody joins.
///
/// # Errors
/// The system's, if it has no more threads.
pub(crate) fn start(
    name: String,
    stack: Option<usize>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let mut builder = thread::Builder::new().name(name);
    if let Some(bytes) = stack {
        builder = builder.stack_size(bytes);
    }
    builder.spawn(work).map(drop)
}
