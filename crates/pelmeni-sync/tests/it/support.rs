//! A future that is polled by hand, with a waker that counts; and a small source of random numbers.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

/// Counts how often it was woken.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    pub(crate) fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future in a test's hands.
pub(crate) struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    counter: Arc<Counter>,
}

impl<'a, T> Task<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'a) -> Self {
        Task { future: Box::pin(future), counter: Arc::default() }
    }

    /// A future that was polled once and waits.
    #[track_caller]
    pub(crate) fn waiting(future: impl Future<Output = T> + 'a) -> Self {
        let mut task = Task::new(future);
        assert!(task.poll().is_pending(), "it does not have to wait");
        task
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        self.poll_with(&Waker::from(self.counter.clone()))
    }

    pub(crate) fn poll_with(&mut self, waker: &Waker) -> Poll<T> {
        self.future.as_mut().poll(&mut Context::from_waker(waker))
    }

    /// Polls it once and for the last time.
    #[track_caller]
    pub(crate) fn ready(mut self) -> T {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it has to wait"),
        }
    }

    pub(crate) fn wakes(&self) -> usize {
        self.counter.wakes()
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.wakes() > 0
    }

    /// How many clones of the waker somebody keeps.
    pub(crate) fn wakers_kept(&self) -> usize {
        Arc::strong_count(&self.counter) - 1
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }
}

/// Runs this on a thread of its own and gives it a minute: a scenario that could lock itself out fails and does not hang.
#[track_caller]
pub(crate) fn in_time(scenario: impl FnOnce() + Send + 'static) {
    let (sender, done) = mpsc::channel();
    let run = move || {
        scenario();
        sender.send(()).expect("the test waits");
    };
    let thread = thread::Builder::new().spawn(run).expect("a thread for a test");
    match done.recv_timeout(Duration::from_secs(60)) {
        Ok(()) => {}
        Err(RecvTimeoutError::Timeout) => panic!("it is stuck"),
        Err(RecvTimeoutError::Disconnected) => resume_unwind(thread.join().unwrap_err()),
    }
}
