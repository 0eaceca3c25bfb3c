//! A place where tasks wait until all are there.
//!
//! Those who wait are those in the queue: there is no count beside it that could differ. The last to arrive gives each
//! its index and goes on itself, so the barrier is empty and ready for the next round before anybody has woken up, and
//! the fast ones of the next round cannot mix with the slow ones of this.

use crate::gate::{Closed, Gate, Rules};
use crate::waiters::{End, Waiters};
use std::error::Error;
use std::fmt;

/// Lets tasks wait for each other: so many at a time go on together.
///
/// # Examples
/// ```
/// use futures::{executor::block_on, join};
/// use pelmeni_sync::Barrier;
///
/// let table = Barrier::new(2);
/// let (first, second) = block_on(async { join!(table.wait(), table.wait()) });
/// assert_eq!((first?, second?), (0, 1));
/// # Ok::<_, pelmeni_sync::BrokenBarrier>(())
/// ```
///
/// Source: asyncio's `Barrier`.
pub struct Barrier {
    gate: Gate<Party>,
}

impl Barrier {
    /// Makes a barrier for so many tasks.
    ///
    /// # Panics
    /// `parties` is 0: there would be nobody to wait for.
    #[track_caller]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "a barrier for 0 parties would never open: write 1 or more");
        Barrier { gate: Gate::new(Party { size: parties, broken: false }) }
    }

    /// Waits until all are there, and answers with an index that is different for each: 0 for the first of this round
    /// to arrive, and so on.
    ///
    /// # Cancel safety
    /// Dropping the future takes the task out of the round, unless all were there already. The others go on waiting.
    ///
    /// # Errors
    /// The barrier was [aborted](Barrier::abort), or was [reset](Barrier::reset) while this waited.
    pub async fn wait(&self) -> Result<usize, BrokenBarrier> {
        // The rules put the index in the place of the request.
        self.gate.wait(0).await.map_err(|Closed| BrokenBarrier(()))
    }

    /// Empties the barrier and makes it whole again. Who waits gets an error.
    pub fn reset(&self) {
        self.gate.with(|party, waiters| {
            party.broken = false;
            waiters.close_all();
        });
    }

    /// Breaks the barrier. Who waits or comes later gets an error, until it is [reset](Barrier::reset).
    pub fn abort(&self) {
        self.gate.with(|party, waiters| {
            party.broken = true;
            waiters.close_all();
        });
    }

    /// Says whether the barrier is broken.
    pub fn is_broken(&self) -> bool {
        self.gate.with(|party, _| party.broken)
    }

    /// How many tasks go on together.
    pub fn parties(&self) -> usize {
        self.gate.with(|party, _| party.size)
    }

    /// How many wait. It may have changed by the time one looks at the answer.
    pub fn waiting(&self) -> usize {
        self.gate.with(|_, waiters| waiters.len())
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties())
            .field("waiting", &self.waiting())
            .field("broken", &self.is_broken())
            .finish()
    }
}

/// The round will not be completed: the barrier was reset or aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenBarrier(());

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier was reset or aborted")
    }
}

impl Error for BrokenBarrier {}

struct Party {
    size: usize,
    broken: bool,
}

impl Rules for Party {
    /// Nothing before, the index after.
    type Request = usize;

    fn arrive(&mut self, index: &mut usize, waiters: &mut Waiters<usize>) -> Option<End> {
        if self.broken {
            return Some(End::Closed);
        }
        if waiters.len() + 1 < self.size {
            return None;
        }
        *index = 0;
        while let Some(other) = waiters.grant_first() {
            *other = *index;
            *index += 1;
        }
        Some(End::Granted)
    }

    /// The queue is one shorter; that is all.
    fn leave(&mut self, _: usize, _: Option<End>, _: &mut Waiters<usize>) {}
}
