//! A task's way home: which runtime, which worker, which entry. What pelmeni-core calls a [`Schedule`].

use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use pelmeni_core::{Arrival, Cause, JoinError, Runnable, Schedule, TaskInfo, TaskRef};

use crate::lease::Lease;
use crate::misuse;
use crate::registry::Registry;
use crate::worker;

/// Two words in every task.
#[derive(Debug)]
pub(crate) struct Home {
    lease: Lease,
    /// A [`Place`]. Whoever holds the right to poll writes it, before the first poll; whoever reads it has that right, or
    /// has it from one who had, or sends a message to a task that has been polled. So it is the task's state that orders
    /// this, and the word need not be one that loom sees.
    place: AtomicU64,
}

/// Where a task is registered.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// It has not arrived yet. It was spawned there, on a thread that is no worker.
    Abroad(&'static Location<'static>),
    /// An entry in the registry of a seat; with [`LOCAL`], in that of tasks that stay; or [`NOWHERE`].
    At { seat: u32, entry: u32 },
}

const LOCAL: u32 = 1 << 31;
const NOWHERE: u32 = u32::MAX;

/// In the word of a place: it is an address, which is even. Otherwise twice the seat, and the entry in the upper half.
const ABROAD: u64 = 1;

impl Place {
    fn into_word(self) -> u64 {
        match self {
            Place::Abroad(location) => ptr::from_ref(location).expose_provenance() as u64 | ABROAD,
            Place::At { seat, entry } => u64::from(entry) << 32 | u64::from(seat << 1),
        }
    }

    #[inline]
    #[expect(unsafe_code, reason = "the word may be an address")]
    fn from_word(word: u64) -> Place {
        if word & ABROAD == 0 {
            return Place::At { seat: word as u32 >> 1, entry: (word >> 32) as u32 };
        }
        let location = ptr::with_exposed_provenance((word & !ABROAD) as usize);
        // SAFETY: `into_word` took the address of a location that stays for ever.
        Place::Abroad(unsafe { &*location })
    }
}

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
        let (seat, flag) = (seat as u32, if local { LOCAL } else { 0 });
        let entry = registry(&lease, seat, flag).insert(task, meta.location, meta.name);
        let entry = entry.map_or(NOWHERE, |entry| entry | flag);
        Home { lease, place: AtomicU64::new(Place::At { seat, entry }.into_word()) }
    }

    /// The home of a task that a worker will enter into its own registry, when it arrives there: a registry into which one
    /// thread enters tasks and from which another removes them costs both more than all else that they do. Only if the
    /// [`Newcomers`](crate::newcomers::Newcomers) are closed, the home [is nowhere](Home::is_nowhere).
    pub(crate) fn abroad(lease: Lease, location: &'static Location<'static>) -> Home {
        let place = if lease.newcomers.enter() {
            Place::Abroad(location)
        } else {
            lease.newcomers_gone(1);
            Place::At { seat: 0, entry: NOWHERE }
        };
        Home { lease, place: AtomicU64::new(place.into_word()) }
    }

    /// The task must not run: the runtime is closing.
    pub(crate) fn is_nowhere(&self) -> bool {
        matches!(self.place(), Place::At { entry: NOWHERE, .. })
    }

    #[inline]
    fn place(&self) -> Place {
        Place::from_word(self.place.load(Ordering::Relaxed))
    }
}

#[inline]
fn registry(lease: &Lease, seat: u32, flag: u32) -> &Registry {
    let seat = &lease.seats[seat as usize];
    if flag & LOCAL != 0 { &seat.locals } else { &seat.tasks }
}

// SAFETY: a worker's scheduler stays while it works, and otherwise `schedule` clones the lease before it passes the task on.
#[expect(unsafe_code, reason = "the promise of a scheduler")]
unsafe impl Schedule for Home {
    #[inline]
    fn schedule(&self, task: Runnable, cause: Cause) {
        let Place::At { seat, .. } = self.place() else {
            unreachable!("a task that has not arrived has not been polled, and nobody submits it")
        };
        let elsewhere = worker::with_current(|worker| match worker {
            Some(worker)
                if self.lease.is_of(worker.scheduler)
                    && (!task.is_local() || worker.seat.index == seat as usize) =>
            {
                worker.push(task, cause);
                None
            }
            _ => Some(task),
        });
        if let Some(task) = elsewhere {
            // Once the task is passed on, it can end, and its lease with it; we still have somebody to wake.
            let lease = self.lease.clone();
            lease.deliver(task, seat as usize);
        }
    }

    fn arrive(&self, task: TaskRef<'_>) -> Arrival {
        let Place::Abroad(location) = self.place() else { return Arrival::Known };
        let seat = worker::with_current(|worker| {
            worker.expect("tasks arrive where a worker takes them").home.index as u32
        });
        match registry(&self.lease, seat, 0).insert(task, location, None) {
            Some(entry) => {
                self.place.store(Place::At { seat, entry }.into_word(), Ordering::Relaxed);
                Arrival::New
            }
            None => Arrival::Refused,
        }
    }

    fn release(&self) {
        match self.place() {
            Place::Abroad(_) => {
                self.lease.newcomers.drop_one();
                self.lease.newcomers_gone(1);
            }
            Place::At { entry: NOWHERE, .. } => {}
            Place::At { seat, entry } => {
                if registry(&self.lease, seat, entry).remove(entry & !LOCAL) {
                    self.lease.last_task_gone();
                }
            }
        }
    }

    fn describe(&self) -> TaskInfo {
        match self.place() {
            Place::Abroad(location) => TaskInfo::new(None, location),
            Place::At { entry: NOWHERE, .. } => TaskInfo::new(None, Location::caller()),
            Place::At { seat, entry } => {
                registry(&self.lease, seat, entry).describe(entry & !LOCAL)
            }
        }
    }

    fn unobserved(&self, panic: &JoinError) {
        misuse::say(format_args!("{panic}; nobody joined it"));
    }
}
