//! A wake-up call without a value: for one task, or for all that wait.
//!
//! | call | somebody waits | nobody waits |
//! |---|---|---|
//! | `notify_one` | the longest wait ends | one permit is kept for the next to come |
//! | `notify_waiters` | every wait ends | nothing |
//!
//! A permit is kept only while nobody waits. A call that went to one task belongs to that task until it notices: if it
//! gives up before, the call goes to the next, or is kept.
//!
//! A future that was made before a `notify_waiters` has its call, even if it was not polled yet. So one can make the
//! future, then look at the state of the world, then await, and miss nothing. It remembers the number of calls at its
//! making for that, and takes no permit that a later `notify_one` has left for somebody else.

use crate::gate::{Closed, Gate, Rules, Wait};
use crate::waiters::{End, Waiters};
use pelmeni_core::primitive::seeded;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Seeded bug: a task that was called and gives up does not pass the call on.
const DOES_NOT_PASS_ON: u16 = 21;

/// Tells one task, or all that wait, that something has happened.
///
/// # Examples
/// ```
/// use futures::executor::block_on;
/// use pelmeni_sync::Notify;
///
/// let bell = Notify::new();
/// bell.notify_one();
/// // It rang before anybody listened, and is heard all the same.
/// block_on(bell.notified());
/// ```
///
/// Source: tokio's `Notify`.
pub struct Notify {
    gate: Gate<Bell>,
}

impl Notify {
    /// Starts without a permit.
    pub fn new() -> Self {
        Notify { gate: Gate::new(Bell { permit: false, rounds: 0 }) }
    }

    /// Ends the longest wait, or the next one to come. Calls that find one kept already add nothing to it.
    pub fn notify_one(&self) {
        self.gate.with(Bell::call_one);
    }

    /// Ends every wait, and those of the futures that exist and were not polled yet.
    pub fn notify_waiters(&self) {
        self.gate.with(|bell, waiters| {
            bell.rounds += 1;
            while let Some(call) = waiters.grant_first() {
                call.alone = false;
            }
        });
    }

    /// Waits for a call.
    ///
    /// It is in the queue for [`notify_one`](Notify::notify_one) from its first poll, and hears every
    /// [`notify_waiters`](Notify::notify_waiters) from now.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. If it was called by `notify_one` already, the call goes to
    /// the next.
    pub fn notified(&self) -> Notified<'_> {
        let rounds = self.gate.with(|bell, _| bell.rounds);
        Notified { wait: self.gate.wait(Call { rounds, alone: true }) }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Notify::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (permit, waiting) = self.gate.with(|bell, waiters| (bell.permit, waiters.len()));
        f.debug_struct("Notify").field("permit", &permit).field("waiting", &waiting).finish()
    }
}

/// The future of [`Notify::notified`].
#[must_use = "futures do nothing unless awaited"]
pub struct Notified<'a> {
    wait: Wait<'a, Bell>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.wait).poll(cx).map(|called| match called {
            Ok(_) => {}
            Err(Closed) => unreachable!("nobody closes a bell"),
        })
    }
}

impl fmt::Debug for Notified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notified").finish_non_exhaustive()
    }
}

struct Bell {
    /// A call that is kept. Invariant: then nobody waits.
    permit: bool,
    /// How often all were called.
    rounds: u64,
}

/// What one future waits for.
#[derive(Clone, Copy)]
struct Call {
    /// The rounds that were over when the future was made.
    rounds: u64,
    /// If it was called: it was the only one. Who gives up passes such a call on.
    alone: bool,
}

impl Bell {
    fn call_one(&mut self, waiters: &mut Waiters<Call>) {
        if waiters.grant_first().is_none() {
            self.permit = true;
        }
    }
}

impl Rules for Bell {
    type Request = Call;

    fn arrive(&mut self, call: &mut Call, _: &mut Waiters<Call>) -> Option<End> {
        if call.rounds == self.rounds {
            if !self.permit {
                return None;
            }
            self.permit = false;
        }
        Some(End::Granted)
    }

    fn leave(&mut self, call: Call, ended: Option<End>, waiters: &mut Waiters<Call>) {
        if ended == Some(End::Granted) && call.alone && !seeded(DOES_NOT_PASS_ON) {
            self.call_one(waiters);
        }
    }
}
