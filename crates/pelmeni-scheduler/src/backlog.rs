//! The jobs of a pool that no thread has taken, and what they may cost: [`Backlog`].

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crate::cost::pays;
use crate::pace::Paces;

/// One job in so many is timed, if its kind is a short one.
const SAMPLE_EVERY: usize = 16;

/// A queue of jobs.
#[derive(Debug)]
pub(crate) struct Backlog<J> {
    jobs: VecDeque<Waiting<J>>,
    /// What all of them may cost.
    load: u64,
    /// How many were ever taken.
    taken: usize,
    /// The kind of the last one that was.
    last: usize,
    paces: Paces,
}

/// A job in the queue.
#[derive(Debug)]
struct Waiting<J> {
    job: J,
    kind: usize,
    /// What it may cost.
    guess: u64,
}

/// A job that was taken.
#[derive(Debug)]
pub(crate) struct Taken<J> {
    pub(crate) job: J,
    pub(crate) kind: usize,
    /// It will not be worth a wake by itself.
    pub(crate) is_short: bool,
    /// Whoever runs it is to say how long it took.
    pub(crate) is_timed: bool,
}

/// Jobs that nobody will take, because there is no thread and the system has none.
#[derive(Debug)]
pub struct Stranded<J> {
    /// The jobs.
    pub jobs: VecDeque<J>,
    /// What the system said.
    pub error: io::Error,
}

impl<J> Backlog<J> {
    pub(crate) fn new() -> Backlog<J> {
        Backlog { jobs: VecDeque::new(), load: 0, taken: 0, last: 0, paces: Paces::default() }
    }

    pub(crate) fn put(&mut self, kind: usize, job: J) {
        let guess = self.paces.guess(kind);
        self.load = self.load.saturating_add(guess);
        self.jobs.push_back(Waiting { job, kind, guess });
    }

    pub(crate) fn take(&mut self) -> Option<Taken<J>> {
        let Waiting { job, kind, guess } = self.jobs.pop_front()?;
        self.load = self.load.saturating_sub(guess);
        self.last = kind;
        self.taken += 1;
        let is_short = !pays(guess);
        let is_timed = !is_short || self.taken.is_multiple_of(SAMPLE_EVERY);
        Some(Taken { job, kind, is_short, is_timed })
    }

    /// Takes all of them, to run none.
    pub(crate) fn take_all(&mut self) -> VecDeque<J> {
        self.load = 0;
        self.jobs.drain(..).map(|waiting| waiting.job).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// How many were ever taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Says whether all of them together are worth a wake.
    pub(crate) fn pays(&self) -> bool {
        pays(self.load)
    }

    /// Says whether jobs of this kind are not worth a wake, as far as is known.
    pub(crate) fn is_short(&self, kind: usize) -> bool {
        !pays(self.paces.guess(kind))
    }

    /// The kind of the job that was taken last.
    pub(crate) fn last(&self) -> usize {
        self.last
    }

    /// A job of this kind took so long.
    pub(crate) fn learn(&self, kind: usize, took: Duration) {
        self.paces.learn(kind, took);
    }
}
