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

/// Std's atomics, counted, as far as pelmeni uses them.
pub mod atomic {
    use std::fmt;
    use std::panic::Location;
    use std::sync::atomic;

    pub use std::sync::atomic::Ordering;

    use super::{Counts, THREAD, Write, record};

    /// `AtomicBool`
    pub type AtomicBool = Atomic<bool>;
    /// `AtomicI64`
    pub type AtomicI64 = Atomic<i64>;
    /// `AtomicPtr`
    pub type AtomicPtr<T> = Atomic<*mut T>;
    /// `AtomicU8`
    pub type AtomicU8 = Atomic<u8>;
    /// `AtomicU16`
    pub type AtomicU16 = Atomic<u16>;
    /// `AtomicU32`
    pub type AtomicU32 = Atomic<u32>;
    /// `AtomicU64`
    pub type AtomicU64 = Atomic<u64>;
    /// `AtomicUsize`
    pub type AtomicUsize = Atomic<usize>;

    /// One of std's atomics. It has its size, so that what shares a line with what stays as it is.
    pub struct Atomic<T: Word>(T::Atomic);

    /// What an atomic can hold: std's atomics have no trait in common.
    pub trait Word: Copy + fmt::Debug {
        /// Std's.
        type Atomic: Sync + Send;
        /// Puts a value into an atomic.
        fn new(value: Self) -> Self::Atomic;
        /// As std's.
        fn load(atomic: &Self::Atomic, order: Ordering) -> Self;
        /// As std's.
        fn store(atomic: &Self::Atomic, value: Self, order: Ordering);
        /// As std's.
        fn swap(atomic: &Self::Atomic, value: Self, order: Ordering) -> Self;
        /// As std's.
        fn exchange(
            atomic: &Self::Atomic,
            from: Self,
            to: Self,
            set: Ordering,
            fetch: Ordering,
        ) -> Result<Self, Self>;
    }

    macro_rules! word {
        ($value:ty, $atomic:ty $(, $parameter:ident)?) => {
            impl$(<$parameter>)? Word for $value {
                type Atomic = $atomic;
                fn new(value: Self) -> $atomic {
                    <$atomic>::new(value)
                }
                fn load(atomic: &$atomic, order: Ordering) -> Self {
                    atomic.load(order)
                }
                fn store(atomic: &$atomic, value: Self, order: Ordering) {
                    atomic.store(value, order);
                }
                fn swap(atomic: &$atomic, value: Self, order: Ordering) -> Self {
                    atomic.swap(value, order)
                }
                fn exchange(
                    atomic: &$atomic,
                    from: Self,
                    to: Self,
                    set: Ordering,
                    fetch: Ordering,
                ) -> Result<Self, Self> {
                    atomic.compare_exchange(from, to, set, fetch)
                }
            }

            impl$(<$parameter>)? Atomic<$value> {
                /// Puts a value into an atomic.
                pub const fn new(value: $value) -> Self {
                    Atomic(<$atomic>::new(value))
                }
            }
        };
    }

    word!(bool, atomic::AtomicBool);
    word!(i64, atomic::AtomicI64);
    word!(u8, atomic::AtomicU8);
    word!(u16, atomic::AtomicU16);
    word!(u32, atomic::AtomicU32);
    word!(u64, atomic::AtomicU64);
    word!(usize, atomic::AtomicUsize);
    word!(*mut T, atomic::AtomicPtr<T>, T);

    impl<T: Word> Atomic<T> {
        #[track_caller]
        fn record(&self, write: Write) {
            record(write, std::ptr::from_ref(&self.0).addr());
        }

        /// As std's.
        pub fn load(&self, order: Ordering) -> T {
            T::load(&self.0, order)
        }

        /// As std's.
        #[track_caller]
        pub fn store(&self, value: T, order: Ordering) {
            self.record(Write::Store);
            T::store(&self.0, value, order);
        }

        /// As std's.
        #[track_caller]
        pub fn swap(&self, value: T, order: Ordering) -> T {
            self.record(Write::Exchange);
            T::swap(&self.0, value, order)
        }

        /// As std's.
        ///
        /// # Errors
        /// It holds something else.
        #[track_caller]
        pub fn compare_exchange(
            &self,
            from: T,
            to: T,
            set: Ordering,
            fetch: Ordering,
        ) -> Result<T, T> {
            self.record(Write::Exchange);
            T::exchange(&self.0, from, to, set, fetch)
        }

        /// As std's.
        ///
        /// # Errors
        /// It holds something else.
        #[track_caller]
        pub fn compare_exchange_weak(
            &self,
            from: T,
            to: T,
            set: Ordering,
            fetch: Ordering,
        ) -> Result<T, T> {
            self.compare_exchange(from, to, set, fetch)
        }

        /// As std's: a load, and an exchange for each attempt.
        ///
        /// # Errors
        /// There is no next value.
        #[track_caller]
        pub fn fetch_update(
            &self,
            set: Ordering,
            fetch: Ordering,
            mut next: impl FnMut(T) -> Option<T>,
        ) -> Result<T, T> {
            let mut now = self.load(fetch);
            while let Some(next) = next(now) {
                match self.compare_exchange(now, next, set, fetch) {
                    Ok(before) => return Ok(before),
                    Err(other) => now = other,
                }
            }
            Err(now)
        }

        /// What the processor does in one step, and is counted as one.
        #[track_caller]
        fn step(&self, order: Ordering, next: impl Fn(T) -> T) -> T {
            self.record(Write::Exchange);
            let mut now = T::load(&self.0, Ordering::Relaxed);
            loop {
                match T::exchange(&self.0, now, next(now), order, Ordering::Relaxed) {
                    Ok(before) => return before,
                    Err(other) => now = other,
                }
            }
        }
    }

    macro_rules! steps {
        ($value:ty: $($name:ident($with:ident) $next:expr;)*) => {
            impl Atomic<$value> {
                $(
                    /// As std's.
                    #[track_caller]
                    pub fn $name(&self, $with: $value, order: Ordering) -> $value {
                        self.step(order, $next)
                    }
                )*
            }
        };
    }

    steps! { i64:
        fetch_add(more) |now| now.wrapping_add(more);
    }

    steps! { u8:
        fetch_and(bits) |now| now & bits;
        fetch_or(bits) |now| now | bits;
    }

    steps! { u64:
        fetch_add(more) |now| now.wrapping_add(more);
        fetch_sub(less) |now| now.wrapping_sub(less);
        fetch_and(bits) |now| now & bits;
        fetch_or(bits) |now| now | bits;
    }

    steps! { usize:
        fetch_add(more) |now| now.wrapping_add(more);
        fetch_sub(less) |now| now.wrapping_sub(less);
        fetch_max(other) |now| now.max(other);
    }

    impl<T: Word + Default> Default for Atomic<T> {
        fn default() -> Self {
            Atomic(T::new(T::default()))
        }
    }

    impl<T: Word> fmt::Debug for Atomic<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.load(Ordering::Relaxed).fmt(f)
        }
    }

    /// As std's.
    #[track_caller]
    pub fn fence(order: Ordering) {
        if order == Ordering::SeqCst {
            let place = Location::caller();
            let counts = Counts { fences: 1, ..Counts::default() };
            let _ = THREAD.try_with(|thread| thread.count(place, counts));
        }
        atomic::fence(order);
    }
}
