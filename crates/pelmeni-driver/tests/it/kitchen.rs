//! What the tests cook with: every kind of poller, wakers that count, threads that take turns.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use pelmeni_driver::{Deadline, Direction, Driver, PollerKind, Registration, clock};

pub(crate) const KINDS: [PollerKind; 3] =
    [PollerKind::Direct, PollerKind::Portable, PollerKind::Oneshot];

/// So long no test waits, unless something is broken.
pub(crate) const FOREVER: Duration = Duration::from_secs(20);

/// Runs a test with each kind of poller.
pub(crate) fn with_each_poller(test: impl Fn(&Arc<Driver>)) {
    for kind in KINDS {
        eprintln!("poller: {kind:?}");
        test(&Driver::with_poller(kind).unwrap());
    }
}

/// A waker that counts how often it was woken, and lets a thread wait for it.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    heard: Mutex<usize>,
    changed: Condvar,
}

impl Wake for Ear {
    fn wake(self: Arc<Self>) {
        *self.heard.lock().unwrap() += 1;
        self.changed.notify_all();
    }
}

impl Ear {
    pub(crate) fn new() -> Arc<Ear> {
        Arc::default()
    }

    pub(crate) fn waker(self: &Arc<Ear>) -> Waker {
        Waker::from(self.clone())
    }

    /// How often it was woken.
    pub(crate) fn heard(&self) -> usize {
        *self.heard.lock().unwrap()
    }

    /// Waits until it has been woken more often than `before`.
    fn listen(&self, before: usize) {
        let heard = self.heard.lock().unwrap();
        let quiet = |heard: &mut usize| *heard == before;
        let outcome = self.changed.wait_timeout_while(heard, FOREVER, quiet).unwrap();
        assert!(!outcome.1.timed_out(), "nobody woke the waiter");
    }
}

/// A connected pair: the far end, as it is, and the near end, which belongs to a driver.
pub(crate) struct Pair {
    pub(crate) near: Line,
    pub(crate) far: UnixStream,
}

/// A stream with its registration, in the order in which they must go.
pub(crate) struct Line {
    pub(crate) registration: Registration,
    pub(crate) stream: UnixStream,
}

impl Pair {
    pub(crate) fn new(driver: &Arc<Driver>) -> Pair {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        Pair { near: Line::new(driver, near), far }
    }

    /// As [`new`](Pair::new), with a near end that says that it owns its descriptor.
    pub(crate) fn owning(driver: &Arc<Driver>) -> Pair {
        let Pair { near, far } = Pair::new(driver);
        Pair { near: Line::owning(driver, near.stream), far }
    }
}

impl Line {
    pub(crate) fn new(driver: &Arc<Driver>, stream: UnixStream) -> Line {
        Line { registration: Registration::new(driver.clone()), stream }
    }

    pub(crate) fn owning(driver: &Arc<Driver>, stream: UnixStream) -> Line {
        Line { registration: Registration::new(driver.clone()).owning(), stream }
    }

    pub(crate) fn poll_read(&self, waker: &Waker, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(waker);
        let wanted = buffer.len();
        let read = || (&self.stream).read(buffer);
        self.registration.poll_transfer(&mut cx, &self.stream, Direction::Read, wanted, read)
    }

    pub(crate) fn poll_write(&self, waker: &Waker, data: &[u8]) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(waker);
        let write = || (&self.stream).write(data);
        self.registration.poll_transfer(&mut cx, &self.stream, Direction::Write, data.len(), write)
    }

    /// Writes until there is no room and `waker` waits for some. How much it was.
    pub(crate) fn fill(&self, waker: &Waker) -> usize {
        let mut total = 0;
        while let Poll::Ready(count) = self.poll_write(waker, &[7; 4096]) {
            total += count.unwrap();
        }
        total
    }
}

/// One turn that waits until something comes. How many wakers it woke.
pub(crate) fn turn(driver: &Driver) -> usize {
    driver.try_claim().expect("nobody else has the turn").wait(Some(FOREVER)).unwrap()
}

/// One turn that only looks.
pub(crate) fn glance(driver: &Driver) -> usize {
    driver.try_claim().expect("nobody else has the turn").wait(Some(Duration::ZERO)).unwrap()
}

/// Takes turns until `done`.
pub(crate) fn turn_until(driver: &Driver, mut done: impl FnMut() -> bool) {
    let end = Deadline::after(FOREVER);
    while !done() {
        turn(driver);
        assert!(clock::now() < end, "no turn brought what was waited for");
    }
}

/// Polls until it is ready, while another thread takes the turns.
pub(crate) fn block_on<R>(mut poll: impl FnMut(&Waker) -> Poll<R>) -> R {
    let ear = Ear::new();
    let waker = ear.waker();
    loop {
        let before = ear.heard();
        if let Poll::Ready(done) = poll(&waker) {
            return done;
        }
        ear.listen(before);
    }
}

/// Runs `work` while another thread takes the turns.
pub(crate) fn with_turns<R>(driver: &Driver, work: impl FnOnce() -> R) -> R {
    struct Stop<'a>(&'a AtomicBool, &'a Driver);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
            self.1.notify();
        }
    }

    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stopped.load(Ordering::SeqCst) {
                driver.try_claim().expect("nobody else takes turns").wait(None).unwrap();
            }
        });
        let _stop = Stop(&stopped, driver);
        work()
    })
}
