//! The building blocks that loom can replace: atomics, cells, locks, threads, allocation.
//!
//! This is the only file that names loom. Two twins of one shape follow; the rest of pelmeni is written once, against
//! their common face. Loom is chosen by `cfg(all(loom, feature = "loom"))` and never by `cfg(loom)` alone, so that a
//! program which model-checks itself can depend on pelmeni without losing it.
//!
//! [`seeded`] is how a model proves that it can fail: the environment variable `PELMENI_MUTANT=n` switches on one
//! deliberate bug, in builds for loom only. Elsewhere it is the constant `false` and costs nothing.
//!
//! With `--cfg pelmeni_count`, std's atomics are replaced by those of `count.rs`, which count what is done to them.
//!
//! Rejected: calling std's types directly and shadowing them with loom's by path tricks. Loom's cells and locks have a
//! different face (`with`, no poison), and code that hides this is wrong in one of its two builds.

pub use crate::word_lock::{TAKEN, WordGuard, WordLock};
pub use imp::*;

#[cfg(not(all(loom, feature = "loom")))]
mod imp {
    use std::sync::PoisonError;
    use std::time::Duration;

    pub use std::hint::spin_loop;
    #[cfg(not(pelmeni_count))]
    pub use std::sync::atomic;
    pub use std::sync::{Arc, MutexGuard};

    #[cfg(pelmeni_count)]
    pub use crate::count::atomic;
    #[cfg(pelmeni_count)]
    use crate::count::{exchange as count_exchange, lock as count_lock};
    pub use crate::spin::{Spin, SpinGuard};
    pub use std::thread::yield_now;

    /// Declares a thread-local without destructor, so that reading it never fails, not even while the thread ends.
    #[macro_export]
    #[doc(hidden)]
    macro_rules! thread_state {
        ($(#[$doc:meta])* $vis:vis static $name:ident: $type:ty = $init:expr) => {
            std::thread_local! { $(#[$doc])* $vis static $name: $type = const { $init }; }
        };
    }

    /// Counts how std's lock is taken and given back: not at all, here.
    #[cfg(not(pelmeni_count))]
    #[inline(always)]
    const fn count_lock<T>(_lock: &T) {}

    /// Counts one read-modify-write of std's: not at all, here.
    #[cfg(not(pelmeni_count))]
    #[inline(always)]
    const fn count_exchange<T>(_at: &T) {}

    /// Memory blocks whose leak a model would see.
    pub mod alloc {
        pub use crate::magazine::{alloc, dealloc};
        pub use std::alloc::Layout;
    }

    /// A deliberate bug is switched on: never, outside loom.
    #[inline(always)]
    pub const fn seeded(_mutant: u16) -> bool {
        false
    }

    /// `std::cell::UnsafeCell` with loom's face: the pointer is handed to a closure.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// Puts a value into a cell.
        pub const fn new(value: T) -> Self {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        /// Shows the value for reading.
        #[inline(always)]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Shows the value for writing.
        #[inline(always)]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// A lock that does not poison: no user code runs under any of pelmeni's locks, so none is left half-written.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// Puts a value behind a lock.
        pub const fn new(value: T) -> Self {
            Mutex(std::sync::Mutex::new(value))
        }

        /// Blocks the thread until the lock is free, then takes it.
        #[inline]
        #[cfg_attr(pelmeni_count, track_caller)]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            count_lock(&self.0);
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// A lock that nobody waits for: who does not get it does something else.
    #[derive(Debug, Default)]
    pub struct TryLock<T>(Spin<T>);

    /// The lock is held.
    pub type TryLockGuard<'a, T> = SpinGuard<'a, T>;

    impl<T> TryLock<T> {
        /// Puts a value behind a lock.
        pub const fn new(value: T) -> Self {
            TryLock(Spin::new(value))
        }

        /// Takes the lock if it is free now.
        #[inline]
        #[cfg_attr(pelmeni_count, track_caller)]
        pub fn try_lock(&self) -> Option<TryLockGuard<'_, T>> {
            self.0.try_lock()
        }
    }

    /// Where threads wait for a condition on what a [`Mutex`] holds. Waits can end for no reason.
    #[derive(Debug, Default)]
    pub struct Condvar(std::sync::Condvar);

    impl Condvar {
        /// A condition that nobody waits for.
        pub const fn new() -> Self {
            Condvar(std::sync::Condvar::new())
        }

        /// Releases the lock and waits to be notified; takes the lock again.
        #[cfg_attr(pelmeni_count, track_caller)]
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            count_lock(&self.0);
            self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
        }

        /// As [`wait`](Condvar::wait), for at most `timeout`.
        #[cfg_attr(pelmeni_count, track_caller)]
        pub fn wait_timeout<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            timeout: Duration,
        ) -> MutexGuard<'a, T> {
            count_lock(&self.0);
            self.0.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
        }

        /// Ends one wait.
        #[cfg_attr(pelmeni_count, track_caller)]
        pub fn notify_one(&self) {
            count_exchange(&self.0);
            self.0.notify_one();
        }

        /// Ends every wait.
        #[cfg_attr(pelmeni_count, track_caller)]
        pub fn notify_all(&self) {
            count_exchange(&self.0);
            self.0.notify_all();
        }
    }
}

