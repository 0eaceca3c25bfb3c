//! A worker's queue: crossbeam's deque, first in, first out; under loom a locked list of the same shape.
//!
//! The owner pushes without a read-modify-write and pops with one; thieves take half, 32 at most. The deque grows, so there
//! is no overflow. `Steal::Retry` means that somebody else was faster, and **not** that there is nothing: a worker may only
//! sleep after `Empty` from every source.
//!
//! Source: David Chase and Yossi Lev, "Dynamic circular work-stealing deque", SPAA 2005, as crossbeam-deque has it.

pub use imp::*;

#[cfg(not(all(loom, feature = "loom")))]
mod imp {
    use std::fmt;

    pub use crossbeam_deque::Steal;
    #[cfg(not(pelmeni_count))]
    use crossbeam_deque::{Stealer, Worker};
    use pelmeni_core::Runnable;

    #[cfg(pelmeni_count)]
    use crate::queue_counted::{Stealer, Worker};

    /// The owner's end.
    pub struct Deque(Worker<Runnable>);

    /// The thieves' end.
    #[derive(Clone)]
    pub struct Thief(Stealer<Runnable>);

    #[expect(clippy::len_without_is_empty, reason = "nobody asks the owner's end")]
    impl Deque {
        /// An empty queue.
        #[expect(clippy::new_without_default, reason = "a queue is made on purpose")]
        pub fn new() -> Deque {
            Deque(Worker::new_fifo())
        }

        /// The end for thieves.
        pub fn thief(&self) -> Thief {
            Thief(self.0.stealer())
        }

        /// Adds a task.
        #[inline]
        pub fn push(&self, task: Runnable) {
            self.0.push(task);
        }

        /// Takes the oldest task.
        #[inline]
        pub fn pop(&self) -> Option<Runnable> {
            self.0.pop()
        }

        /// How many tasks there are.
        #[inline]
        pub fn len(&self) -> usize {
            self.0.len()
        }
    }

    impl Thief {
        /// Takes about half of the tasks: one is the answer, the others go into the thief's own deque.
        pub fn steal_into(&self, own: &Deque) -> Steal<Runnable> {
            // By itself it would pin an epoch to find that out.
            if self.0.is_empty() { Steal::Empty } else { self.0.steal_batch_and_pop(&own.0) }
        }

        /// Says whether there is none.
        pub fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        /// How many tasks there are.
        pub fn len(&self) -> usize {
            self.0.len()
        }
    }

    impl fmt::Debug for Deque {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Deque").field("len", &self.0.len()).finish()
        }
    }

    impl fmt::Debug for Thief {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Thief").field("len", &self.0.len()).finish()
        }
    }
}

#[cfg(all(loom, feature = "loom"))]
#[allow(missing_docs, reason = "the other twin has the documentation")]
mod imp {
    use std::collections::VecDeque;

    pub use crossbeam_deque::Steal;
    use pelmeni_core::Runnable;
    use pelmeni_core::primitive::{Arc, Mutex};

    #[derive(Debug)]
    pub struct Deque(Arc<Mutex<VecDeque<Runnable>>>);

    #[derive(Clone, Debug)]
    pub struct Thief(Arc<Mutex<VecDeque<Runnable>>>);

    #[expect(clippy::len_without_is_empty, reason = "nobody asks the owner's end")]
    impl Deque {
        /// An empty queue.
        #[expect(clippy::new_without_default, reason = "a queue is made on purpose")]
        pub fn new() -> Deque {
            Deque(Arc::new(Mutex::new(VecDeque::new())))
        }

        /// The end for thieves.
        pub fn thief(&self) -> Thief {
            Thief(self.0.clone())
        }

        pub fn push(&self, task: Runnable) {
            self.0.lock().push_back(task);
        }

        pub fn pop(&self) -> Option<Runnable> {
            self.0.lock().pop_front()
        }

        /// How many tasks there are.
        pub fn len(&self) -> usize {
            self.0.lock().len()
        }
    }

    impl Thief {
        /// Says `Retry` when the owner or another thief is at it, as the real one does after a lost race.
        pub fn steal_into(&self, own: &Deque) -> Steal<Runnable> {
            let Some(mut tasks) = self.0.try_lock() else {
                return Steal::Retry;
            };
            let Some(first) = tasks.pop_front() else {
                return Steal::Empty;
            };
            let half = tasks.len() / 2;
            let rest: Vec<_> = tasks.drain(..half).collect();
            drop(tasks);
            own.0.lock().extend(rest);
            Steal::Success(first)
        }

        /// Says whether there is none.
        pub fn is_empty(&self) -> bool {
            self.0.lock().is_empty()
        }

        /// How many tasks there are.
        pub fn len(&self) -> usize {
            self.0.lock().len()
        }
    }
}
