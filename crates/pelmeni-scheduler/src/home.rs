//! A task's way home: which runtime, which worker, which entry. What pelmeni-core calls a [`Schedule`].

use std::panic::Location;

use pelmeni_core::{Cause, JoinError, Runnable, Schedule, TaskInfo, TaskRef};

use crate::lease::Lease;
use crate::misuse;
use crate::registry::Registry;
use crate::worker;

/// Two words in every task.
#[derive(Debug)]
pub(crate) struct Home {
    lease: Lease,
    seat: u32,
    /// The entry in the seat's registry; with [`LOCAL`], in that of tasks that stay; or [`NOWHERE`].
    entry: u32,
}

const LOCAL: u32 = 1 << 31;
const NOWHERE: u32 = u32::MAX;

/// What a task's registry keeps of it.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) name: Option<Box<str>>,
    pub(crate) location: &'static Location<'static>,
}

impl Home {
    /// Enters a task into a seat's registry. If that is closed, the home [is nowhere](Home::is_nowhere).
    pub(crate) fn new(
        lease: Lease,
        seat: usize,
        local: bool,
        task: TaskRef<'_>,
        meta: Meta,
    ) -> Home {
        let flag = if local { LOCAL } else { 0 };
        let mut home = Home { lease, seat: seat as u32, entry: flag };
        let entry = home.registry().insert(task, meta.location, meta.name);
        home.entry = entry.map_or(NOWHERE, |entry| entry | flag);
        home
    }

    /// The task must not run: the registry is closed.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.entry == NOWHERE
    }

    fn registry(&self) -> &Registry {
        let seat = &self.lease.seats[self.seat as usize];
        if self.entry & LOCAL != 0 { &seat.locals } else { &seat.tasks }
    }
}

// SAFETY: a worker's scheduler stays while it works, and otherwise `schedule` clones the lease before it passes the task on.
#[expect(unsafe_code, reason = "the promise of a scheduler")]
unsafe impl Schedule for Home {
    #[inline]
    fn schedule(&self, task: Runnable, cause: Cause) {
        let elsewhere = worker::with_current(|worker| match worker {
            Some(worker)
                if self.lease.is_of(worker.scheduler)
                    && (!task.is_local() || worker.seat.index == self.seat as usize) =>
            {
                worker.push(task, cause);
                None
            }
            _ => Some(task),
        });
        if let Some(task) = elsewhere {
            // Once the task is passed on, it can end, and its lease with it; we still have somebody to wake.
            let lease = self.lease.clone();
            lease.deliver(task, self.seat as usize);
        }
    }

    fn release(&self) {
        if self.entry != NOWHERE && self.registry().remove(self.entry & !LOCAL) {
            self.lease.last_task_gone();
        }
    }

    fn describe(&self) -> TaskInfo {
        match self.entry {
            NOWHERE => TaskInfo::new(None, Location::caller()),
            entry => self.registry().describe(entry & !LOCAL),
        }
    }

    fn unobserved(&self, panic: &JoinError) {
        misuse::say(format_args!("{panic}; nobody joined it"));
    }
}
