//! What several models use: values whose life is tracked, and a cup for a waker.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A value that counts its drops, and whose leak loom sees.
#[derive(Debug)]
pub(crate) struct Tracked {
    drops: Arc<AtomicUsize>,
    _life: loom::sync::Arc<()>,
}

/// How many of the values made for it are gone. It is std's, so that loom does not branch on the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn track(&self) -> Tracked {
        Tracked { drops: self.0.clone(), _life: loom::sync::Arc::new(()) }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

/// Hands the waker of a task's first poll to the model, before the model's threads start. Loom does not see the lock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cup(Arc<Mutex<Option<Waker>>>);

impl Cup {
    /// Waits for one poll and leaves the waker in the cup.
    pub(crate) async fn fill(&self) {
        let mut filled = false;
        poll_fn(|cx: &mut Context<'_>| {
            if filled {
                return Poll::Ready(());
            }
            filled = true;
            *self.0.lock().unwrap() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// What is in the cup.
    pub(crate) fn take(&self) -> Waker {
        self.0.lock().unwrap().take().expect("the task was polled")
    }
}
