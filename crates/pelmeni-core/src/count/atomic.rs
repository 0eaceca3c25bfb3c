//! Std's atomics, counted, as far as pelmeni uses them.

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
    pub fn compare_exchange(&self, from: T, to: T, set: Ordering, fetch: Ordering) -> Result<T, T> {
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