#[cfg(all(loom, feature = "loom"))]
#[allow(missing_docs, reason = "the other twin has the documentation")]
mod imp {
    use std::sync::OnceLock;
    use std::time::Duration;

    pub use self::Mutex as Spin;
    pub use loom::cell::UnsafeCell;
    pub use loom::hint::spin_loop;
    /// To loom one lock is like another.
    pub use loom::sync::MutexGuard as SpinGuard;
    pub use loom::sync::{Arc, MutexGuard};
    pub use loom::thread::yield_now;

    #[doc(hidden)]
    pub use loom;

    #[macro_export]
    #[doc(hidden)]
    macro_rules! thread_state {
        ($(#[$doc:meta])* $vis:vis static $name:ident: $type:ty = $init:expr) => {
            $crate::primitive::loom::thread_local! { $(#[$doc])* $vis static $name: $type = $init; }
        };
    }

    #[expect(unsafe_code, reason = "the allocator's contract is passed on to the caller")]
    pub mod alloc {
        pub use std::alloc::Layout;

        /// # Safety
        /// As in the other twin.
        pub unsafe fn alloc(layout: Layout) -> *mut u8 {
            // SAFETY: the caller vouches for the size.
            unsafe { loom::alloc::alloc(layout) }
        }

        /// # Safety
        /// As in the other twin.
        pub unsafe fn dealloc(block: *mut u8, layout: Layout) {
            // SAFETY: the caller vouches for origin and layout.
            unsafe { loom::alloc::dealloc(block, layout) }
        }
    }

    pub fn seeded(mutant: u16) -> bool {
        static CHOSEN: OnceLock<u16> = OnceLock::new();
        let chosen = CHOSEN.get_or_init(|| match std::env::var("PELMENI_MUTANT") {
            Ok(number) => number.parse().expect("PELMENI_MUTANT is the number of a mutant"),
            Err(_) => 0,
        });
        *chosen == mutant
    }

    pub mod atomic {
        pub use loom::sync::atomic::{Ordering, fence};

        pub type AtomicBool = Atomic<loom::sync::atomic::AtomicBool>;
        pub type AtomicI64 = Atomic<loom::sync::atomic::AtomicI64>;
        pub type AtomicPtr<T> = Atomic<loom::sync::atomic::AtomicPtr<T>>;
        pub type AtomicU8 = Atomic<loom::sync::atomic::AtomicU8>;
        pub type AtomicU16 = Atomic<loom::sync::atomic::AtomicU16>;
        pub type AtomicU32 = Atomic<loom::sync::atomic::AtomicU32>;
        pub type AtomicU64 = Atomic<loom::sync::atomic::AtomicU64>;
        pub type AtomicUsize = Atomic<loom::sync::atomic::AtomicUsize>;

        /// One of loom's atomics, made whole.
        ///
        /// Loom decides which schedules differ by the last access to an atomic, and remembers one only: a thread that loads
        /// and then exchanges hides from itself the load that another one did before, and the schedules in which that load
        /// comes later are never run (loom's issues 166 and 392; every loop of load and exchange is hit). So each access
        /// first rings a bell that nobody hears. Loom takes all rings of one bell to depend on each other, and they
        /// synchronise nothing, so memory stays as weak as it was.
        #[derive(Debug, Default)]
        pub struct Atomic<A> {
            turn: loom::sync::Condvar,
            atomic: A,
        }

        impl<A> Atomic<A> {
            #[track_caller]
            pub fn new<T>(value: T) -> Self
            where
                A: From<T>,
            {
                Atomic { turn: loom::sync::Condvar::new(), atomic: A::from(value) }
            }
        }

        impl Atomic<loom::sync::atomic::AtomicU64> {
            /// A load and exchanges: each of them rings.
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut update: impl FnMut(u64) -> Option<u64>,
            ) -> Result<u64, u64> {
                (**self).fetch_update(set, fetch, |now| {
                    let next = update(now);
                    self.turn.notify_one();
                    next
                })
            }
        }

        impl Atomic<loom::sync::atomic::AtomicUsize> {
            /// A load and exchanges: each of them rings.
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut update: impl FnMut(usize) -> Option<usize>,
            ) -> Result<usize, usize> {
                (**self).fetch_update(set, fetch, |now| {
                    let next = update(now);
                    self.turn.notify_one();
                    next
                })
            }
        }

        /// Every other access to the atomic comes through here.
        impl<A> std::ops::Deref for Atomic<A> {
            type Target = A;

            #[track_caller]
            fn deref(&self) -> &A {
                self.turn.notify_one();
                &self.atomic
            }
        }
    }

    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        #[track_caller]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("loom's locks do not poison")
        }

