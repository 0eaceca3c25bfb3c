//! The tasks that a gathering has started: one [`Child`], or a tuple, an array or a `Vec` of them.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pelmeni_core::{JoinError, JoinHandle};
use pelmeni_scheduler::Batch;

use super::countdown::Countdown;

/// Why a gathering has no results.
#[derive(Debug)]
pub enum Failure<E> {
    /// A task returned this error.
    Error(E),
    /// A task panicked or was cancelled.
    Join(JoinError),
}

/// Tasks that end with results of their own types, or with errors of one.
pub trait Children: Unpin {
    type Outputs;
    type Error;

    /// Looks at the tasks that have ended. Ready when all have, or with the first failure among them.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure<Self::Error>>>;

    /// Sends each task a request to cancel.
    fn cancel(&self);

    /// The results, once `poll_ended` was ready without a failure.
    fn outputs(&mut self) -> Self::Outputs;
}

/// One task.
pub struct Child<T, E> {
    state: State<T, E>,
}

enum State<T, E> {
    Running(JoinHandle<Result<T, E>>),
    Ended(T),
    Over,
}

impl<T, E> Unpin for Child<T, E> {}

/// Starts the tasks of one gathering, all at once.
#[derive(Debug)]
pub struct Starter<'c> {
    batch: Batch,
    countdown: &'c Arc<Countdown>,
}

impl<'c> Starter<'c> {
    pub(super) fn new(
        countdown: &'c Arc<Countdown>,
        location: &'static Location<'static>,
    ) -> Starter<'c> {
        Starter { batch: Batch::new("gather", location), countdown }
    }

    pub(super) fn spawn<T, E>(
        &mut self,
        future: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Child<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        Child { state: State::Running(self.batch.spawn(self.countdown.count(future))) }
    }
}

impl<T, E> Children for Child<T, E> {
    type Outputs = T;
    type Error = E;

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure<E>>> {
        let State::Running(handle) = &mut self.state else {
            return Poll::Ready(Ok(()));
        };
        let outcome = ready!(Pin::new(handle).poll(cx));
        let (state, outcome) = match outcome {
            Ok(Ok(value)) => (State::Ended(value), Ok(())),
            Ok(Err(error)) => (State::Over, Err(Failure::Error(error))),
            Err(error) => (State::Over, Err(Failure::Join(error))),
        };
        self.state = state;
        Poll::Ready(outcome)
    }

    fn cancel(&self) {
        if let State::Running(handle) = &self.state {
            handle.cancel();
        }
    }

    fn outputs(&mut self) -> T {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ended(value) => value,
            State::Running(_) | State::Over => unreachable!("each task has ended with a value"),
        }
    }
}

/// Polls one after the other: a failure ends the round, and whatever is pending makes the round pending.
fn poll_round<E>(rounds: impl Iterator<Item = Poll<Result<(), E>>>) -> Poll<Result<(), E>> {
    let mut all = Poll::Ready(Ok(()));
    for one in rounds {
        match one {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => all = Poll::Pending,
        }
    }
    all
}

impl<C: Children> Children for Vec<C> {
    type Outputs = Vec<C::Outputs>;
    type Error = C::Error;

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure<C::Error>>> {
        poll_round(self.iter_mut().map(|child| child.poll_ended(cx)))
    }

    fn cancel(&self) {
        self.iter().for_each(Children::cancel);
    }

    fn outputs(&mut self) -> Self::Outputs {
        self.iter_mut().map(Children::outputs).collect()
    }
}

impl<C: Children, const N: usize> Children for [C; N] {
    type Outputs = [C::Outputs; N];
    type Error = C::Error;

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure<C::Error>>> {
        poll_round(self.iter_mut().map(|child| child.poll_ended(cx)))
    }

    fn cancel(&self) {
        self.iter().for_each(Children::cancel);
    }

    fn outputs(&mut self) -> Self::Outputs {
        self.each_mut().map(Children::outputs)
    }
}

/// Tuples: two function bodies, written once for each length.
macro_rules! tuple_of_children {
    ($($t:ident $i:tt),+) => {
        impl<X, $($t: Children<Error = X>),+> Children for ($($t,)+) {
            type Outputs = ($($t::Outputs,)+);
            type Error = X;
            fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure<X>>> {
                poll_round([$(self.$i.poll_ended(cx)),+].into_iter())
            }
            fn cancel(&self) { $(self.$i.cancel();)+ }
            fn outputs(&mut self) -> Self::Outputs { ($(self.$i.outputs(),)+) }
        }
    };
}
tuple_of_children!(A 0);
tuple_of_children!(A 0, B 1);
tuple_of_children!(A 0, B 1, C 2);
tuple_of_children!(A 0, B 1, C 2, D 3);
tuple_of_children!(A 0, B 1, C 2, D 3, F 4);
tuple_of_children!(A 0, B 1, C 2, D 3, F 4, G 5);
tuple_of_children!(A 0, B 1, C 2, D 3, F 4, G 5, H 6);
tuple_of_children!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7);

impl<T, E> fmt::Debug for Child<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Running(_) => "Running",
            State::Ended(_) => "Ended",
            State::Over => "Over",
        })
    }
}
