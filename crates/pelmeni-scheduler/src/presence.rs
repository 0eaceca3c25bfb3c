//! What the monitor and the thieves see of a seat's thread: whether it is there, and whether it is stuck.
//!
//! The answers are old when they come, and nothing follows from them but another look; so they are Relaxed. Only who comes
//! to a seat must see what who has left it did.

use pelmeni_core::primitive::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// How many seats are in use. Those for spares come last, and few runtimes ever need one; so nobody looks there for nothing.
#[derive(Debug)]
pub(crate) struct InUse(AtomicUsize);

impl InUse {
    pub(crate) fn new(seats: usize) -> InUse {
        InUse(AtomicUsize::new(seats))
    }

    /// A thread is about to come to this seat. Who publishes a task there has done this before, so that the fences of
    /// [`idle`](crate::idle) hold for it as well.
    pub(crate) fn include(&self, seat: usize) {
        self.0.fetch_max(seat + 1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Of one seat.
#[derive(Debug)]
pub(crate) struct Presence {
    /// A thread sits here, or is about to.
    occupied: AtomicBool,
    /// The number of the poll in which the monitor has found the thread stuck. It means nothing once that poll is over, so
    /// nobody needs to take it back.
    stuck: AtomicU64,
    /// [`ASLEEP`], or [`AWAKE`], or the address of the task that it polls or has polled last.
    doing: AtomicUsize,
    /// The number by which the system knows the thread.
    thread: AtomicUsize,
}

/// The thread sleeps, and cannot be stuck.
const ASLEEP: usize = 0;
/// The thread has polled nothing since it came or woke up.
const AWAKE: usize = 1;

impl Default for Presence {
    fn default() -> Self {
        // No thread comes to poll that number.
        Presence {
            occupied: AtomicBool::new(false),
            stuck: AtomicU64::new(u64::MAX),
            doing: AtomicUsize::new(ASLEEP),
            thread: AtomicUsize::new(0),
        }
    }
}

impl Presence {
    /// A thread comes. False: one is here, or about to come, already.
    pub(crate) fn enter(&self) -> bool {
        self.wake_up();
        // Acquire: pairs with the Release in leave.
        !self.occupied.swap(true, Ordering::Acquire)
    }

    /// This is the thread that comes.
    pub(crate) fn introduce(&self, thread: usize) {
        self.thread.store(thread, Ordering::Relaxed);
    }

    /// The number of the thread that is here; zero if none is.
    pub(crate) fn thread(&self) -> usize {
        self.thread.load(Ordering::Relaxed)
    }

    /// The thread has gone.
    pub(crate) fn leave(&self) {
        self.introduce(0);
        // Release: pairs with the Acquire in enter.
        self.occupied.store(false, Ordering::Release);
    }

    /// Says whether a thread is here.
    pub(crate) fn is_occupied(&self) -> bool {
        self.occupied.load(Ordering::Relaxed)
    }

    /// The thread begins to poll the task at this address.
    #[inline]
    pub(crate) fn poll(&self, task: usize) {
        self.doing.store(task, Ordering::Relaxed);
    }

    /// The thread goes to sleep.
    pub(crate) fn fall_asleep(&self) {
        self.doing.store(ASLEEP, Ordering::Relaxed);
    }

    /// The thread is awake again.
    pub(crate) fn wake_up(&self) {
        self.doing.store(AWAKE, Ordering::Relaxed);
    }

    /// Says whether a thread is here, or about to come, and does not sleep.
    pub(crate) fn is_at_work(&self) -> bool {
        self.is_occupied() && self.doing.load(Ordering::Relaxed) != ASLEEP
    }

    /// The address of the task that it polls or has polled last. Nobody may go there: the task may be gone.
    pub(crate) fn task(&self) -> Option<usize> {
        let doing = self.doing.load(Ordering::Relaxed);
        (doing != ASLEEP && doing != AWAKE).then_some(doing)
    }

    /// The thread has been in this poll for long.
    pub(crate) fn set_stuck_in(&self, poll: u64) {
        self.stuck.store(poll, Ordering::Relaxed);
    }

    /// Says whether the thread is stuck, if this is the poll that it is in.
    pub(crate) fn is_stuck_in(&self, poll: u64) -> bool {
        self.stuck.load(Ordering::Relaxed) == poll
    }
}
