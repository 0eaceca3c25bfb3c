//! A waker that a model's thread can sleep on, and that counts.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use pelmeni_core::primitive::{self, Condvar, Mutex};

/// A waker for the root of a model's thread. Waking it leaves a token; a thread that waits for one that never comes is a
/// deadlock.
#[derive(Debug)]
pub struct Alarm {
    inner: Mutex<Inner>,
    bell: Condvar,
    /// An alarm that is never dropped is a waker that somebody has kept: loom sees this leak.
    _life: primitive::Arc<()>,
}

#[derive(Debug, Default)]
struct Inner {
    rung: bool,
    wakes: usize,
}

impl Alarm {
    /// An alarm that has not rung.
    pub fn new() -> Arc<Alarm> {
        Arc::new(Alarm {
            inner: Mutex::default(),
            bell: Condvar::new(),
            _life: primitive::Arc::new(()),
        })
    }

    /// A waker that rings it.
    pub fn waker(self: &Arc<Alarm>) -> Waker {
        Waker::from(self.clone())
    }

    /// How often it was rung.
    pub fn wakes(&self) -> usize {
        self.inner.lock().wakes
    }

    /// Waits until it is rung and takes the token.
    pub fn wait(&self) {
        let mut inner = self.inner.lock();
        while !inner.rung {
            inner = self.bell.wait(inner);
        }
        inner.rung = false;
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        inner.rung = true;
        inner.wakes += 1;
        drop(inner);
        self.bell.notify_one();
    }
}

/// Polls a future once with the alarm's waker.
pub fn poll_once<F: Future + Unpin>(future: &mut F, alarm: &Arc<Alarm>) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(&alarm.waker()))
}

/// Runs a future on a model's thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let alarm = Alarm::new();
    let waker = alarm.waker();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        alarm.wait();
    }
}
