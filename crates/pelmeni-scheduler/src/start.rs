//! How a task starts: it is made, gets its [`Home`], and goes to its first queue.

use std::future::Future;

use pelmeni_core::{Cause, JoinHandle, Runnable, task};

use crate::home::{Home, Meta};
use crate::lease::Lease;
use crate::worker::{self, Worker};

impl Lease {
    /// Makes a task that may run on any worker, and schedules it.
    pub(crate) fn spawn<F>(&self, future: F, meta: Meta) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        worker::with_current(|worker| {
            let worker = worker.filter(|worker| self.is_of(worker.scheduler));
            let (runnable, seat, handle) = self.make(worker, future, meta);
            match (worker, runnable) {
                (_, None) => {}
                (Some(worker), Some(runnable)) => worker.spawned(runnable),
                (None, Some(runnable)) => self.deliver(runnable, seat),
            }
            handle
        })
    }

    /// Makes a task for this worker of ours, or for whichever seat tasks of this thread go to. There is nothing to run if
    /// the runtime is closing: the task has ended cancelled.
    #[inline]
    pub(crate) fn make<F>(
        &self,
        worker: Option<&Worker<'_>>,
        future: F,
        meta: Meta,
    ) -> (Option<Runnable>, usize, JoinHandle<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let seat = worker.map_or_else(|| self.seat_for_outsider(), |worker| worker.home.index);
        let mut refused = false;
        let (runnable, handle) = task(future, self.owner.as_ref(), |task| {
            let home = if worker.is_none() && meta.name.is_none() {
                Home::abroad(self.clone(), meta.location)
            } else {
                Home::new(self.clone(), seat, false, task, meta)
            };
            refused = home.is_nowhere();
            home
        });
        ((!refused).then_some(runnable), seat, handle)
    }
}

impl Worker<'_> {
    fn spawned(&self, task: Runnable) {
        self.seat.counters.spawns.add(1);
        self.push(task, Cause::Spawn);
    }

    /// As `spawned`, for one of many; [`share`](Worker::share) follows.
    pub(crate) fn spawned_together(&self, task: Runnable) {
        self.seat.counters.spawns.add(1);
        if self.scheduler.is_single() {
            self.push(task, Cause::Spawn);
        } else {
            self.push_together(task);
        }
    }

    /// Makes a task that stays on this thread, and schedules it.
    #[expect(unsafe_code, reason = "the future need not be Send, nor outlive a root's caller")]
    pub(crate) unsafe fn spawn_here<F: Future>(
        &self,
        future: F,
        meta: Meta,
    ) -> JoinHandle<F::Output> {
        let mut refused = false;
        let home = |task: pelmeni_core::TaskRef<'_>| {
            let home = Home::new(self.lease.clone(), self.seat.index, true, task, meta);
            refused = home.is_nowhere();
            home
        };
        let owner = self.lease.owner.as_ref();
        // SAFETY: a Runnable of a task that stays goes to this worker's own queue, or through the seat's `pinned` inbox,
        // which only the thread in the seat takes; and `end_locals` ends the task before this thread leaves the seat. What
        // the future borrows is the caller's promise.
        let (runnable, handle) = unsafe { pelmeni_core::task_unchecked(future, owner, home) };
        if refused {
            drop(runnable);
        } else {
            self.spawned(runnable);
        }
        handle
    }
}
