//! Permits, handed out in the order in which they were asked for: what the lock and both semaphores are made of.
//!
//! Strictly first come first served. Whoever asks for less does not overtake one who waits for more, and a permit that
//! is free while somebody waits for two is not up for grabs. A release gives its permits to those at the front of the
//! queue, under the lock, before anybody else can ask: they own them from then on, not from when they wake up.
//!
//! Invariant: `available` plus the permits in use, granted ones among them, is `total`.

use crate::gate::{Closed, Gate, Rules};
use crate::waiters::{End, Waiters};
use pelmeni_core::primitive::seeded;

/// Seeded bug: a waiter that was given its permits and then dropped keeps them.
const KEEPS_ITS_GRANT: u16 = 20;

/// So many permits.
pub(crate) struct Permits {
    gate: Gate<Stock>,
}

/// Why permits could not be had at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    /// Too few, or others were here before.
    Exhausted,
}

impl Permits {
    /// Starts with `count` permits, all free.
    pub(crate) fn new(count: usize) -> Self {
        Permits { gate: Gate::new(Stock { available: count, total: count, closed: false }) }
    }

    /// Waits for `count` permits. They are the caller's, to `release` or to `forget`.
    pub(crate) async fn acquire(&self, count: usize) -> Result<(), Closed> {
        self.gate.wait(count).await.map(drop)
    }

    /// Takes `count` permits if that takes no waiting.
    pub(crate) fn try_acquire(&self, mut count: usize) -> Result<(), Refusal> {
        match self.gate.with(|stock, waiters| stock.arrive(&mut count, waiters)) {
            Some(End::Granted) => Ok(()),
            Some(End::Closed) => Err(Refusal::Closed),
            None => Err(Refusal::Exhausted),
        }
    }

    /// Takes back permits that were acquired.
    pub(crate) fn release(&self, count: usize) {
        self.gate.with(|stock, waiters| stock.put(count, waiters));
    }

    /// Gives up permits that were acquired, for ever.
    pub(crate) fn forget(&self, count: usize) {
        self.gate.with(|stock, _| stock.total -= count);
    }

    /// Adds new permits, unless there would then be more than `limit`.
    pub(crate) fn add(&self, count: usize, limit: usize) -> bool {
        self.gate.with(|stock, waiters| match stock.total.checked_add(count) {
            Some(total) if total <= limit => {
                stock.total = total;
                stock.put(count, waiters);
                true
            }
            _ => false,
        })
    }

    /// Ends all waits, those to come as well. Permits in use may still be released.
    pub(crate) fn close(&self) {
        self.gate.with(|stock, waiters| {
            stock.closed = true;
            waiters.close_all();
        });
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.gate.with(|stock, _| stock.closed)
    }

    /// How many could be had at once, were nobody waiting.
    pub(crate) fn available(&self) -> usize {
        self.gate.with(|stock, _| stock.available)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.gate.with(|_, waiters| waiters.len())
    }
}

struct Stock {
    available: usize,
    total: usize,
    closed: bool,
}

impl Stock {
    /// Permits become free: those at the front of the queue get them.
    fn put(&mut self, count: usize, waiters: &mut Waiters<usize>) {
        self.available += count;
        while let Some(wanted) = waiters.first()
            && *wanted <= self.available
        {
            self.available -= wanted;
            waiters.grant_first();
        }
    }
}

impl Rules for Stock {
    /// How many permits.
    type Request = usize;

    fn arrive(&mut self, wanted: &mut usize, waiters: &mut Waiters<usize>) -> Option<End> {
        if self.closed {
            return Some(End::Closed);
        }
        if *wanted > self.available || !waiters.is_empty() {
            return None;
        }
        self.available -= *wanted;
        Some(End::Granted)
    }

    /// Whoever leaves may have been what kept the next one waiting, also if it was given nothing.
    fn leave(&mut self, wanted: usize, ended: Option<End>, waiters: &mut Waiters<usize>) {
        let returned = if ended == Some(End::Granted) { wanted } else { 0 };
        if returned > 0 && seeded(KEEPS_ITS_GRANT) {
            return;
        }
        self.put(returned, waiters);
    }
}
