//! Counts what atomics cost: the twin of std's atomics in builds with `--cfg pelmeni_count`, for `make writes`.
//!
//! Two things make an atomic dear. A **read-modify-write** waits for the line, whoever has it. A write to a **shared line**
//! takes that line from another core; where all cores write one, they work one after the other, and the more there are, the
//! worse. No machine with few cores shows the second by its clock, but on any machine it can be counted.
//!
//! A line is 64 bytes. It counts as shared from the moment when a second thread writes to it, until the next
//! [`window`]. So a program lets all threads do what it wants to measure for a while, and counts then; the numbers do not
//! depend on how the threads alternate. (Counting a write only if another thread wrote last would say 0 of a line that all
//! write, if each thread does all its work in one time slice.) Only threads that count anything are among these: the
//! monitor's writes come by the clock and not by the operation, some thousand in a second, however many cores there are.
//!
//! [`begin`] and [`end`] count on the calling thread, by the place in the source that asked for it. Not counted:
//! loads; plain writes to what a lock guards; what the standard library and the kernel do to put threads to sleep. A lock of
//! std's counts as two read-modify-writes, one to take and one to give back, at the place that takes it.
//!
//! Orderings here are Relaxed: each number is a thread's own, except for the table of lines, whose entries are complete in
//! themselves.

pub mod atomic;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::panic::Location;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// What a piece of code did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Read-modify-writes: swaps, exchanges (also those that fail), `fetch_add` and its kin.
    pub exchanges: u64,
    /// Writes of either kind, read-modify-writes and stores, to lines that another thread writes too.
    pub shared: u64,
    /// `fence(SeqCst)`, as dear as a read-modify-write, but of no line.
    pub fences: u64,
}

/// What was counted on one thread or on several, by file and line.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<(&'static str, u32), Counts>);

/// What is counted.
#[derive(Clone, Copy)]
enum Write {
    Store,
    Exchange,
}

struct Thread {
    /// A number above 0 that no other thread has; 0 before the first write.
    number: Cell<u32>,
    counting: Cell<bool>,
    /// It has counted, so its writes make lines shared.
    counts: Cell<bool>,
    tally: RefCell<Tally>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            number: Cell::new(0),
            counting: Cell::new(false),
            counts: Cell::new(false),
            tally: RefCell::new(Tally(BTreeMap::new())),
        }
    };
}

/// Who has written to which line: one entry for a line, in a place that its number gives.
///
/// ```text
///  63     30 bits    34 33  18 17   2    1        0
/// +--------------------+------+------+--------+------+
/// | line without its   |window|thread| shared |  set |
/// | last 11 bits       |      |      |        |      |
/// +--------------------+------+------+--------+------+
/// ```
/// The place tells the other bits of the line. Two lines that want one place forget each other, which makes the counts too
/// small; there are so many places that it does not happen to the few hundred lines of a measurement.
static LINES: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];
const PLACES: usize = 1 << 18;
const SET: u64 = 1 << 0;
const SHARED: u64 = 1 << 1;
const THREAD_SHIFT: u32 = 2;
const WINDOW_SHIFT: u32 = 18;
const LINE_SHIFT: u32 = 34;
const MASK: u64 = 0xffff;

static WINDOW: AtomicU32 = AtomicU32::new(0);
static THREADS: AtomicU32 = AtomicU32::new(0);

/// Forgets who has written where.
pub fn window() {
    WINDOW.fetch_add(1, Relaxed);
}

/// Counts from here on, what this thread does.
pub fn begin() {
    THREAD.with(|thread| {
        thread.counts.set(true);
        thread.counting.set(true);
        thread.tally.take(); // of a count that was not ended here
    });
}

/// Ends what [`begin`] began, and tells what was counted; `None` if that was on another thread, as the task has moved.
pub fn end() -> Option<Tally> {
    THREAD.with(|thread| thread.counting.take().then(|| thread.tally.take()))
}

impl Tally {
    /// The sum.
    pub fn total(&self) -> Counts {
        self.0.values().fold(Counts::default(), |mut sum, counts| {
            sum += *counts;
            sum
        })
    }

    /// Each place in the source that was counted, as file, line and what it did.
    pub fn places(&self) -> impl Iterator<Item = (&'static str, u32, Counts)> {
        self.0.iter().map(|((file, line), counts)| (*file, *line, *counts))
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.exchanges += more.exchanges;
        self.shared += more.shared;
        self.fences += more.fences;
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        for (place, counts) in more.0 {
            *self.0.entry(place).or_default() += counts;
        }
    }
}

/// Counts how a lock is taken and given back.
#[track_caller]
pub(crate) fn lock<T>(lock: &T) {
    exchange(lock);
    exchange(lock);
}

/// Counts one read-modify-write of something that is not one of our atomics.
#[track_caller]
pub(crate) fn exchange<T>(at: &T) {
    record(Write::Exchange, std::ptr::from_ref(at).addr());
}

#[track_caller]
fn record(write: Write, address: usize) {
    let place = Location::caller();
    // While a thread ends there is nowhere to count, and nobody who does.
    let _ = THREAD.try_with(|thread| {
        if !thread.counts.get() {
            return;
        }
        let shared = is_shared(address as u64 / 64, thread.number());
        let exchanges = u64::from(matches!(write, Write::Exchange));
        thread.count(place, Counts { exchanges, shared: u64::from(shared), fences: 0 });
    });
}

impl Thread {
    fn number(&self) -> u64 {
        if self.number.get() == 0 {
            self.number.set(THREADS.fetch_add(1, Relaxed) + 1);
        }
        u64::from(self.number.get())
    }

    fn count(&self, place: &'static Location<'static>, counts: Counts) {
        if self.counting.get() {
            *self.tally.borrow_mut().0.entry((place.file(), place.line())).or_default() += counts;
        }
    }
}

/// Notes that a thread writes to a line. The answer is whether another one has, too, in this window.
fn is_shared(line: u64, thread: u64) -> bool {
    let entry = &LINES[(line ^ line >> 18) as usize % PLACES];
    let window = u64::from(WINDOW.load(Relaxed)) & MASK;
    let line_and_window = (line >> 11) << LINE_SHIFT | window << WINDOW_SHIFT;
    let mine = line_and_window | (thread & MASK) << THREAD_SHIFT | SET;
    let next = |now: u64| {
        if now & SET == 0 || now >> WINDOW_SHIFT != line_and_window >> WINDOW_SHIFT {
            Some(mine) // the first write
        } else if now & !SHARED != mine {
            Some(now | SHARED)
        } else {
            Some(now)
        }
    };
    let before = entry.fetch_update(Relaxed, Relaxed, next).expect("it always has a successor");
    next(before).is_some_and(|now| now & SHARED != 0)
}
