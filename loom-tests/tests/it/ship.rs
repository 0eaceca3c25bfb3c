//! A crew with jobs that have ends, on threads that are started and sleep as a model wants it; for the models of `crew`.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loom::sync::Notify;
use loom::thread;
use pelmeni_core::park::Parker;
use pelmeni_scheduler::model::{Crew, Rest, Stranded};

/// What threads share: a crew, and how it is with threads and time.
pub(crate) struct Ship {
    pub(crate) crew: Crew<Job>,
    /// Whether the thread with this number can be started.
    starts: fn(usize) -> bool,
    sleep: Sleep,
    nap: Sleep,
    alert: Sleep,
    started: AtomicUsize,
}

/// How long an idle thread sleeps.
pub(crate) enum Sleep {
    UntilCalled,
    UntilAfter(Arc<Event>),
    NotAtAll,
}

impl Ship {
    pub(crate) fn new(
        crew: Crew<Job>,
        starts: fn(usize) -> bool,
        sleep: Sleep,
    ) -> loom::sync::Arc<Ship> {
        Ship::with(crew, starts, sleep, Sleep::NotAtAll, Sleep::NotAtAll)
    }

    pub(crate) fn with(
        crew: Crew<Job>,
        starts: fn(usize) -> bool,
        sleep: Sleep,
        nap: Sleep,
        alert: Sleep,
    ) -> loom::sync::Arc<Ship> {
        let started = AtomicUsize::new(0);
        loom::sync::Arc::new(Ship { crew, starts, sleep, nap, alert, started })
    }

    pub(crate) fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    pub(crate) fn await_all(&self) {
        assert_eq!(self.crew.await_all(|| Duration::MAX), 0, "all threads have ended");
    }
}

pub(crate) fn always(_: usize) -> bool {
    true
}

pub(crate) fn never(_: usize) -> bool {
    false
}

pub(crate) fn submit(ship: &loom::sync::Arc<Ship>, job: Job) {
    submit_as(ship, KIND, job, false);
}

/// Submits a job that is awaited, and waits for it.
pub(crate) fn call(ship: &loom::sync::Arc<Ship>) {
    let (job, receipt) = Job::new();
    submit_as(ship, KIND, job, true);
    assert_eq!(receipt.wait(), End::Ran);
}

pub(crate) fn submit_as(ship: &loom::sync::Arc<Ship>, kind: usize, job: Job, is_awaited: bool) {
    let start = |number| start(ship, number);
    if let Err(Stranded { jobs, .. }) = ship.crew.submit(kind, job, is_awaited, start) {
        jobs.into_iter().for_each(|job| job.end(End::Refused));
    }
}

fn start(ship: &loom::sync::Arc<Ship>, number: usize) -> io::Result<()> {
    if !(ship.starts)(number) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    ship.started.fetch_add(1, Ordering::SeqCst);
    let ship = ship.clone();
    thread::spawn(move || {
        let sleep = |parker: &Parker, rest| {
            let how = match rest {
                Rest::Alert => &ship.alert,
                Rest::Idle => &ship.sleep,
                Rest::Nap => &ship.nap,
            };
            match how {
                Sleep::UntilCalled => parker.park(None),
                Sleep::UntilAfter(event) => event.wait(),
                Sleep::NotAtAll => {}
            }
        };
        ship.crew.work(|number| start(&ship, number), Job::run, sleep);
        ship.crew.end();
    });
    Ok(())
}

/// Of jobs.
pub(crate) const KIND: usize = 16;
/// Of jobs of which it is not known that they are short.
pub(crate) const OTHER: usize = 32;

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Ran,
    Refused,
    Dropped,
}

pub(crate) struct Job {
    receipt: Receipt,
    /// It blocks until this one has ended.
    pub(crate) blocks_on: Option<Receipt>,
}

/// A job's handle. At most one thread waits for it at a time.
#[derive(Clone, Default)]
pub(crate) struct Receipt(Arc<(Mutex<Option<End>>, Event)>);

impl Job {
    pub(crate) fn new() -> (Job, Receipt) {
        let receipt = Receipt::default();
        (Job { receipt: receipt.clone(), blocks_on: None }, receipt)
    }

    fn run(self, _is_timed: bool) -> Option<Duration> {
        if let Some(other) = &self.blocks_on {
            other.0.1.wait();
        }
        self.end(End::Ran);
        None
    }

    fn end(&self, end: End) {
        let before = self.receipt.0.0.lock().unwrap().replace(end);
        assert_eq!(before, None, "a job ends once");
        self.receipt.0.1.set();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.receipt.end().is_none() {
            self.end(End::Dropped);
        }
    }
}

impl Receipt {
    pub(crate) fn end(&self) -> Option<End> {
        *self.0.0.lock().unwrap()
    }

    /// Lets go who blocks on a receipt that is no job's.
    pub(crate) fn set(&self) {
        self.0.1.set();
    }

    pub(crate) fn wait(&self) -> End {
        self.0.1.wait();
        self.end().expect("the end is set before the event")
    }
}

/// Something that happens once.
#[derive(Default)]
pub(crate) struct Event {
    set: AtomicBool,
    bell: Notify,
}

impl Event {
    pub(crate) fn set(&self) {
        self.set.store(true, Ordering::SeqCst);
        self.bell.notify();
    }

    pub(crate) fn wait(&self) {
        while !self.set.load(Ordering::SeqCst) {
            self.bell.wait();
        }
    }
}
