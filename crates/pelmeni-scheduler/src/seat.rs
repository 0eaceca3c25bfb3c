//! Where a worker sits: all that others may reach of it, and that stays when its thread goes.
//!
//! A thread that takes a seat takes its deque out ([`owner`](Seat::owner)); everything else is reached from everywhere.

use crossbeam_utils::CachePadded;
use pelmeni_core::list::{Inbox, Slot};
use pelmeni_core::park::Parker;
use pelmeni_core::primitive::{Mutex, seeded};

use crate::counters::Counters;
use crate::drive::Wheel;
use crate::presence::Presence;
use crate::queue::{Deque, Thief};
use crate::registry::Registry;

/// One worker's place.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) index: usize,
    /// The owner's end of the deque, while nobody sits here.
    pub(crate) owner: Mutex<Option<Deque>>,
    pub(crate) thief: Thief,
    /// The task that runs next. Thieves take it last of what is here, and only if this worker is stuck.
    pub(crate) next: CachePadded<Slot>,
    /// Tasks from threads that are no workers.
    pub(crate) inbox: CachePadded<Inbox>,
    /// Tasks that only the thread which sits here may run.
    pub(crate) pinned: Inbox,
    pub(crate) parker: Parker,
    /// The tasks that were spawned here and may run anywhere.
    pub(crate) tasks: CachePadded<Registry>,
    /// The tasks that must stay here.
    pub(crate) locals: Registry,
    pub(crate) wheel: Wheel,
    pub(crate) counters: CachePadded<Counters>,
    /// On a line of its own: its thread writes to it at each poll, and whoever ends a task that moved writes to the registry.
    pub(crate) presence: CachePadded<Presence>,
}

impl Seat {
    pub(crate) fn new(index: usize) -> Seat {
        let deque = Deque::new();
        Seat {
            index,
            thief: deque.thief(),
            owner: Mutex::new(Some(deque)),
            next: CachePadded::default(),
            inbox: CachePadded::default(),
            pinned: Inbox::default(),
            parker: Parker::new(),
            tasks: CachePadded::default(),
            locals: Registry::default(),
            wheel: crate::drive::new_wheel(),
            counters: CachePadded::default(),
            presence: CachePadded::default(),
        }
    }

    /// Says whether its thread is stuck in a poll.
    pub(crate) fn is_stuck(&self) -> bool {
        self.presence.is_stuck_in(self.counters.polls.get())
    }

    /// Says whether there is a task here that another worker can take at any time.
    pub(crate) fn has_work(&self) -> bool {
        !self.thief.is_empty() || (!self.inbox.is_empty() && !seeded(206))
    }
}
