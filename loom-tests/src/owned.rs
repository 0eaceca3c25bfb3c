//! A scheduler for tasks with an owner: a queue of the owner's, and an inbox for messages from elsewhere.
//!
//! The queue's lock is taken by owners only, so that it orders nothing between them and others; what others do becomes
//! visible by the inbox and the task's state, as in a runtime. A thread that waits for a message which nobody sends is a
//! deadlock.

use std::collections::VecDeque;
use std::panic::Location;

use loom::sync::atomic::{AtomicUsize, Ordering};
use pelmeni_core::list::Inbox;
use pelmeni_core::primitive::{Arc, Condvar, Mutex};
use pelmeni_core::{Cause, Here, JoinError, JoinHandle, Owner, Runnable, Schedule, TaskInfo, task};

/// Where the tasks of one owner wait. Clones are the same.
#[derive(Debug, Clone)]
pub struct Owned {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    owner: Owner,
    ready: Mutex<VecDeque<Runnable>>,
    inbox: Inbox,
    /// How many tasks were made and not released.
    live: Mutex<usize>,
    bell: Condvar,
}

/// A task's way to its owner.
#[derive(Debug)]
struct Home {
    owned: Owned,
    /// As that of a [`Queue`](crate::Queue)'s tasks.
    uses: AtomicUsize,
}

impl Owned {
    /// Nobody's, and without tasks.
    ///
    /// # Panics
    /// If there are too many.
    #[expect(clippy::new_without_default, reason = "an owner is made on purpose")]
    pub fn new() -> Owned {
        let owner = Owner::new().expect("models make few");
        let shared = Shared {
            owner,
            ready: Mutex::default(),
            inbox: Inbox::default(),
            live: Mutex::default(),
            bell: Condvar::new(),
        };
        Owned { shared: Arc::new(shared) }
    }

    /// This thread is the owner from now on.
    #[expect(unsafe_code, reason = "one thread at a time")]
    pub fn enter(&self) -> Here<'_> {
        // SAFETY: models enter one after the other.
        unsafe { self.shared.owner.enter() }
    }

    /// Makes a task, here or abroad.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        *self.shared.live.lock() += 1;
        let home =
            |_: pelmeni_core::TaskRef<'_>| Home { owned: self.clone(), uses: AtomicUsize::new(0) };
        let (runnable, handle) = task(future, Some(&self.shared.owner), home);
        self.push(runnable);
        handle
    }

    /// As the owner: runs tasks until all that were made have ended; waits for them to become ready.
    pub fn run(&self) {
        loop {
            self.run_ready();
            let live = self.shared.live.lock();
            if *live == 0 {
                return;
            }
            if self.shared.inbox.is_empty() {
                drop(self.shared.bell.wait(live));
            }
        }
    }

    /// As the owner: runs the tasks that are ready, and those that they make ready.
    pub fn run_ready(&self) {
        loop {
            self.receive();
            let Some(task) = self.shared.ready.lock().pop_front() else { return };
            task.run();
        }
    }

    /// As the owner: takes in what came from elsewhere.
    pub fn receive(&self) {
        self.shared.ready.lock().extend(self.shared.inbox.take_all());
    }

    /// Leaves what is ready to the next owner.
    pub fn leave(&self, here: Here<'_>) {
        let ready = std::mem::take(&mut *self.shared.ready.lock());
        for task in ready {
            self.shared.inbox.push(task);
        }
        drop(here);
    }

    /// When nobody is the owner: no other will come.
    pub fn close(&self) {
        drop(self.shared.inbox.close());
    }

    fn push(&self, task: Runnable) {
        if self.shared.owner.is_here() {
            self.shared.ready.lock().push_back(task);
        } else {
            self.shared.inbox.push(task);
            let live = self.shared.live.lock();
            self.shared.bell.notify_one();
            drop(live);
        }
    }
}

// SAFETY: `schedule` owns what it uses before it passes the task on.
#[expect(unsafe_code, reason = "the promise of a scheduler")]
unsafe impl Schedule for Home {
    fn schedule(&self, task: Runnable, _: Cause) {
        self.uses.load(Ordering::Relaxed);
        let owned = self.owned.clone();
        owned.push(task);
    }

    fn release(&self) {
        self.uses.load(Ordering::Relaxed);
        *self.owned.shared.live.lock() -= 1;
    }

    fn describe(&self) -> TaskInfo {
        TaskInfo::new(None, Location::caller())
    }

    fn unobserved(&self, _panic: &JoinError) {}
}

impl Drop for Home {
    fn drop(&mut self) {
        self.uses.with_mut(|_| ());
    }
}
