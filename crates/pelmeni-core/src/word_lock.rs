//! A word that anyone may read, and one bit of it that is the lock of the word and of what lies beside it: [`WordLock`].
//!
//! ```text
//!             1 lock_if: one exchange
//!   word ────────────────────────────────► word | TAKEN
//!     ▲                                        │
//!     └────────────────────────────────────────┘
//!             2 the guard ends: one store, of the same word or of another one
//! ```
//!
//! A word that is changed together with what it speaks of would otherwise need an exchange for itself and another for the
//! lock. Here taking the lock is the only exchange. While the bit is set nobody but the holder writes the word, so that
//! the new word and the end of the lock are one plain store.
//!
//! The word can be read at any time. Who reads it while the lock is held sees what it was before.
//!
//! Who finds the lock taken spins, as with a [`Spin`](crate::primitive::Spin): it is held for a few instructions, and nobody
//! else's code runs meanwhile.
//!
//! Orderings: the exchange is Acquire and the store Release, paired with each other; reading is Acquire, so that what was
//! done before a word was written is visible to whoever acts upon it.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::primitive::atomic::{AtomicU64, Ordering};
use crate::primitive::{UnsafeCell, seeded, spin_loop, yield_now};

/// The lock is held. Set by the exchange that takes it; cleared by the store that ends it. Never part of the word that is
/// read or written.
pub const TAKEN: u64 = 1;

/// How often to look before another thread gets the core.
const LOOKS: u32 = 64;

/// A word of 63 bits, and a value behind a lock that is its 64th, the lowest.
pub struct WordLock<T> {
    word: AtomicU64,
    value: UnsafeCell<T>,
}

// SAFETY: as for any lock: the value goes from thread to thread, one at a time.
unsafe impl<T: Send> Sync for WordLock<T> {}

/// The right to the value, and to write the word. It stays on its thread.
pub struct WordGuard<'a, T> {
    lock: &'a WordLock<T>,
    /// What the word will be when this ends.
    word: u64,
    _here: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives away the word and shared references to the value, and nothing else.
unsafe impl<T: Sync> Sync for WordGuard<'_, T> {}

impl<T> WordLock<T> {
    /// Puts a value behind a word, whose lowest bit is clear.
    pub fn new(word: u64, value: T) -> WordLock<T> {
        debug_assert_eq!(word & TAKEN, 0, "the lowest bit is the lock's");
        WordLock { word: AtomicU64::new(word), value: UnsafeCell::new(value) }
    }

    /// The word as it is, or as it was when the lock was taken.
    #[inline]
    pub fn look(&self) -> u64 {
        // Acquire: pairs with the Release of the guard's end.
        self.word.load(Ordering::Acquire) & !TAKEN
    }

    /// Takes the lock, as soon as it is free, if `may` agrees to the word as it is then.
    ///
    /// # Errors
    /// The word to which `may` did not agree. That costs no exchange.
    #[inline]
    #[cfg_attr(pelmeni_count, track_caller)]
    pub fn lock_if(&self, may: impl Fn(u64) -> bool) -> Result<WordGuard<'_, T>, u64> {
        let mut looks = 0;
        loop {
            // Acquire: as in look; the word that forbids is acted upon.
            let word = self.word.load(Ordering::Acquire);
            if !may(word & !TAKEN) {
                return Err(word & !TAKEN);
            }
            // Acquire: pairs with the Release of the guard's end. Looking before taking leaves the line with its holder.
            let take = || {
                let taken = word | TAKEN;
                self.word.compare_exchange(word, taken, Ordering::Acquire, Ordering::Relaxed)
            };
            if word & TAKEN == 0 && take().is_ok() {
                return Ok(WordGuard { lock: self, word, _here: PhantomData });
            }
            looks += 1;
            wait_a_little(looks);
        }
    }
}

/// What whoever waits for a lock does between two looks, by the number of those so far.
#[cold]
pub(crate) fn wait_a_little(looks: u32) {
    if looks.is_multiple_of(LOOKS) {
        yield_now();
    } else {
        spin_loop();
    }
}

impl<T> WordGuard<'_, T> {
    /// The word that is left when this ends: the one that was found, or the last one that was written.
    #[inline]
    pub fn word(&self) -> u64 {
        self.word
    }

    /// Has another word be left, whose lowest bit is clear.
    #[inline]
    pub fn write(&mut self, word: u64) {
        debug_assert_eq!(word & TAKEN, 0, "the lowest bit is the lock's");
        self.word = word;
    }
}

impl<T> Deref for WordGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one until it is dropped.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for WordGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one until it is dropped.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for WordGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in lock_if and in look.
        let order = if seeded(223) { Ordering::Relaxed } else { Ordering::Release };
        self.lock.word.store(self.word, order);
    }
}

impl<T> fmt::Debug for WordLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WordLock").field(&self.look()).finish()
    }
}

impl<T> fmt::Debug for WordGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WordGuard").field(&self.word).finish()
    }
}

#[cfg(all(test, not(all(loom, feature = "loom"))))]
mod tests {
    use super::WordLock;

    #[test]
    fn word_is_what_it_was_while_the_lock_is_held() {
        let lock = WordLock::new(2, 'a');
        let mut guard = lock.lock_if(|word| word == 2).expect("the word is 2");
        guard.write(4);
        *guard = 'b';
        assert_eq!((guard.word(), lock.look()), (4, 2));
        drop(guard);
        assert_eq!(lock.look(), 4);
        assert_eq!(*lock.lock_if(|_| true).expect("any word will do"), 'b');
    }

    #[test]
    fn word_that_forbids_is_told_also_while_the_lock_is_held() {
        let lock = WordLock::new(2, ());
        assert_eq!(lock.lock_if(|word| word != 2).err(), Some(2));
        let guard = lock.lock_if(|_| true).expect("any word will do");
        assert_eq!(lock.lock_if(|word| word != 2).err(), Some(2));
        drop(guard);
        assert_eq!(lock.look(), 2, "a hold that writes nothing leaves the word");
    }

    #[test]
    fn holders_come_one_after_the_other() {
        const EACH: u64 = 20_000;
        let lock = WordLock::new(0, 0);
        let count = || {
            for _ in 0..EACH {
                let mut guard = lock.lock_if(|_| true).expect("any word will do");
                *guard += 1;
                let word = guard.word() + 2;
                guard.write(word);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(count);
            scope.spawn(count);
        });
        assert_eq!(lock.look(), 4 * EACH);
        assert_eq!(*lock.lock_if(|_| true).expect("any word will do"), 2 * EACH);
    }
}
