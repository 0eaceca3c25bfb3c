//! The tasks that threads from outside have spawned and no worker has seen: they are in an inbox or on their way there, and
//! in no registry.
//!
//! ```text
//!   enter: +1 ──> inbox ──> a worker enters it into its registry ──> leave: -1
//!     │ closed: -1, refused                   │ closed: dropped, -1
//! ```
//! Whoever closes the runtime waits until this count and then every registry are empty. Count and flag are one word, so a
//! thread that enters either is counted before the word is closed, or knows that it is. And a worker registers a task
//! before it takes it out of the count; so no task is in neither.

use pelmeni_core::list::Inbox;
use pelmeni_core::primitive::atomic::{AtomicU64, AtomicUsize, Ordering};
use pelmeni_core::primitive::seeded;
use pelmeni_core::{Arrival, Runnable};

use crate::scheduler::Scheduler;
use crate::worker::Worker;

/// How many there are, and whether more may come.
#[derive(Debug, Default)]
pub struct Newcomers {
    word: AtomicU64,
    /// Those that ended before they arrived, or because they did.
    dropped: AtomicUsize,
}

const CLOSED: u64 = 1 << 63;

impl Newcomers {
    /// A task sets out. False: it must not, and [leaves](Newcomers::leave) again.
    #[must_use = "a task that is refused must not set out"]
    pub fn enter(&self) -> bool {
        // Relaxed: whoever closes concludes nothing from it but that there is somebody to wait for.
        let is_open = self.word.fetch_add(1, Ordering::Relaxed) & CLOSED == 0;
        is_open || seeded(240)
    }

    /// So many are registered, have ended, or were refused. True: they were the last, and no more may come.
    #[must_use = "somebody may wait for the last"]
    pub fn leave(&self, tasks: u64) -> bool {
        // Release: pairs with the Acquire in count; whoever sees that they are gone sees them in their registries. Acquire:
        // pairs with the Release in close; who sees that flag sees the runtime closing.
        let order = if seeded(241) { Ordering::Acquire } else { Ordering::AcqRel };
        self.word.fetch_sub(tasks, order) == CLOSED + tasks
    }

    /// A task has ended that set out; it [leaves](Newcomers::leave) after this.
    pub(crate) fn drop_one(&self) {
        // Relaxed: whoever has seen that it left has seen this.
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have ended so.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Lets no more in.
    pub fn close(&self) {
        // Release: pairs with the Acquire in leave.
        let order = if seeded(242) { Ordering::Relaxed } else { Ordering::Release };
        self.word.fetch_or(CLOSED, order);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        (self.word.load(Ordering::Acquire) & !CLOSED) as usize
    }
}

impl Scheduler {
    /// So many newcomers are none any more.
    pub(crate) fn newcomers_gone(&self, tasks: u64) {
        if self.newcomers.leave(tasks) {
            self.last_task_gone();
        }
    }
}

impl Worker<'_> {
    /// Empties an inbox: each task in it has arrived here.
    pub(crate) fn receive(&self, inbox: &Inbox, mut take: impl FnMut(Runnable)) {
        let mut new = 0;
        for task in inbox.take_all() {
            match task.arrive() {
                Arrival::Known => {}
                Arrival::New => new += 1,
                Arrival::Refused => continue,
            }
            take(task);
        }
        if new > 0 {
            self.scheduler.newcomers_gone(new);
        }
    }
}
