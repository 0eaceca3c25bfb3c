//! The state word of a task, flags, requests to cancel, references and wakes in one `AtomicU64`, and the steps that change it.
//! What lies where in it is in [`snapshot`](crate::snapshot).
//!
//! ```text
//!            (1)                (2)                 (3)
//!  spawn -> SCHEDULED --------> POLLED ----------> COMPLETE --> freed
//!              ^                  |  |                      (7)
//!              |   (4)  woken     |  | (5) pending
//!              +------------------+  v
//!              +<--------------- IDLE
//!                 (6) wake
//! ```
//! A task is *scheduled* or *polled* while `wakes > 0` and *idle* while `wakes == 0`: there is no bit for it. (If it has an
//! owner, that one's word says so, and wakes are those of others: see [`bias`](crate::bias).)
//!
//! | edge | verb | what it means |
//! |---|---|---|
//! | 1 | [`State::new`] | born with one wake: exactly one [`Runnable`](crate::Runnable) exists |
//! | 2 | [`State::start_poll`] | whoever holds the `Runnable` notes how many wakes it has seen |
//! | 3 | [`State::complete`] | the future is gone, the output (if somebody wants it) is in place |
//! | 4, 5 | [`State::finish_poll`] | subtracts the wakes it has seen; what is left came in meanwhile, so the task runs again |
//! | 6 | [`State::wake_by_ref`], [`State::wake_by_val`] | one `fetch_add`; the one that finds zero submits the task |
//! | 7 | [`State::drop_reference`], [`State::drop_handle`] | the last one out frees the memory |
//!
//! # Why a count and not a flag
//! A wake is one `fetch_add`, and the end of a poll is one `fetch_sub`; neither is a loop, and the line changes owner once.
//! With a flag, both must read, decide and compare-and-swap. A wake that finds the task already scheduled still *writes*:
//! that write is what makes the data that was stored before the wake visible to the poll that follows. A shortcut
//! ("already scheduled: return") loses exactly this edge, and has done so in other runtimes.
//!
//! # Who may free
//! A task that is not complete is alive by itself. A complete one is freed by whoever finds, after its own step, no
//! reference, no `HANDLE` and no `JOINER`. `JOINER` on a complete task is the hold of the thread that completes it, while it
//! takes the joiner's waker out.
//!
//! # Loans
//! What a poll clones and drops of its own task's references it counts only at its end, with the step that it takes
//! anyway (see `context`). Until then there may be fewer references in the word than there are, which is why it holds some
//! to spare, or more. Nobody frees a task that is not complete, and all are counted by the step that completes it.
//!
//! # Memory ordering
//! Every read-modify-write is `AcqRel` and every load that leads to an access is `Acquire`; so each step sees all that
//! was done before the steps that came before it on this word. Exceptions say why: [`State::clone_reference`] is `Relaxed`, as
//! whoever clones has a reference, and nothing is handed over; [`State::settle`] and [`State::take_wakes`] are `Release`.
//!
//! Source: the wake count is nexosim's idea; the ownership of the joiner slot follows the rules that tokio wrote down.

use std::fmt;

use crate::bias::Birth;
use crate::primitive::atomic::{AtomicU64, Ordering};
use crate::primitive::{seeded, yield_now};
use crate::snapshot::{
    ABORT, COMPLETE, HANDLE, JOINER, LOCAL, NEWBORN, REFERENCE, REFERENCES_MAX, REQUEST,
    REQUESTS_MAX, SPARE, Snapshot, WAKE, lent,
};

/// From this many unanswered wakes on, wakers take their own wake back (see [`State::wake_overflow`]).
const WAKES_MANY: u64 = 1 << 15;
/// A poll answers at most this many, so that what wakers take back is never something that a poll has seen.
const WAKES_SEEN_MAX: u64 = 1 << 14;

/// The state word.
pub(crate) struct State(AtomicU64);

/// What the caller of a wake must do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The task was idle: submit it to its scheduler. The right to poll it is now the caller's.
    Submit,
    /// Somebody else will poll it, or it is complete.
    Nothing,
    /// The reference that the wake consumed was the last: free the task.
    Free,
}

