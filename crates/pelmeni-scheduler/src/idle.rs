//! Who sleeps and who searches: how work finds a worker, and a worker finds out that there is none.
//!
//! ```text
//!             runs out of tasks                finds nothing                     picked by a notifier
//!   RUNNING ---------------------> SEARCHING ----------------> SLEEPING --------------------------------> SEARCHING
//!      ^         start_search (1)      |           sleep (2)      |   pick (4), then unpark
//!      |                               | found (3)                |
//!      +<------------------------------+                          | awake (5): woken by its own timer, the driver, ...
//!      +<---------------------------------------------------------+
//! ```
//! Two words: a bit for each sleeping worker, and the count of searchers. A notifier that clears a bit makes that worker a
//! searcher in the count *before* it wakes; a worker that wakes by itself clears its own bit, and learns from it
//! whether it was picked meanwhile. Nobody else touches a bit.
//!
//! # Three designs that were rejected
//! * *A list of sleepers under a lock.* Each park and each wake would take a lock that all share; and a second wake from
//!   elsewhere can enter a worker twice.
//! * *Wake a worker for every task.* A wake costs the waker about a microsecond and the woken thread about twenty, a task
//!   switch thirty nanoseconds. So work wakes somebody only when nobody searches; whoever finds work as the last
//!   searcher wakes the next. And what a worker itself will have done sooner than that wakes nobody: see
//!   [`cost`](crate::cost).
//! * *Spin for a while before every sleep.* On two cores it takes the time of whoever would bring the work. (For the end of a
//!   job that is about to come it is different: see [`errand`](crate::errand); and for events, if all others are asleep and
//!   it has paid before: see [`patience`](crate::patience).)
//!
//! # Nobody sleeps on work
//! Publishing and sleeping are the two sides of Dekker's protocol, with `fence(SeqCst)` between the steps:
//!
//! | who publishes | who goes to sleep | who stops searching |
//! |---|---|---|
//! | pushes the task | sets its bit, leaves the count | leaves the count |
//! | **fence** | **fence** | **fence** |
//! | reads the count, then the bits | reads every queue | reads every queue |
//!
//! (Who is [one too many](crate::room), and no searcher, reads the inboxes and the queues of who is stuck: others have an owner
//! who is awake.)
//!
//! Of two such threads at least one sees the other. If the publisher reads a count above zero, a searcher is there which
//! has yet to read the queues. A publisher that reserved the count and then finds no bit leaves the count like a
//! searcher, and looks at the bits again: someone who pushed meanwhile may have relied on it. A worker that leaves the count
//! and then sees work resumes its search (5), for the same reason: it may have a task of its own to run first, or leave its
//! seat, and then passes the search on. (A worker that publishes in its own deque without this is awake, and goes through
//! the deque before it sleeps.)

use crossbeam_utils::CachePadded;
use pelmeni_core::primitive::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use pelmeni_core::primitive::seeded;

/// The sleepers and the searchers of one runtime.
#[derive(Debug)]
pub struct Idle {
    /// A bit for each worker that sleeps.
    sleeping: CachePadded<Box<[AtomicU64]>>,
    searchers: CachePadded<AtomicUsize>,
}

const WORD: usize = u64::BITS as usize;

impl Idle {
    /// Nobody sleeps or searches among this many workers.
    pub fn new(workers: usize) -> Idle {
        let words = (0..workers.div_ceil(WORD)).map(|_| AtomicU64::new(0)).collect();
        Idle { sleeping: CachePadded::new(words), searchers: CachePadded::new(AtomicUsize::new(0)) }
    }

