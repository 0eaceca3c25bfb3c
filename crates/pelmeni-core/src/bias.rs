//! What the one thread of a task counts by itself: a word without atomics beside the state word.
//!
//! All tasks of a runtime with one thread run on that thread, and nearly all their wakes come from there. So such a task has an
//! [`Owner`], and the thread that has entered that owner, which is *here*, counts wakes and references in a plain word of its
//! own. Other threads are *abroad*.
//!
//! ```text
//!                        the owner's word                   the state word
//!   here                 SCHEDULED, WOKEN, loans            what the word cannot hold; the end
//!   abroad               -                                  references; wakes > 0: a message is in an inbox
//!   a message comes      a wake                             its wakes are taken out
//! ```
//! B1. Whoever reads or writes the word has entered the owner, and one thread at a time has. (Of a new task, B5, it is
//! whoever has the message.)
//!
//! B2. Here, the right to poll is made by the step that sets `SCHEDULED`, and given up by the one that clears it, or by the
//! end of the task, which leaves it set: so no message schedules that task again.
//!
//! B3. Abroad, nobody makes the right to poll. The wake that finds none in the state word makes a *message*, which owns a
//! reference, travels as a [`Runnable`](crate::Runnable) does, and goes to an inbox, from where the owner takes it: only then
//! the next wake makes another one. So a task is in one inbox at most, and its link is the message's. Right and message can
//! exist at the same time.
//!
//! B4. The step that completes a task counts what the word has on loan. From then on all references are counted in the state
//! word.
//!
//! B5. A task that is made abroad is a message from its birth, one without a reference. Until its first wait ends that, wakes
//! and references are counted in the state word; the word says only that it has come here.
//!
//! An owner who leaves puts each task that is scheduled into an inbox, as a message to whoever comes next. If nobody will come,
//! the inbox is closed, and drops what is put in: a message that is dropped gives up its reference, and wakes nobody.
//!
//! The two read-modify-writes that a wake and the end of a poll take otherwise are 9 ns of the 60 that a task switch takes
//! with all that a program does for it (`compare --only ring`). The task needs no more memory for it: the word is two bytes that
//! its link does not need, and the owner is a number in the state word, which is read in any case. Tasks that have an owner have
//! wakers of another table, so that those of others do not ask.
//!
//! Source: biased reference counting, Jiho Choi, Thomas Shull, Josep Torrellas, PACT 2018.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::context::LOANS_MAX;
use crate::primitive::{UnsafeCell, seeded};
use crate::snapshot::{COMPLETE, NEWBORN, OWNER, OWNERS_MAX, Snapshot};
use crate::state::Finish;
use crate::thread_state;

/// To whom tasks belong that all run on one thread.
#[derive(Debug)]
pub struct Owner {
    /// In the place that it has in a task's state.
    number: u64,
}

/// A thread is the owner; dropping it, there, ends that.
#[derive(Debug)]
pub struct Here<'o> {
    /// Borrows the owner, and is not `Send`.
    stays: PhantomData<(&'o Owner, *const ())>,
}

/// Where a task is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Birth {
    /// It has no owner.
    Anywhere,
    /// On its owner's thread.
    Here { owner: u64 },
    /// Elsewhere.
    Abroad { owner: u64 },
}

/// No owner's number, and not that of a task without owner.
const NOBODY: u64 = u64::MAX;
/// The distance from one number to the next.
const NEXT: u64 = OWNER / OWNERS_MAX;

thread_state! {
    /// The number of the owner who is here, or [`NOBODY`].
    static HERE: Cell<u64> = Cell::new(NOBODY)
}

/// Which numbers are taken.
type Numbers = [bool; OWNERS_MAX as usize];

/// Models do not see the lock, as it orders nothing that matters.
static TAKEN: Mutex<Numbers> = Mutex::new([false; OWNERS_MAX as usize]);

fn taken() -> MutexGuard<'static, Numbers> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Owner {
    /// A new one; `None` if there are 255, and tasks must do without.
    pub fn new() -> Option<Owner> {
        let mut taken = taken();
        let free = taken.iter().position(|taken| !taken)?;
        taken[free] = true;
        Some(Owner { number: (free as u64 + 1) * NEXT })
    }

    /// Says whether this thread is the owner.
    #[inline]
    pub fn is_here(&self) -> bool {
        HERE.with(|here| here.get() == self.number)
    }

    /// This thread is the owner from now on.
    ///
    /// # Safety
    /// * It is the only one for as long as the result lives, and it sees what the one before did.
    /// * A [`Runnable`](crate::Runnable) of a task with this owner that it makes or gets is run or dropped here, before the
    ///   result is dropped, or put into an [`Inbox`](crate::list::Inbox). One that was made or got elsewhere, or before,
    ///   comes out of an inbox.
    /// * The owner is not dropped before its tasks are complete, and messages to them gone.
    ///
    /// # Panics
    /// If this thread is an owner already.
    pub unsafe fn enter(&self) -> Here<'_> {
        HERE.with(|here| {
            assert_eq!(here.get(), NOBODY, "a thread is one owner at a time");
            here.set(self.number);
        });
        Here { stays: PhantomData }
    }

    pub(crate) fn birth(&self) -> Birth {
        if self.is_here() {
            Birth::Here { owner: self.number }
        } else {
            Birth::Abroad { owner: self.number }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        taken()[(self.number / NEXT) as usize - 1] = false;
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        HERE.with(|here| here.set(NOBODY));
    }
}

