//! What whole workers are modelled in: a [`House`], a runtime to whose seats the model's own threads come.
//!
//! It starts no threads; its kernel and its clock are the model's, and its monitor looks when the model says so. All else is
//! the real thing: the loop of the workers, what they search and how they sleep, the driver, the wheels. Two workers have
//! some hundred steps each until both sleep, so there is room for one or two preemptions.

use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use pelmeni_core::{JoinHandle, TaskRef, task};
use pelmeni_driver::clock;
use pelmeni_driver::model::Kernel;

use crate::builder;
use crate::drive::{Drive, Registration};
use crate::home::{Home, Meta};
use crate::lease::Lease;
use crate::monitor;
use crate::pool::Pool;
use crate::root;
use crate::scheduler::Scheduler;
use crate::spare;
use crate::spawn::spawn_local;
use crate::worker;

/// A runtime without threads of its own.
#[derive(Debug)]
pub struct House {
    lease: Lease,
    /// Of each driver.
    kernels: Box<[Kernel]>,
}

impl House {
    /// A runtime for so many threads, with one driver. Loom does not see who holds it.
    pub fn new(threads: usize) -> Arc<House> {
        House::grouped(threads, threads)
    }

    /// As [`new`](House::new), with a driver for each group of threads of this size.
    pub fn grouped(threads: usize, group: usize) -> Arc<House> {
        let parts = (0..threads.div_ceil(group)).map(|_| Kernel::new());
        let (drivers, kernels): (Vec<_>, Vec<_>) = parts.unzip();
        let pool = Pool::new(1, Duration::ZERO, threads);
        let drive = Drive::of(drivers.into(), group);
        let lease =
            Scheduler::make(threads, "model".into(), None, Duration::ZERO, pool, None, drive);
        Arc::new(House { lease, kernels: kernels.into() })
    }

    /// What happens outside.
    pub fn kernel(&self) -> &Kernel {
        self.kernel_of(0)
    }

    /// What happens to the descriptors of a group.
    pub fn kernel_of(&self, group: usize) -> &Kernel {
        &self.kernels[group]
    }

    /// What the thread does that sits there: it works until the runtime stops.
    pub fn work(&self, seat: usize) {
        builder::work(&self.lease, seat);
    }

    /// As [`work`](House::work), with a task that must run there.
    pub fn work_on<F>(&self, seat: usize, future: F)
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        worker::occupy(&self.lease, seat, |worker| {
            drop(spawn_local(future));
            worker.run_until(|| self.lease.is_stopping());
            worker.end_locals();
        });
    }

    /// There are cores for so many workers only.
    pub fn limit(&self, room: NonZeroUsize) {
        self.lease.room.set(Some(room));
    }

    /// What the thread does that works while nobody calls.
    pub fn substitute(&self) {
        builder::substitute(&self.lease, self.lease.threads);
    }

    /// What a spare does that was sent for this seat, if it was free.
    pub fn spare(&self, stuck: usize) {
        if let Some(spare) = spare::reserve(&self.lease, &self.lease.seats[stuck]) {
            spare::work(&self.lease, spare.index, stuck);
        }
    }

    /// Has those spares go whose time is over; one that is about to sleep may miss it.
    pub fn dismiss_spares(&self) {
        spare::dismiss(&self.lease);
    }

    /// Runs a root future on this thread, in seat 0 if that is free.
    pub fn call<F: Future>(&self, future: F) -> F::Output {
        root::block_on(&self.lease, future, meta())
    }

    /// Runs a root future on this thread, beside the workers.
    pub fn visit<F: Future>(&self, future: F) -> F::Output {
        root::visit(&self.lease, future)
    }

    /// A place for a descriptor, with the driver to which this seat belongs.
    pub fn registration(&self, seat: usize) -> Registration {
        self.lease.drive.registration(seat)
    }

    /// Sends a task to a seat, as a thread does that is no worker.
    pub fn deliver<F>(&self, seat: usize, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let mut refused = false;
        let home = |_: TaskRef<'_>| {
            let home = Home::abroad(self.lease.clone(), Location::caller());
            refused = home.is_nowhere();
            home
        };
        let (runnable, handle) = task(future, self.lease.owner.as_ref(), home);
        if refused {
            drop(runnable);
        } else {
            self.lease.deliver(runnable, seat);
        }
        handle
    }

    /// Lets no more tasks in, and works in seat 0 until none is left.
    pub fn close(&self) {
        self.lease.close_registries();
        let is_empty = || self.lease.tasks() == 0;
        worker::occupy(&self.lease, 0, |worker| worker.run_until(is_empty));
    }

    /// A monitor, who has not looked yet.
    pub fn monitor(&self) -> Monitor<'_> {
        Monitor(monitor::Monitor::new(&self.lease))
    }

    /// Says whether the thread in this seat is marked as stuck.
    pub fn is_stuck(&self, seat: usize) -> bool {
        self.lease.seats[seat].is_stuck()
    }

    /// Has all workers return.
    pub fn stop(&self) {
        self.lease.stop();
        root::clear_up(&self.lease);
    }

    /// Says whether they have been told to.
    pub fn is_stopping(&self) -> bool {
        self.lease.is_stopping()
    }

    /// Nobody sleeps and nobody searches.
    ///
    /// # Panics
    /// If somebody is counted as doing so.
    pub fn assert_settled(&self) {
        let idle = &self.lease.idle;
        assert!(!idle.anyone_sleeps(), "a worker that has gone is counted as asleep");
        assert!(idle.start_search(1), "a worker that has gone is counted as a searcher");
    }
}

/// The monitor of a house, one round at a time.
#[derive(Debug)]
pub struct Monitor<'h>(monitor::Monitor<'h>);

impl Monitor<'_> {
    /// Looks at every seat, when so much time has passed that whoever has been in one poll since the last round is stuck.
    pub fn look_round(&mut self) {
        clock::pass(monitor::CONFIRM);
        self.0.look_round();
    }
}

fn meta() -> Meta {
    Meta { name: None, location: Location::caller() }
}
