//! Where threads start: the only place of the runtime that does, and where it counts those that have not ended.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pelmeni_core::primitive::{Condvar, Mutex};

use crate::drive::{Deadline, now};
use crate::lease::Lease;

/// The workers' threads of a runtime. Not a part of the scheduler's memory: it must outlive what a thread holds of that.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Names of those that have not ended their work.
    working: Vec<String>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Waits until all have ended, or the limit has come; tells the names of those that have not.
    pub(crate) fn await_all(&self, limit: Deadline) -> Vec<String> {
        let mut state = self.state.lock();
        loop {
            let left = limit.until(now()).unwrap_or(Duration::MAX);
            if !state.working.is_empty() && !left.is_zero() {
                state = self.ended.wait_timeout(state, left);
                continue;
            }
            let names = state.working.clone();
            let handles = std::mem::take(&mut state.handles);
            drop(state);
            if names.is_empty() {
                // Their work is over; what is left is the system's.
                handles.into_iter().for_each(|handle| drop(handle.join()));
            }
            return names;
        }
    }

    fn end(&self, name: &str) {
        let mut state = self.state.lock();
        if let Some(index) = state.working.iter().position(|other| other == name) {
            state.working.swap_remove(index);
        }
        drop(state);
        self.ended.notify_all();
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
    let threads = lease.running.clone();
    lease.running.state.lock().working.push(name.clone());
    let counted = name.clone();
    let started = start(name.clone(), stack, move || {
        work(&own);
        drop(own); // before anybody hears of the end
        threads.end(&counted);
    });
    match started {
        Ok(handle) => {
            let mut state = lease.running.state.lock();
            state.handles.retain(|other| !other.is_finished()); // spares come and go
            state.handles.push(handle);
            Ok(())
        }
        Err(error) => {
            lease.running.end(&name);
            Err(error)
        }
    }
}

/// Starts a thread.
///
/// # Errors
/// The system's, if it has no more threads.
pub(crate) fn start(
    name: String,
    stack: Option<usize>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut builder = thread::Builder::new().name(name);
    if let Some(bytes) = stack {
        builder = builder.stack_size(bytes);
    }
    builder.spawn(work)
}
