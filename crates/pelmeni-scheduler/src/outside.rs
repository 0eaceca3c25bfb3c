//! The way in for what comes from threads that are no workers: tasks that they wake or spawn.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::thread;

use pelmeni_core::{Runnable, thread_state};

use crate::scheduler::Scheduler;

thread_state! {
    /// Differs between threads; zero until it is asked for.
    static NUMBER: Cell<u64> = Cell::new(0)
}

impl Scheduler {
    /// Takes a task that became ready on a thread that is none of our workers, or not the right one.
    pub(crate) fn deliver(&self, task: Runnable, seat: usize) {
        if task.is_local() {
            self.seats[seat].pinned.push(task);
            self.unpark(seat);
        } else if self.seats[seat].inbox.push(task) {
            // Only the first one rings; whoever comes for it takes all.
            self.ring(seat);
        }
    }

    /// Has somebody come for what was put into an empty inbox.
    pub(crate) fn ring(&self, seat: usize) {
        if self.is_single() { self.unpark(seat) } else { self.notify(seat) }
    }

    /// Where a thread from outside sends its tasks: always to the same seat, different threads to different ones.
    pub(crate) fn seat_for_outsider(&self) -> usize {
        let number = NUMBER.with(|number| {
            if number.get() == 0 {
                let mut hasher = DefaultHasher::new();
                thread::current().id().hash(&mut hasher);
                number.set(hasher.finish() | 1 << 63);
            }
            number.get()
        });
        number as usize % self.threads
    }
}