/// What the end of a poll leaves to do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The task is idle. It may be polled elsewhere already: touch it no more.
    Idle,
    /// It was woken during the poll: submit it again.
    Again,
}

/// What the completing thread must do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Complete {
    /// The handle will see to output and memory: touch the task no more.
    Leave,
    /// A joiner's waker is in the slot: take it, then call [`State::release_joiner`].
    WakeJoiner,
    /// Nobody wants the output: drop it, then call [`State::complete_detached`].
    DropOutput,
}

/// What whoever left must do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Somebody else is still there.
    Keep,
    /// It was the last: free the task.
    Free,
}

/// What a handle finds that gives up or replaces its waker.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joiner {
    /// The slot is the handle's again, with the waker in it.
    Returned,
    /// The task is complete, and the completing thread takes the waker.
    Complete,
}

impl State {
    /// A task that is about to be scheduled for the first time, with a handle and no reference.
    pub(crate) fn new(local: bool, birth: Birth) -> State {
        let place = if local { LOCAL } else { 0 };
        let birth = match birth {
            Birth::Anywhere => WAKE,
            Birth::Here { owner } => owner,
            Birth::Abroad { owner } if seeded(291) => owner | NEWBORN,
            Birth::Abroad { owner } => owner | NEWBORN | WAKE,
        };
        State(AtomicU64::new(HANDLE | place | (SPARE * REFERENCE) | birth))
    }

