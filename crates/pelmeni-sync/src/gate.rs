//! One lock around what a primitive knows and who waits for it, and the future that waits.
//!
//! Every primitive of this crate is a [`Gate`] with its own [`Rules`]: what it knows (so many permits, a flag), what
//! happens when a request arrives, and what when one leaves. All of it changes under the one lock, so a waiter cannot
//! fall between the look at the state and the way into the queue, and a grant always has exactly one owner: the rules,
//! then the entry of a waiter, then whoever polled it ready, or the rules again if the waiter leaves before.
//!
//! No user code runs under the lock. The wakers that an operation collects are invoked after it ([`Gate::with`]); a
//! waker is cloned before the lock is taken and the one it replaces is dropped after ([`Wait::poll`]). Since cloning may
//! take time, or change the world, everything is looked at again afterwards.

use crate::waiters::{End, Stage, Ticket, Waiters};
use pelmeni_core::coop;
use pelmeni_core::primitive::{Mutex, seeded};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Seeded bug: wakers are invoked with the lock held.
const WAKES_UNDER_LOCK: u16 = 25;

/// Seeded bug: a waiter does not look again after it has cloned its waker.
const DOES_NOT_LOOK_AGAIN: u16 = 27;

/// What a primitive knows, besides who waits, and how it decides. Called under the lock: none of it may panic.
pub(crate) trait Rules {
    /// What one waiter asks for. The rules may write an answer into it.
    type Request: Copy + Unpin;

    /// A request arrives. `Some` ends it at once; `None` changes nothing and sends it to the end of the queue, with
    /// perhaps another call on the way there.
    fn arrive(
        &mut self,
        request: &mut Self::Request,
        waiters: &mut Waiters<Self::Request>,
    ) -> Option<End>;

    /// A waiter has left without fetching how its wait ended, if it has. What it was granted is the rules' again.
    fn leave(
        &mut self,
        request: Self::Request,
        ended: Option<End>,
        waiters: &mut Waiters<Self::Request>,
    );
}

/// Rules and waiters behind one lock.
pub(crate) struct Gate<R: Rules> {
    inner: Mutex<Inner<R>>,
}

struct Inner<R: Rules> {
    rules: R,
    waiters: Waiters<R::Request>,
}

impl<R: Rules> Gate<R> {
    pub(crate) fn new(rules: R) -> Self {
        Gate { inner: Mutex::new(Inner { rules, waiters: Waiters::new() }) }
    }

    /// Changes the state under the lock, then wakes those whose wait it has ended.
    ///
    /// The answer is the caller's to drop, without the lock: wakers may leave that way.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut R, &mut Waiters<R::Request>) -> T) -> T {
        let mut inner = self.inner.lock();
        let Inner { rules, waiters } = &mut *inner;
        let answer = change(rules, waiters);
        let wakers = waiters.take_wakers();
        if seeded(WAKES_UNDER_LOCK) {
            wakers.wake();
            return answer;
        }
        drop(inner);
        wakers.wake();
        answer
    }

    /// A request, which is made when the future is polled first.
    pub(crate) fn wait(&self, request: R::Request) -> Wait<'_, R> {
        Wait { gate: self, place: Place::Outside(request) }
    }
}

/// What was waited for will not come any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

/// A request and its wait: ready with the request as the rules have left it, or closed.
///
/// Dropping it takes the request back, or hands on what it was granted.
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Wait<'a, R: Rules> {
    gate: &'a Gate<R>,
    place: Place<R::Request>,
}

/// Where a request is.
enum Place<Q> {
    /// With the future: it was not made yet.
    Outside(Q),
    /// In an entry of the list.
    Inside(Ticket),
    /// Gone: the future was ready.
    Done,
}

/// What one look under the lock leads to.
enum Look<Q> {
    Ready(End, Q),
    Pending,
    /// To another look, with a clone of the waker at hand.
    NeedsWaker,
}

impl<R: Rules> Future for Wait<'_, R> {
    type Output = Result<R::Request, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Wait { gate, place } = self.get_mut();
        assert!(!matches!(place, Place::Done), "a future was polled after it was ready");
        coop::poll_leaf(cx, |cx| {
            // On the way in a clone of the task's waker, on the way out the one that it replaces.
            let mut spare = None;
            loop {
                let waker = cx.waker();
                match gate.with(|rules, waiters| place.look(rules, waiters, waker, &mut spare)) {
                    Look::Ready(End::Granted, answer) => return Poll::Ready(Ok(answer)),
                    Look::Ready(End::Closed, _) => return Poll::Ready(Err(Closed)),
                    Look::Pending => return Poll::Pending,
                    Look::NeedsWaker => spare = Some(waker.clone()),
                }
            }
        })
    }
}

impl<R: Rules> Drop for Wait<'_, R> {
    fn drop(&mut self) {
        if let Place::Inside(ticket) = &self.place {
            let stage = self.gate.with(|rules, waiters| {
                let (request, stage) = waiters.remove(ticket);
                rules.leave(request, stage.end(), waiters);
                stage
            });
            // The waker in it goes here, without the lock.
            drop(stage);
        }
    }
}

impl<Q: Copy> Place<Q> {
    /// One look under the lock. `spare` is empty on the first look, and a clone of `waker` on those after.
    fn look(
        &mut self,
        rules: &mut impl Rules<Request = Q>,
        waiters: &mut Waiters<Q>,
        waker: &Waker,
        spare: &mut Option<Waker>,
    ) -> Look<Q> {
        match self {
            Place::Outside(request) => {
                let looks = spare.is_none() || !seeded(DOES_NOT_LOOK_AGAIN);
                if looks && let Some(end) = rules.arrive(request, waiters) {
                    let answer = *request;
                    *self = Place::Done;
                    return Look::Ready(end, answer);
                }
                let Some(clone) = spare.take() else {
                    return Look::NeedsWaker;
                };
                *self = Place::Inside(waiters.push(*request, clone));
                Look::Pending
            }
            Place::Inside(ticket) => match waiters.stage(ticket) {
                Stage::Waiting(stored) if stored.will_wake(waker) => Look::Pending,
                Stage::Waiting(stored) => {
                    let Some(clone) = spare else {
                        return Look::NeedsWaker;
                    };
                    mem::swap(stored, clone);
                    Look::Pending
                }
                Stage::Ended(end) => {
                    let end = *end;
                    let (answer, _) = waiters.remove(ticket);
                    *self = Place::Done;
                    Look::Ready(end, answer)
                }
            },
            // `poll` has refused before it came here.
            Place::Done => Look::Pending,
        }
    }
}
