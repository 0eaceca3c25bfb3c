//! A bare queue for tasks, and things that count.

use std::collections::VecDeque;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use pelmeni_core::list::Inbox;
use pelmeni_core::{Cause, JoinError, JoinHandle, Owner, Runnable, Schedule, TaskInfo, task};

/// A number that several hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A value that counts itself while it lives.
    pub(crate) fn live(&self) -> Live {
        self.add();
        Live(self.clone())
    }
}

/// Counts down when it is dropped.
#[derive(Debug)]
pub(crate) struct Live(Count);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Panics when it is dropped, after it has counted down. The panic makes no noise: it calls no hook.
#[derive(Debug)]
pub(crate) struct Bomb {
    _live: Live,
    armed: bool,
}

impl Bomb {
    pub(crate) fn new(live: Live, armed: bool) -> Bomb {
        Bomb { _live: live, armed }
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.armed {
            explode("bomb");
        }
    }
}

/// Panics without noise.
pub(crate) fn explode(word: &'static str) -> ! {
    resume_unwind(Box::new(word))
}

/// Where tasks wait to be run, and what has happened to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bench {
    ready: Arc<Mutex<VecDeque<Runnable>>>,
    /// Whose the tasks are, if anybody's, and what comes for him.
    owner: Option<Arc<Owner>>,
    inbox: Arc<Inbox>,
    causes: Arc<Mutex<Vec<Cause>>>,
    pub(crate) released: Count,
    /// Tasks whose memory is not freed.
    pub(crate) homes: Count,
    reports: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
struct Home {
    bench: Bench,
    _live: Live,
}

// SAFETY: `schedule` works on a clone, which keeps the bench.
#[expect(unsafe_code, reason = "the promise of a scheduler")]
unsafe impl Schedule for Home {
    fn schedule(&self, task: Runnable, cause: Cause) {
        let bench = self.bench.clone();
        bench.causes.lock().unwrap().push(cause);
        bench.submit(task);
    }

    fn release(&self) {
        self.bench.released.add();
    }

    fn describe(&self) -> TaskInfo {
        TaskInfo::new(Some("soup".into()), Location::caller())
    }

    fn unobserved(&self, panic: &JoinError) {
        self.bench.reports.lock().unwrap().push(panic.to_string());
    }
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::default()
    }

    /// One whose tasks have an owner.
    pub(crate) fn owned() -> Bench {
        Bench { owner: Owner::new().map(Arc::new), ..Bench::default() }
    }

    /// This thread is the owner during the call, if the tasks have one. What is left goes to the inbox.
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: tests enter one after the other; what is made or woken elsewhere goes through the inbox; the tasks end.
        #[expect(unsafe_code, reason = "one thread at a time")]
        let here = self.owner.as_ref().map(|owner| unsafe { owner.enter() });
        self.ready.lock().unwrap().extend(self.inbox.take_all());
        let result = f();
        let left = std::mem::take(&mut *self.ready.lock().unwrap());
        for task in left {
            self.inbox.push(task);
        }
        drop(here);
        result
    }

    /// Queues a task, here or for whoever comes.
    pub(crate) fn submit(&self, task: Runnable) {
        if self.owner.as_ref().is_none_or(|owner| owner.is_here()) {
            self.ready.lock().unwrap().push_back(task);
        } else {
            self.inbox.push(task);
        }
    }

    /// Makes a task and leaves it to the caller to run it.
    pub(crate) fn make<F>(&self, future: F) -> (Runnable, JoinHandle<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task(future, self.owner.as_deref(), |_| Home {
            bench: self.clone(),
            _live: self.homes.live(),
        })
    }

    /// Makes a task and runs it until it waits.
    pub(crate) fn start<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (runnable, handle) = self.make(future);
        runnable.run();
        self.run();
        handle
    }

    /// Takes the next task.
    pub(crate) fn next(&self) -> Option<Runnable> {
        self.ready.lock().unwrap().pop_front()
    }

    /// Runs what is ready, and what becomes ready by it; answers how many polls that was.
    pub(crate) fn run(&self) -> usize {
        let mut polls = 0;
        while let Some(task) = self.next() {
            task.run();
            polls += 1;
            assert!(polls < 10_000, "the tasks never come to rest");
        }
        polls
    }

    /// For what tasks were scheduled since the last question.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        std::mem::take(&mut self.causes.lock().unwrap())
    }

    /// The panics that nobody has learned from a handle.
    pub(crate) fn reports(&self) -> Vec<String> {
        std::mem::take(&mut self.reports.lock().unwrap())
    }
}

/// A waker that is not a task's.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    pub(crate) rings: AtomicUsize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }
}

impl Bell {
    pub(crate) fn new() -> Arc<Bell> {
        Arc::default()
    }

    pub(crate) fn rings(&self) -> usize {
        self.rings.load(Ordering::SeqCst)
    }
}

/// Polls a future once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Polls a future once.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// What a task that has ended gives.
#[track_caller]
pub(crate) fn result<T>(mut handle: JoinHandle<T>) -> Result<T, JoinError> {
    match poll_once(&mut handle) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the task has not ended: {handle:?}"),
    }
}

/// A door that tasks wait at. It keeps the waker of the last one that came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Door {
    inner: Arc<Mutex<Inner>>,
    pub(crate) polls: Count,
}

#[derive(Debug, Default)]
struct Inner {
    open: bool,
    waker: Option<Waker>,
}

impl Door {
    pub(crate) fn new() -> Door {
        Door::default()
    }

    /// Waits until the door is open.
    pub(crate) async fn pass(&self) {
        std::future::poll_fn(|cx| {
            self.polls.add();
            let mut inner = self.inner.lock().unwrap();
            if inner.open {
                return Poll::Ready(());
            }
            inner.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// A waker of whoever waits.
    pub(crate) fn waker(&self) -> Waker {
        self.inner.lock().unwrap().waker.clone().expect("somebody waits at the door")
    }

    /// Opens the door and wakes whoever waits.
    pub(crate) fn open(&self) {
        let waker = {
            let mut inner = self.inner.lock().unwrap();
            inner.open = true;
            inner.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}