    /// Reads the word; what was done before it was written is visible.
    pub(crate) fn load(&self) -> Snapshot {
        // Acquire: pairs with the Release half of every step on this word.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Adds a wake on behalf of a waker that stays.
    #[inline]
    pub(crate) fn wake_by_ref(&self) -> Wake {
        if seeded(2) && !self.load().is_idle() {
            return Wake::Nothing; // the lost edge of the module's doc
        }
        // Release: pairs with the Acquire in start_poll. Acquire: whoever submits takes over from the last poll.
        let before = Snapshot(self.0.fetch_add(WAKE, Ordering::AcqRel));
        self.woken(before)
    }

    /// Adds a wake and gives up the waker's reference in the same step.
    #[inline]
    pub(crate) fn wake_by_val(&self) -> Wake {
        // AcqRel: as in wake_by_ref, and as in drop_reference.
        let before = Snapshot(self.0.fetch_add(WAKE.wrapping_sub(REFERENCE), Ordering::AcqRel));
        let is_last = before.is_complete() && before.references() == 1 && !before.is_held();
        if is_last && !seeded(120) {
            return Wake::Free;
        }
        self.woken(before)
    }

    /// As [`wake_by_ref`](State::wake_by_ref), for a biased task and a thread that is not its owner: [`Wake::Submit`] is for
    /// a message, which owns a reference.
    #[cold]
    pub(crate) fn wake_abroad_by_ref(&self) -> Wake {
        let wake = self.wake_by_ref();
        if wake == Wake::Submit && !seeded(276) {
            self.clone_reference();
        }
        wake
    }

    /// As [`wake_abroad_by_ref`](State::wake_abroad_by_ref); the waker's reference is the message's, or is given up.
    #[cold]
    pub(crate) fn wake_abroad_by_val(&self) -> Wake {
        if seeded(278) {
            return self.wake_by_val();
        }
        // Two steps: with one, the owner could end and free the task before the message has its reference.
        match self.wake_by_ref() {
            Wake::Submit => Wake::Submit,
            _ => match self.drop_reference() {
                Leave::Keep => Wake::Nothing,
                Leave::Free => Wake::Free,
            },
        }
    }

    /// A message has come to the owner: the next wake makes another one.
    pub(crate) fn take_wakes(&self) -> Snapshot {
        // Release: whoever makes it sees that the link is free. The poll that follows sees what was done before the wakes
        // that are taken out here, as start_poll reads what this step wrote, or something later.
        let order = if seeded(275) { Ordering::Relaxed } else { Ordering::Release };
        Snapshot(self.0.fetch_and((WAKE - 1) & !NEWBORN, order))
    }

    /// Ends the first poll of a task that was made abroad, if it returned pending: from now on its owner's word counts.
    #[cold]
    pub(crate) fn finish_birth(&self, seen: Snapshot) -> Finish {
        let answered = seen.wakes().min(WAKES_SEEN_MAX);
        if self.take_wakes().wakes() > answered { Finish::Again } else { Finish::Idle }
    }

    #[inline]
    fn woken(&self, before: Snapshot) -> Wake {
        if before.is_complete() {
            return Wake::Nothing;
        }
        if before.wakes() >= WAKES_MANY {
            self.wake_overflow();
        }
        if before.is_idle() { Wake::Submit } else { Wake::Nothing }
    }

    /// Takes a wake back while there are far too many: a task that waits in a queue can be woken without end.
    ///
    /// At least `WAKES_MANY` stay, which is more than any poll has seen and will subtract; so the task runs again after
    /// it, and the write of our wake has published our data.
    #[cold]
    fn wake_overflow(&self) {
        let mut now = self.load();
        while !now.is_complete() && now.wakes() > WAKES_MANY {
            // AcqRel: pairs as in wake_by_ref.
            match self.exchange(now, now.0 - WAKE) {
                Ok(()) => return yield_now(),
                Err(other) => now = other,
            }
        }
    }

    /// One step from `now`, if that is still so; the error is what the word is instead. It may fail for nothing.
    #[inline]
    fn exchange(&self, now: Snapshot, next: u64) -> Result<(), Snapshot> {
        self.exchange_with(Ordering::AcqRel, now, next)
    }

    #[inline]
    fn exchange_with(&self, order: Ordering, now: Snapshot, next: u64) -> Result<(), Snapshot> {
        let exchange = self.0.compare_exchange_weak(now.0, next, order, Ordering::Acquire);
        exchange.map(drop).map_err(Snapshot)
    }

    /// Begins a poll: the caller holds the `Runnable`, and answers the wakes that it sees here.
    #[inline]
    pub(crate) fn start_poll(&self) -> Snapshot {
        let seen = self.load();
        debug_assert!(!seen.is_complete(), "polled without a right to: {seen:?}");
        seen
    }

    /// Takes all requests to cancel out of the word; the poll carries them from here.
    #[cold]
    pub(crate) fn take_requests(&self) -> u32 {
        let mut now = self.load();
        loop {
            let without = now.0 & !(REQUESTS_MAX * REQUEST);
            // AcqRel: a request made before is answered now; pairs with cancel.
            match self.exchange(now, without) {
                Ok(()) => return now.requests(),
                Err(other) => now = other,
            }
        }
    }

    /// Ends a poll that returned pending, and counts its loans.
    #[inline]
    pub(crate) fn finish_poll(&self, seen: Snapshot, loans: i32) -> Finish {
        let loans = if seeded(226) { 0 } else { loans };
        let answered = seen.wakes().min(WAKES_SEEN_MAX);
        if seeded(3) {
            // Sets the count to zero instead of subtracting: forgets the wakes that came in meanwhile.
            self.settle(loans);
            self.0.fetch_and(WAKE - 1, Ordering::AcqRel);
            return Finish::Idle;
        }
        // Release: pairs with the Acquire of the next start_poll or wake. Acquire: if we run it again, we see the wakes.
        let order = if seeded(1) { Ordering::Relaxed } else { Ordering::AcqRel };
        let change = lent(loans).wrapping_sub(answered * WAKE);
        let before = bounded(Snapshot(self.0.fetch_add(change, order)));
        if before.wakes() == answered { Finish::Idle } else { Finish::Again }
    }

    /// Counts the loans of a poll that goes on later.
    #[inline]
    pub(crate) fn settle(&self, loans: i32) {
        if loans != 0 {
            // Release: what was done with dropped references is over, as in drop_reference.
            bounded(Snapshot(self.0.fetch_add(lent(loans), Ordering::Release)));
        }
    }

    /// Ends the task after its output was put in place, and counts the loans of its last poll; [`Complete::DropOutput`]
    /// means that neither is done yet.
    pub(crate) fn complete(&self, loans: i32) -> Complete {
        let loans = if seeded(227) { 0 } else { loans };
        let mut now = self.load();
        loop {
            debug_assert!(
                !now.is_complete() && (now.has_owner() || !now.is_idle()),
                "completed twice: {now:?}"
            );
            if !now.has_handle() {
                return Complete::DropOutput;
            }
            // Release: publishes the output; pairs with the Acquire in the handle's load. Acquire: the joiner slot is ours.
            let order = if seeded(105) { Ordering::Relaxed } else { Ordering::AcqRel };
            let next = now.0.wrapping_add(lent(loans)) | COMPLETE;
            match self.exchange_with(order, now, next) {
                Ok(()) if now.has_joiner() => return Complete::WakeJoiner,
                Ok(()) => return Complete::Leave,
                Err(other) => now = other,
            }
        }
    }

    /// Ends a task that has no handle and no output any more, and counts the loans of its last poll.
    pub(crate) fn complete_detached(&self, loans: i32) -> Leave {
        let loans = if seeded(227) { 0 } else { loans };
        // Alone: no reference, so nobody can come; nothing needs to be published.
        if self.load().references() + i64::from(loans) == 0 {
            return Leave::Free;
        }
        // AcqRel: pairs with drop_reference, in either direction. The sum sets the bit, which only this step does.
        let before = Snapshot(self.0.fetch_add(lent(loans) | COMPLETE, Ordering::AcqRel));
        if before.references() + i64::from(loans) == 0 { Leave::Free } else { Leave::Keep }
    }

    /// Ends the hold that `JOINER` is on a complete task, after its waker was taken out.
    pub(crate) fn release_joiner(&self) -> Leave {
        // AcqRel: pairs with drop_reference and drop_handle, in either direction.
        let before = Snapshot(self.0.fetch_and(!JOINER, Ordering::AcqRel));
        debug_assert!(
            before.is_complete() && before.has_joiner(),
            "no joiner to release: {before:?}"
        );
        if before.references() == 0 && !before.has_handle() { Leave::Free } else { Leave::Keep }
    }

    /// Announces the waker that the handle put into the slot. False: the task is complete and nobody will take it.
    pub(crate) fn set_joiner(&self) -> bool {
        // Release: publishes the slot; pairs with the Acquire in complete. Acquire: we may read the output.
        let before = Snapshot(self.0.fetch_or(JOINER, Ordering::AcqRel));
        debug_assert!(before.has_handle() && !before.has_joiner(), "joiner set twice: {before:?}");
        if before.is_complete() && !seeded(4) {
            self.0.fetch_and(!JOINER, Ordering::AcqRel);
            return false;
        }
        true
    }

    /// Asks for the slot back, to replace or drop the waker in it.
    pub(crate) fn unset_joiner(&self) -> Joiner {
        let mut now = self.load();
        loop {
            if now.is_complete() && !seeded(116) {
                return Joiner::Complete;
            }
            // AcqRel: the completing thread sees the slot as we leave it, or we see that it is complete.
            match self.exchange(now, now.0 & !JOINER) {
                Ok(()) => return Joiner::Returned,
                Err(other) => now = other,
            }
        }
    }

    /// Gives up the handle of a task that is not complete yet. False: it is complete by now; the output is the caller's.
    pub(crate) fn detach(&self) -> bool {
        let mut now = self.load();
        loop {
            debug_assert!(now.has_handle() && (now.is_complete() || !now.has_joiner()), "{now:?}");
            if now.is_complete() && !seeded(109) {
                return false;
            }
            // AcqRel: pairs with complete.
            match self.exchange(now, now.0 & !HANDLE) {
                Ok(()) => return true,
                Err(other) => now = other,
            }
        }
    }

    /// Gives up the handle of a complete task, after its output was taken or dropped.
    pub(crate) fn drop_handle(&self) -> Leave {
        let now = self.load();
        if now.references() == 0 && !now.has_joiner() {
            return Leave::Free; // alone: no step is needed to say so
        }
        // AcqRel: pairs with drop_reference and release_joiner, in either direction.
        let before = Snapshot(self.0.fetch_and(!HANDLE, Ordering::AcqRel));
        if before.references() == 0 && !before.has_joiner() { Leave::Free } else { Leave::Keep }
    }

    /// Counts one more reference; the caller has one, or a right that outlives this call.
    #[inline]
    pub(crate) fn clone_reference(&self) {
        // Relaxed: nothing is handed over, and the caller's own right keeps the task alive.
        bounded(Snapshot(self.0.fetch_add(REFERENCE, Ordering::Relaxed)));
    }

    /// Gives up one reference.
    #[inline]
    pub(crate) fn drop_reference(&self) -> Leave {
        let now = self.load();
        if now.is_complete() && now.references() == 1 && !now.is_held() {
            return Leave::Free; // alone: no step is needed to say so
        }
        // Release: our accesses are over. Acquire: whoever frees sees that everybody's are.
        let order = if seeded(5) { Ordering::Relaxed } else { Ordering::AcqRel };
        let before = Snapshot(self.0.fetch_sub(REFERENCE, order));
        debug_assert!(
            before.references() > -(SPARE as i64),
            "a reference was dropped twice: {before:?}"
        );
        if before.is_complete() && before.references() == 1 && !before.is_held() {
            Leave::Free
        } else {
            Leave::Keep
        }
    }

    /// Adds a request to cancel, and a wake unless the caller is the task's owner, who wakes by himself. `None`: the task is
    /// complete.
    pub(crate) fn cancel(&self, by_owner: bool) -> Option<Wake> {
        self.change_and_wake(by_owner, |now| {
            if now.requests() as u64 == REQUESTS_MAX { now.0 } else { now.0 + REQUEST }
        })
    }

    /// Orders the future to be dropped, and adds a wake as [`cancel`](State::cancel) does. `None`: the task is complete.
    pub(crate) fn abort(&self, by_owner: bool) -> Option<Wake> {
        self.change_and_wake(by_owner, |now| now.0 | ABORT)
    }

    fn change_and_wake(&self, by_owner: bool, change: impl Fn(Snapshot) -> u64) -> Option<Wake> {
        let mut now = self.load();
        loop {
            if now.is_complete() {
                return None;
            }
            let wake = match now.wakes() {
                _ if by_owner => 0,
                WAKES_MANY.. => 0,
                _ if seeded(103) => 0,
                // It is a message, which owns a reference.
                0 if now.has_owner() && !seeded(281) => WAKE + REFERENCE,
                _ => WAKE,
            };
            // AcqRel: as in wake_by_ref.
            match self.exchange(now, change(now) + wake) {
                Ok(()) if now.is_idle() && wake != 0 => return Some(Wake::Submit),
                Ok(()) => return Some(Wake::Nothing),
                Err(other) => now = other,
            }
        }
    }

    /// Takes one request back that no poll has taken yet. False: there is none.
    pub(crate) fn uncancel(&self) -> bool {
        let mut now = self.load();
        loop {
            if now.requests() == 0 {
                return seeded(121);
            }
            // AcqRel: pairs with take_requests; either it sees the request or we do.
            match self.exchange(now, now.0 - REQUEST) {
                Ok(()) => return true,
                Err(other) => now = other,
            }
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

/// What the word was before references were added to it: not too many.
#[inline]
fn bounded(before: Snapshot) -> Snapshot {
    if before.references() >= REFERENCES_MAX as i64 / 2 {
        too_many_references();
    }
    before
}

/// Thirty million wakers of one task are a leak in a loop; going on would free the task under somebody's hands.
#[cold]
fn too_many_references() -> ! {
    eprintln!("pelmeni: more than {} references to one task: aborting", REFERENCES_MAX / 2);
    std::process::abort()
}

#[cfg(all(test, not(loom)))]
#[path = "state_tests.rs"]
mod tests;
