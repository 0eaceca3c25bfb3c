//! Who of a [`crew`](crate::crew) looks out, so that others need not be called, or need not be woken: [`Lookout`].
//!
//! C3. One thread that is coming, or runs a job of a short kind, is enough if all that wait are not [worth](crate::pace) a
//! wake, as far as it is known how long jobs of their kinds take, and if an idle thread is *on watch*: it naps, and if no
//! job was taken during a whole nap although there is one, it takes that job, and C2 holds again. So no job waits for
//! longer than two naps behind one that was expected to be short and blocks. Who was at work when a nap ended does not
//! count until he takes a job. Who is on watch is called when nobody else is idle, and nobody is on watch while there is
//! nothing to do.
//!
//! C4. A thread that has run short jobs, after one that is [awaited](crate::errand) was sent, is *alert* for somewhat more than a
//! wake takes if all others are idle or on watch: it counts as idle and is called first, but is awake, so that the call costs no
//! wake. It has [`Patience`]: whether it does so depends on whether that has paid before.
//!
//! Rejected: to be alert after every short job. Four tasks that work for 30 us between two jobs of 1 us: 29.9 us for a job in
//! place of 23.7 on two cores, since the thread that is alert has the core on which a second worker would help. (Empty jobs
//! of sixteen tasks take 0.33 us in place of 0.63.)

use std::mem;
use std::time::Duration;

use pelmeni_core::park::Parker;
use pelmeni_core::primitive::{Arc, seeded};

use crate::backlog::Backlog;
use crate::patience::Patience;

/// How a thread sleeps that has no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Awake, until it is called or for some more than a wake takes.
    Alert,
    /// Until it is called, or has been idle for long enough.
    Idle,
    /// Until it is called, or for as long as jobs may wait behind one that was expected to be short.
    Nap,
}

/// Who looks out, and whether anybody should.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    /// Who is on watch: one thread at most.
    pub(crate) watch: Vec<Arc<Parker>>,
    /// Who is alert: one thread at most.
    pub(crate) alert: Vec<Arc<Parker>>,
    /// Somebody would have been content with those at work, if there had been a watch.
    is_wanted: bool,
    /// Threads that run a job of a short kind, which they have taken since the last nap ended.
    brisk: usize,
    /// How many naps have ended.
    naps: usize,
    /// A job that is awaited was sent since a thread last chose whether to be alert.
    pub(crate) is_awaited: bool,
    patience: Patience,
}

impl Lookout {
    /// Says whether those at work are enough (C3), if so many are coming; if only the watch is missing, has the next thread
    /// that finds no job keep it.
    pub(crate) fn is_enough<J>(&mut self, coming: usize, backlog: &Backlog<J>) -> bool {
        if coming + self.brisk == 0 || backlog.pays() {
            return false;
        }
        self.is_wanted = self.watch.is_empty();
        !self.is_wanted || seeded(245)
    }

    /// A thread begins a job. What this returns is for its [`end`](Lookout::end).
    pub(crate) fn begin(&mut self, is_short: bool) -> Option<usize> {
        self.brisk += usize::from(is_short);
        is_short.then_some(self.naps)
    }

    /// The job is over.
    pub(crate) fn end(&mut self, begun: Option<usize>) {
        if begun == Some(self.naps) {
            self.brisk -= 1;
        }
    }

    /// How a thread is to rest that has found no job, if so many `others` are neither idle nor on watch.
    pub(crate) fn choose<J>(&mut self, others: usize, backlog: &Backlog<J>) -> Rest {
        if self.watch.is_empty() && mem::take(&mut self.is_wanted) {
            return Rest::Nap;
        }
        let expects_another =
            mem::take(&mut self.is_awaited) && others == 0 && backlog.is_short(backlog.last());
        if expects_another && self.patience.is_left() { Rest::Alert } else { Rest::Idle }
    }

    /// A thread has rested like this, since so many jobs were `taken`. Says whether it stays on watch: not if no job was
    /// taken for a whole nap, because there is none, or because one is needed.
    pub(crate) fn learn<J>(
        &mut self,
        how: Rest,
        was_called: bool,
        taken: usize,
        backlog: &Backlog<J>,
    ) -> bool {
        if how == Rest::Alert {
            self.patience.learn(was_called);
        }
        if how != Rest::Nap || was_called {
            return false;
        }
        self.naps += 1;
        self.brisk = 0;
        let stays = backlog.taken() != taken;
        if !stays && !backlog.is_empty() {
            backlog.learn(backlog.last(), Duration::MAX); // it is what the others wait for, if anything is
        }
        stays
    }
}