        #[track_caller]
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }

    /// Not loom's `try_lock`: a thread that is about to call that is put to sleep while another one has the lock, as if it
    /// had called `lock`.
    #[derive(Debug, Default)]
    pub struct TryLock<T> {
        held: atomic::AtomicBool,
        value: Mutex<T>,
    }

    #[derive(Debug)]
    pub struct TryLockGuard<'a, T> {
        held: &'a atomic::AtomicBool,
        value: Option<MutexGuard<'a, T>>,
    }

    impl<T> TryLock<T> {
        pub fn new(value: T) -> Self {
            TryLock { held: atomic::AtomicBool::new(false), value: Mutex::new(value) }
        }

        pub fn try_lock(&self) -> Option<TryLockGuard<'_, T>> {
            use atomic::Ordering::{Acquire, Relaxed};
            // An exchange that may fail, and an end that is a swap: loom would let a store come before a swap that has read
            // what was there before it. Acquire: pairs with the Release of the guard's end.
            self.held.compare_exchange(false, true, Acquire, Relaxed).ok()?;
            Some(TryLockGuard { held: &self.held, value: Some(self.value.lock()) })
        }
    }

    impl<T> std::ops::Deref for TryLockGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.value.as_ref().expect("the lock is held")
        }
    }

    impl<T> std::ops::DerefMut for TryLockGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.value.as_mut().expect("the lock is held")
        }
    }

    impl<T> Drop for TryLockGuard<'_, T> {
        fn drop(&mut self) {
            self.value = None;
            // Release: pairs with the Acquire in try_lock.
            self.held.swap(false, atomic::Ordering::Release);
        }
    }

    #[derive(Debug, Default)]
    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub fn new() -> Self {
            Condvar(loom::sync::Condvar::new())
        }

        #[track_caller]
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).expect("loom's locks do not poison")
        }

        /// Loom has no clock: the wait does not end by itself, and what depends on that shows as a deadlock.
        #[track_caller]
        pub fn wait_timeout<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            _timeout: Duration,
        ) -> MutexGuard<'a, T> {
            self.wait(guard)
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
