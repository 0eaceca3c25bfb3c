//! Many tasks that are started at once: [`Batch`]. Whether another worker is needed for them is decided once, at the end.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

use pelmeni_core::JoinHandle;

use crate::cost::pays_for_batch;
use crate::current;
use crate::home::Meta;
use crate::lease::Lease;
use crate::misuse;
use crate::worker;

/// Starts tasks; dropping it ends the batch. It stays on its thread.
pub struct Batch {
    lease: Lease,
    location: &'static Location<'static>,
    /// A thread that is no worker has put the first task into an empty inbox of this seat, and nobody was told.
    owes: Option<usize>,
    _stays: PhantomData<*const ()>,
}

impl Batch {
    /// A batch of the runtime that this thread works for or belongs to.
    ///
    /// # Panics
    /// Outside a runtime, in the name of `what`.
    pub fn new(what: &str, location: &'static Location<'static>) -> Batch {
        let lease = current::with_lease(|lease| lease.cloned());
        Batch::of(lease.unwrap_or_else(|| misuse::outside(what, location)), location)
    }

    pub(crate) fn of(lease: Lease, location: &'static Location<'static>) -> Batch {
        Batch { lease, location, owes: None, _stays: PhantomData }
    }

    /// Starts a task that may run on any worker.
    pub fn spawn<F>(&mut self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let meta = Meta { name: None, location: self.location };
        worker::with_current(|worker| {
            let worker = worker.filter(|worker| self.lease.is_of(worker.scheduler));
            let (runnable, seat, handle) = self.lease.make(worker, future, meta);
            match (worker, runnable) {
                (_, None) => {}
                (Some(worker), Some(runnable)) => worker.spawned_together(runnable),
                (None, Some(runnable)) => {
                    if self.lease.seats[seat].inbox.push(runnable) {
                        self.owes = Some(seat);
                    }
                }
            }
            handle
        })
    }
}

/// Also when what makes the futures panics: the tasks that were started run.
impl Drop for Batch {
    fn drop(&mut self) {
        if let Some(seat) = self.owes {
            self.lease.ring(seat);
        }
        worker::with_current(|worker| {
            if let Some(worker) = worker.filter(|worker| self.lease.is_of(worker.scheduler)) {
                worker.share(pays_for_batch);
            }
        });
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("location", &self.location).finish_non_exhaustive()
    }
}
