//! A scheduler of one queue and a registry, whose misuse loom can see.
//!
//! The queue is a lock and a condition of loom's: a thread that waits for a task which nobody submits is a deadlock. Each
//! task owns a [`Home`], which is read whenever the task uses its scheduler and written when the task is freed; a use that
//! does not happen before the end is a race.

use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;

use loom::sync::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::{Arc, Condvar, Mutex, MutexGuard};
use pelmeni_core::{
    AbortHandle, Cause, JoinError, JoinHandle, RegisteredTask, Runnable, Schedule, TaskInfo, task,
};

/// Where the tasks of a model wait to be run. Clones are the same queue.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    inner: Mutex<Inner>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    ready: VecDeque<Runnable>,
    /// Tasks that were made and not released, by number.
    live: BTreeMap<usize, RegisteredTask>,
    made: usize,
    causes: Vec<Cause>,
}

/// A task's way to its queue.
#[derive(Debug)]
pub struct Home {
    queue: Queue,
    number: usize,
    /// Loaded by each use and mutated by the drop, so that loom sees whether all uses are over by then. It is loom's own and
    /// not the core's, because nothing is decided by it.
    uses: AtomicUsize,
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Queue {
        Queue::default()
    }

    /// Makes a task and puts it into the queue.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (runnable, handle) = self.make(future);
        self.push(runnable, Cause::Spawn);
        handle
    }

    /// Makes a task and leaves it to the caller to run it.
    pub fn make<F>(&self, future: F) -> (Runnable, JoinHandle<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task(future, None, |task| {
            let mut inner = self.lock();
            let number = inner.made;
            inner.made += 1;
            inner.live.insert(number, task.into_registered());
            Home { queue: self.clone(), number, uses: AtomicUsize::new(0) }
        })
    }

    /// Runs tasks until all that were made have ended; waits for them to become ready.
    pub fn run(&self) {
        while let Some(task) = self.next() {
            task.run();
        }
    }

    /// Runs the tasks that are ready now, and those that they make ready.
    pub fn run_ready(&self) {
        while let Some(task) = self.try_next() {
            task.run();
        }
    }

    /// Takes the first task out, if there is one.
    pub fn try_next(&self) -> Option<Runnable> {
        self.lock().ready.pop_front()
    }

    /// Waits for a task. `None`: all have ended.
    pub fn next(&self) -> Option<Runnable> {
        let mut inner = self.lock();
        loop {
            if let Some(task) = inner.ready.pop_front() {
                return Some(task);
            }
            if inner.live.is_empty() {
                return None;
            }
            inner = self.shared.bell.wait(inner);
        }
    }

    /// A kill switch of the oldest task that has not ended.
    #[expect(unsafe_code, reason = "a registry vouches for what it holds")]
    pub fn oldest(&self) -> Option<AbortHandle> {
        let inner = self.lock();
        let (_, task) = inner.live.first_key_value()?;
        // SAFETY: `release` takes tasks out under this lock, so this one's has not returned.
        Some(unsafe { task.retain() })
    }

    /// How many tasks were submitted for this cause.
    pub fn submitted(&self, cause: Cause) -> usize {
        self.lock().causes.iter().filter(|other| **other == cause).count()
    }

    fn push(&self, task: Runnable, cause: Cause) {
        let mut inner = self.lock();
        inner.ready.push_back(task);
        inner.causes.push(cause);
        drop(inner);
        self.shared.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock()
    }
}

impl Home {
    fn touch(&self) {
        self.uses.load(Ordering::Relaxed);
    }
}

// SAFETY: `schedule` owns the queue before it passes the task on.
#[expect(unsafe_code, reason = "the promise of a scheduler")]
unsafe impl Schedule for Home {
    fn schedule(&self, task: Runnable, cause: Cause) {
        self.touch();
        // Once the task is in the queue it may be freed, and its `Home` with it: the queue needs an owner here.
        let queue = self.queue.clone();
        queue.push(task, cause);
    }

    fn release(&self) {
        let mut inner = self.queue.lock();
        inner.live.remove(&self.number);
        let last = inner.live.is_empty();
        drop(inner);
        if last {
            self.queue.shared.bell.notify_all();
        }
        // After the lock, which would otherwise hide that nothing else orders this use and the end.
        self.touch();
    }

    fn describe(&self) -> TaskInfo {
        self.touch();
        TaskInfo::new(None, Location::caller())
    }

    fn unobserved(&self, _panic: &JoinError) {
        self.touch();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.uses.with_mut(|_| ());
    }
}