    /// (1) A worker wants to search. False: half of the workers do already, and another would only be in their way.
    pub fn start_search(&self, workers: usize) -> bool {
        // Relaxed: a wrong answer costs a search too many or too few; sleep() looks at every queue in any case.
        if self.searchers.load(Ordering::Relaxed) * 2 >= workers {
            return false;
        }
        self.searchers.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// (3) A searcher has found a task. True: it was the last one; if there is more work, it must notify.
    ///
    /// # Panics
    /// If more stop searching than have started.
    #[must_use = "the last searcher passes the search on"]
    pub fn found(&self) -> bool {
        let before = self.searchers.fetch_sub(1, Ordering::Relaxed);
        assert!(before > 0, "a worker stopped searching that had not started");
        // Between leaving the count and reading the queues: pairs with the fence in pick.
        fence(Ordering::SeqCst);
        before == 1 && !seeded(7)
    }

    /// (2) A worker goes to sleep. It must look at every queue after this, and call [`awake`](Idle::awake) if it sees work.
    ///
    /// # Panics
    /// If the worker sleeps already.
    pub fn sleep(&self, worker: usize, searching: bool) {
        let before = self.word(worker).fetch_or(bit(worker), Ordering::Relaxed);
        assert!(before & bit(worker) == 0, "worker {worker} went to sleep twice");
        if searching {
            let before = self.searchers.fetch_sub(1, Ordering::Relaxed);
            assert!(before > 0, "a worker stopped searching that had not started");
        }
        // Between announcing the sleep and reading the queues: pairs with the fence in pick.
        if !seeded(108) {
            fence(Ordering::SeqCst);
        }
    }

    /// (5) A worker is awake again. True: it is a searcher, because it was picked, or because it resumes its search: it has
    /// seen work, whose publisher may rely on it.
    #[must_use = "a worker that was picked searches"]
    pub fn awake(&self, worker: usize, resumes: bool) -> bool {
        // Acquire: pairs with the Release in pick, so that what was published before is seen.
        let before = self.word(worker).fetch_and(!bit(worker), Ordering::Acquire);
        let was_picked = before & bit(worker) == 0 && !seeded(9);
        if resumes && !was_picked {
            self.searchers.fetch_add(1, Ordering::Relaxed);
        }
        was_picked || resumes
    }

    /// (4) Picks a sleeper for work that was just published; the caller unparks it. `None`: nobody sleeps, or somebody
    /// searches and will find the work.
    pub fn pick(&self, prefer: usize) -> Option<usize> {
        // Between publishing the work and reading who is there: pairs with the fences in sleep and found.
        if !seeded(107) {
            fence(Ordering::SeqCst);
        }
        while self.searchers.load(Ordering::Relaxed) == 0 && self.anyone_sleeps() {
            // One notifier at a time: the others rely on the searcher that this one makes.
            if self.searchers.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_err()
            {
                return None;
            }
            if let Some(worker) = self.take_sleeper(prefer) {
                return Some(worker);
            }
            self.searchers.fetch_sub(1, Ordering::Relaxed);
            // As in found: we leave the count like a searcher.
            fence(Ordering::SeqCst);
            if seeded(200) {
                return None;
            }
        }
        None
    }

    /// Says whether this worker sleeps. The answer may be old.
    pub fn is_asleep(&self, worker: usize) -> bool {
        self.word(worker).load(Ordering::Relaxed) & bit(worker) != 0
    }

    /// Says whether a worker sleeps. The answer may be old.
    pub fn anyone_sleeps(&self) -> bool {
        self.sleeping.iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// How many of the first so many workers are awake. The answer may be old.
    pub fn count_awake(&self, workers: usize) -> usize {
        (0..workers).filter(|worker| !self.is_asleep(*worker)).count()
    }

    /// A worker that sleeps and that `suits`, as far as one can say from outside.
    pub fn find_sleeper(&self, suits: impl Fn(usize) -> bool) -> Option<usize> {
        // Between giving up what a worker did not find free and looking whether it sleeps: pairs with the fence in sleep.
        if !seeded(249) {
            fence(Ordering::SeqCst);
        }
        self.first_sleeper(suits)
    }

    fn take_sleeper(&self, prefer: usize) -> Option<usize> {
        if self.take_bit(prefer) {
            return Some(prefer);
        }
        self.first_sleeper(|worker| self.take_bit(worker))
    }

    fn first_sleeper(&self, suits: impl Fn(usize) -> bool) -> Option<usize> {
        for (index, word) in self.sleeping.iter().enumerate() {
            let mut bits = word.load(Ordering::Relaxed);
            while bits != 0 {
                let worker = index * WORD + bits.trailing_zeros() as usize;
                if suits(worker) {
                    return Some(worker);
                }
                bits &= bits - 1;
            }
        }
        None
    }

    fn take_bit(&self, worker: usize) -> bool {
        let word = self.word(worker);
        self.is_asleep(worker)
            // Release: pairs with the Acquire in awake.
            && word.fetch_and(!bit(worker), Ordering::AcqRel) & bit(worker) != 0
    }

    fn word(&self, worker: usize) -> &AtomicU64 {
        &self.sleeping[worker / WORD]
    }
}

fn bit(worker: usize) -> u64 {
    1 << (worker % WORD)
}
