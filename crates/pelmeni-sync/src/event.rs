//! A flag that tasks wait for.

use crate::gate::{Closed, Gate, Rules};
use crate::waiters::{End, Waiters};
use std::fmt;

/// A flag that is set or not, and can be waited for.
///
/// Setting it ends every wait, and no later wait begins until it is cleared.
///
/// # Examples
/// ```
/// use futures::{executor::block_on, join};
/// use pelmeni_sync::Event;
///
/// let boiling = Event::new();
/// block_on(async {
///     let cook = async {
///         boiling.wait().await;
///         "in they go"
///     };
///     let stove = async { boiling.set() };
///     assert_eq!(join!(cook, stove).0, "in they go");
/// });
/// ```
///
/// Source: asyncio's `Event`.
pub struct Event {
    gate: Gate<Flag>,
}

impl Event {
    /// Starts with the flag not set.
    pub fn new() -> Self {
        Event { gate: Gate::new(Flag { set: false }) }
    }

    /// Sets the flag and ends every wait, also if the flag is cleared before the tasks that waited get to run.
    pub fn set(&self) {
        self.gate.with(|flag, waiters| {
            flag.set = true;
            while waiters.grant_first().is_some() {}
        });
    }

    /// Clears the flag: who comes from now on waits.
    pub fn clear(&self) {
        self.gate.with(|flag, _| flag.set = false);
    }

    /// Says whether the flag is set. It may have changed by the time one looks at the answer.
    pub fn is_set(&self) -> bool {
        self.gate.with(|flag, _| flag.set)
    }

    /// Waits until the flag is set; goes on at once if it is.
    ///
    /// The wait begins when the future is polled first: a `set` and `clear` before that go unseen.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait(&self) {
        match self.gate.wait(()).await {
            Ok(()) => {}
            Err(Closed) => unreachable!("nobody closes an event"),
        }
    }
}

impl Default for Event {
    fn default() -> Self {
        Event::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (set, waiting) = self.gate.with(|flag, waiters| (flag.set, waiters.len()));
        f.debug_struct("Event").field("set", &set).field("waiting", &waiting).finish()
    }
}

struct Flag {
    set: bool,
}

impl Rules for Flag {
    type Request = ();

    fn arrive(&mut self, (): &mut (), _: &mut Waiters<()>) -> Option<End> {
        self.set.then_some(End::Granted)
    }

    /// Nothing was given to anybody alone.
    fn leave(&mut self, (): (), _: Option<End>, _: &mut Waiters<()>) {}
}
