//! A wheel and what it should be, side by side.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use pelmeni_driver::{Deadline, Timer, TimerState, Wheel};

/// The last deadline that comes.
pub(crate) const LATEST: u64 = Deadline::NEVER.as_nanos() - 1;

/// A timer that keeps its wheel.
type Shared = Timer<Option<Arc<Wheel>>>;

/// A waker that writes its number down.
struct Scribe {
    number: usize,
    log: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Scribe {
    fn wake(self: Arc<Self>) {
        self.log.lock().unwrap().push(self.number);
    }
}

/// A wheel, and what it should be: deadlines in order, equal ones in the order of registration.
pub(crate) struct Bench {
    pub(crate) now: u64,
    pub(crate) wheel: Arc<Wheel>,
    pub(crate) timers: Vec<Pin<Box<Shared>>>,
    stride: usize,
    /// Whether the wheel stopped short the last time because it had too many timers to move.
    stopped_short: bool,
    oracle: BTreeMap<(u64, usize), usize>,
    keys: Vec<Option<(u64, usize)>>,
    registrations: usize,
    log: Arc<Mutex<Vec<usize>>>,
}

impl Bench {
    pub(crate) fn new(now: u64) -> Bench {
        Bench::with(now, usize::MAX, Wheel::new(Deadline::from_nanos(now)))
    }

    /// A wheel of which so few timers move down at a time.
    pub(crate) fn striding(now: u64, stride: usize) -> Bench {
        Bench::with(now, stride, Wheel::striding(Deadline::from_nanos(now), stride))
    }

    fn with(now: u64, stride: usize, wheel: Wheel) -> Bench {
        Bench {
            now,
            wheel: Arc::new(wheel),
            timers: Vec::new(),
            stride,
            stopped_short: false,
            oracle: BTreeMap::new(),
            keys: Vec::new(),
            registrations: 0,
            log: Arc::default(),
        }
    }

    pub(crate) fn earliest(&self) -> Option<u64> {
        self.oracle.keys().next().map(|(deadline, _)| *deadline)
    }

    fn enter(&mut self, number: usize, deadline: u64) {
        let key = (deadline, self.registrations);
        self.registrations += 1;
        self.oracle.insert(key, number);
        self.keys[number] = Some(key);
    }

    fn leave(&mut self, number: usize) -> bool {
        self.keys[number].take().is_some_and(|key| self.oracle.remove(&key).is_some())
    }

    pub(crate) fn insert(&mut self, delay: u64) {
        let deadline = self.now.saturating_add(delay).min(LATEST);
        let number = self.timers.len();
        self.timers.push(Box::pin(Timer::new(Deadline::from_nanos(deadline), None)));
        self.keys.push(None);
        let waker = Waker::from(Arc::new(Scribe { number, log: self.log.clone() }));
        let bound = self.bound();
        let now = Deadline::from_nanos(self.now);
        let timer = self.timers[number].as_mut();
        let state = timer.poll(|| now, &waker, |_| Some(self.wheel.clone()));
        let expected = match deadline {
            _ if deadline <= self.now => TimerState::Due,
            _ if bound.is_none_or(|bound| deadline < bound) => TimerState::First,
            _ => TimerState::Waiting,
        };
        if self.is_behind() {
            // Whoever sleeps may have heard of an earlier deadline, or of a later one.
            assert_ne!(state, TimerState::Closed);
        } else {
            assert_eq!(state, expected);
        }
        if state != TimerState::Due {
            self.enter(number, deadline);
        }
    }

    pub(crate) fn cancel(&mut self, number: usize) {
        self.leave(number);
        self.timers[number] = Box::pin(Timer::new(Deadline::NEVER, None));
    }

    pub(crate) fn reset(&mut self, number: usize, delay: u64) {
        let deadline = self.now.saturating_add(delay).min(LATEST);
        let (bound, is_behind) = (self.bound(), self.is_behind());
        let waits = self.leave(number);
        let first = self.timers[number].as_mut().reset(Deadline::from_nanos(deadline), None);
        assert_eq!(self.timers[number].deadline(), Deadline::from_nanos(deadline));
        assert!(is_behind || first == (waits && bound.is_none_or(|bound| deadline < bound)));
        if waits {
            self.enter(number, deadline);
        }
    }

    fn bound(&self) -> Option<u64> {
        self.wheel.next_deadline().map(Deadline::as_nanos)
    }

    /// Says whether the wheel has something to do.
    fn is_behind(&self) -> bool {
        self.bound().is_some_and(|bound| bound <= self.now)
    }

    /// Lets the wheel fire, all that is due.
    pub(crate) fn advance(&mut self, to: u64) {
        self.fire(to);
        let mut more = 0;
        while self.is_behind() {
            self.fire(to);
            more += 1;
            assert!(more <= 8 * self.timers.len(), "the wheel does not come to an end");
        }
        assert!(self.earliest().is_none_or(|earliest| earliest > self.now), "one was forgotten");
    }

    /// Lets the wheel fire once: what is due or, if it has to move many timers, the first of that.
    pub(crate) fn fire(&mut self, to: u64) {
        self.now = self.now.max(to);
        let too_many = self.oracle.len() > self.stride;
        let mut wakers = Vec::new();
        let count = self.wheel.fire(Deadline::from_nanos(self.now), &mut wakers);
        assert_eq!(count, wakers.len());
        wakers.into_iter().for_each(Waker::wake);
        let fired = std::mem::take(&mut *self.log.lock().unwrap());
        for number in fired {
            let (key, first) = self.oracle.pop_first().expect("nothing is left that could fire");
            assert_eq!(number, first, "another one comes first, at {key:?}");
            assert!(key.0 <= self.now && self.timers[number].is_fired());
            self.keys[number] = None;
        }
        self.stopped_short = too_many && self.is_behind();
    }

    /// The wheel's next deadline is never later than the oracle's, and never in the past, except when it stopped short:
    /// then the worker has to come back though nothing may be due.
    pub(crate) fn check(&self) {
        let (next, earliest) = (self.wheel.next_deadline(), self.earliest());
        assert_eq!(next.is_none(), earliest.is_none());
        if let (Some(next), Some(earliest)) = (next, earliest) {
            assert!(next.as_nanos() <= earliest, "{next:?} is too late for {earliest}");
            let is_ahead = next.as_nanos() > self.now;
            assert!(is_ahead || self.stopped_short, "{next:?} would not let anyone sleep");
        }
    }

    /// Sleeps from deadline to deadline until nothing is left. How often it slept.
    pub(crate) fn drain(&mut self) -> usize {
        let mut sleeps = 0;
        while let Some(next) = self.wheel.next_deadline() {
            self.advance(next.as_nanos());
            sleeps += 1;
            assert!(sleeps <= 8 * (self.timers.len() + 1), "the wheel does not come to an end");
        }
        assert!(self.oracle.is_empty());
        sleeps
    }
}