/// Says whether this thread is the owner of a task.
#[inline]
pub(crate) fn is_owner(task: Snapshot) -> bool {
    HERE.with(|here| here.get() == task.owner())
}

/// Says whether a task has an owner who is somebody else.
#[inline]
pub(crate) fn is_abroad(task: Snapshot) -> bool {
    task.has_owner() && !is_owner(task)
}

/// Says whether this thread is the owner of a task, and there is no reason (B4, B5) not to use its word.
#[inline]
pub(crate) fn is_here(task: Snapshot) -> bool {
    let reasons = if seeded(280) { COMPLETE } else { COMPLETE | NEWBORN };
    HERE.with(|here| here.get() == task.0 & (OWNER | reasons))
}

/// The owner's word.
pub(crate) struct Bias(UnsafeCell<i16>);

/// The task is queued or polled.
const SCHEDULED: i16 = 1 << 0;
/// It was woken since its last poll began.
const WOKEN: i16 = 1 << 1;
const FLAGS: i16 = SCHEDULED | WOKEN;
/// One reference more than the state word has.
const LOAN: i16 = 1 << 2;

impl Bias {
    /// Of a task that is made here and scheduled; from abroad a message is on its way.
    pub(crate) fn new(birth: Birth) -> Bias {
        Bias(UnsafeCell::new(if matches!(birth, Birth::Here { .. }) { SCHEDULED } else { 0 }))
    }

    /// Wakes the task. True: the right to poll is the caller's (B2).
    ///
    /// # Safety
    /// This thread is the owner.
    #[inline]
    pub(crate) unsafe fn wake(&self) -> bool {
        // SAFETY: the caller is the owner.
        unsafe {
            self.change(|word| match word & SCHEDULED {
                0 => (word | SCHEDULED, true),
                _ if seeded(273) => (word, false),
                _ => (word | WOKEN, false),
            })
        }
    }

    /// Begins a poll, which answers all wakes until here.
    ///
    /// # Safety
    /// This thread is the owner.
    #[inline]
    pub(crate) unsafe fn start_poll(&self) {
        // SAFETY: the caller is the owner.
        unsafe { self.change(|word| (word & !WOKEN, ())) }
    }

    /// Ends a poll that returned pending.
    ///
    /// # Safety
    /// This thread is the owner, and has the right to poll.
    #[inline]
    pub(crate) unsafe fn finish_poll(&self) -> Finish {
        let finish = |word: i16| {
            if word & WOKEN == 0 || seeded(274) {
                (word & !SCHEDULED, Finish::Idle)
            } else {
                (word, Finish::Again)
            }
        };
        // SAFETY: the caller is the owner.
        unsafe { self.change(finish) }
    }

    /// Counts references here instead of in the state word. If that has become too many, the answer is how many are to be
    /// counted there.
    ///
    /// # Safety
    /// This thread is the owner.
    #[inline]
    pub(crate) unsafe fn lend(&self, references: i32) -> i32 {
        // SAFETY: the caller is the owner.
        unsafe {
            self.change(|word| {
                let lent = word + references as i16 * LOAN; // a poll has at most LOANS_MAX, and so has the word
                let loans = lent >> LOAN.trailing_zeros();
                match u32::from(loans.unsigned_abs()) {
                    ..LOANS_MAX => (lent, 0),
                    _ => (lent & FLAGS, loans.into()),
                }
            })
        }
    }

    /// What is on loan, and is from now on counted by the caller.
    ///
    /// # Safety
    /// This thread is the owner.
    pub(crate) unsafe fn take_loans(&self) -> i32 {
        // SAFETY: the caller is the owner.
        unsafe { self.change(|word| (word & FLAGS, (word >> LOAN.trailing_zeros()).into())) }
    }

    /// Gives the right to poll up that this thread has.
    ///
    /// # Safety
    /// This thread is the owner, and has the right to poll.
    pub(crate) unsafe fn unschedule(&self) {
        // SAFETY: the caller is the owner.
        unsafe { self.change(|word| (word & !FLAGS, ())) }
    }

    /// # Safety
    /// This thread is the owner.
    #[inline]
    unsafe fn change<R>(&self, f: impl FnOnce(i16) -> (i16, R)) -> R {
        self.0.with_mut(|word| {
            // SAFETY: nobody else reads or writes it (B1).
            let (next, result) = f(unsafe { *word });
            // SAFETY: as above.
            unsafe { *word = next };
            result
        })
    }
}

impl fmt::Debug for Bias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bias").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_back() {
        let mut owners: Vec<_> = std::iter::from_fn(Owner::new).collect();
        assert_eq!(owners.len(), OWNERS_MAX as usize);
        let number = owners.swap_remove(100).number;
        assert_eq!(Owner::new().map(|owner| owner.number), Some(number));
    }
}
