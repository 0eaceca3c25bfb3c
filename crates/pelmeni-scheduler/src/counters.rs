//! Numbers that one worker writes and anybody reads: a snapshot of them is a runtime's [`Stats`].

use pelmeni_core::primitive::atomic::{AtomicU64, Ordering};

/// A count with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds to the count. Only one thread at a time may call this: it is a load and a store, not a step.
    #[inline]
    pub(crate) fn add(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Ordering::Relaxed);
    }

    /// Reads the count. Relaxed: it is a number, and nothing follows from it.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker has done.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) polls: Counter,
    pub(crate) spawns: Counter,
    pub(crate) steals: Counter,
    pub(crate) searches: Counter,
    pub(crate) parks: Counter,
}

/// What the workers of a runtime have done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// One entry for each worker; the first is that of whoever calls `run`.
    pub workers: Vec<WorkerStats>,
    /// Tasks that have been spawned and have not ended.
    pub tasks: usize,
    /// Threads of the blocking pool, busy or idle.
    pub blocking_threads: usize,
}

/// What one worker has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// Polls of tasks.
    pub polls: u64,
    /// Tasks spawned by tasks that ran here.
    pub spawns: u64,
    /// Times that it took tasks from another worker.
    pub steals: u64,
    /// Times that it looked for tasks of other workers.
    pub searches: u64,
    /// Times that it went to sleep, or waited for the kernel, for want of tasks.
    pub parks: u64,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> WorkerStats {
        WorkerStats {
            polls: self.polls.get(),
            spawns: self.spawns.get(),
            steals: self.steals.get(),
            searches: self.searches.get(),
            parks: self.parks.get(),
        }
    }
}
