//! Several futures as tasks, and all their results: [`gather`], [`try_gather`], [`gather_iter`].
//!
//! Each future becomes a task, in the order of the arguments, when the gathering is awaited. The last task that ends wakes
//! whoever gathers, once; so does one that fails. A request to cancel is passed to all tasks, and goes on outwards when
//! they have ended.

mod children;
mod countdown;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pelmeni_core::cancel::{Held, unaffected};

use children::{Child, Children, Failure, Starter};
use countdown::Countdown;

/// Runs several futures as tasks and waits for all of them; the results come in the order of the arguments.
///
/// Takes a tuple, an array or a `Vec` of futures; for other collections there is [`gather_iter`]. On one thread the tasks run
/// concurrently, in the order of the arguments; on many they run in parallel.
///
/// If a task panics, so does this, at once; the others run on. If one is cancelled by somebody else, whoever gathers is sent
/// a request to cancel, as asyncio raises `CancelledError`; the others run on.
///
/// # Cancel safety
/// A request to cancel is sent to every task, and goes on outwards when all of them have ended. Dropping it sends one to
/// every task and does not wait.
///
/// # Panics
/// When it is awaited outside a runtime.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// # use pelmeni::{gather, sleep};
/// async fn boil(what: &'static str, millis: u64) -> &'static str {
///     sleep(Duration::from_millis(millis)).await;
///     what
/// }
/// let menu = pelmeni::run(async { gather([boil("soup", 9), boil("tea", 3)]).await });
/// assert_eq!(menu, ["soup", "tea"]);
/// ```
#[track_caller]
pub fn gather<G: Gatherable>(futures: G) -> Gather<G> {
    Gather { gathering: Gathering::new(futures, Location::caller()) }
}

/// As [`gather`], for the futures of any iterator.
#[track_caller]
pub fn gather_iter<F>(futures: impl IntoIterator<Item = F>) -> Gather<Vec<F>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let futures: Vec<F> = futures.into_iter().collect();
    Gather { gathering: Gathering::new(futures, Location::caller()) }
}

/// As [`gather`], for futures whose results can be errors: ends with the first error, at once.
///
/// The tasks that have not ended then run on by themselves.
///
/// # Cancel safety
/// As for [`gather`].
///
/// # Errors
/// The error of the task that failed first.
///
/// # Panics
/// When it is awaited outside a runtime, or a task panics.
///
/// # Examples
/// ```
/// # use pelmeni::try_gather;
/// async fn number(text: &'static str) -> Result<i32, std::num::ParseIntError> {
///     text.parse()
/// }
/// let sum = pelmeni::run(async {
///     let (one, two) = try_gather((number("1"), number("2"))).await?;
///     Ok::<_, std::num::ParseIntError>(one + two)
/// });
/// assert_eq!(sum, Ok(3));
/// ```
#[track_caller]
pub fn try_gather<G: TryGatherable>(futures: G) -> TryGather<G> {
    TryGather { gathering: Gathering::new(futures, Location::caller()) }
}

/// What [`gather`] takes: a tuple of up to eight futures, an array, or a `Vec`.
pub trait Gatherable: sealed::Plain {}

/// What [`try_gather`] takes: as [`Gatherable`], of futures whose results have one type of error.
pub trait TryGatherable: sealed::Fallible {}

impl<G: sealed::Plain> Gatherable for G {}
impl<G: sealed::Fallible> TryGatherable for G {}

/// The future of [`gather`].
#[must_use = "futures do nothing unless awaited or spawned"]
pub struct Gather<G: Gatherable> {
    gathering: Gathering<G, G::Children>,
}

/// The future of [`try_gather`].
#[must_use = "futures do nothing unless awaited or spawned"]
pub struct TryGather<G: TryGatherable> {
    gathering: Gathering<G, G::Children>,
}

impl<G: Gatherable> Future for Gather<G> {
    type Output = <G::Children as Children>::Outputs;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.gathering.poll(cx, G::start).map(|Ok(outputs)| outputs)
    }
}

impl<G: TryGatherable> Future for TryGather<G> {
    type Output = Result<<G::Children as Children>::Outputs, <G::Children as Children>::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.gathering.poll(cx, G::start)
    }
}

impl<G: Gatherable> Unpin for Gather<G> {}
impl<G: TryGatherable> Unpin for TryGather<G> {}

impl<G: Gatherable> fmt::Debug for Gather<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

impl<G: TryGatherable> fmt::Debug for TryGather<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryGather").finish_non_exhaustive()
    }
}

/// What both kinds of gathering do.
struct Gathering<G, C: Children> {
    stage: Stage<G, C>,
    countdown: Arc<Countdown>,
    /// Requests that were passed to the tasks and go on outwards when these have ended.
    held: Vec<Held>,
    location: &'static Location<'static>,
}

enum Stage<G, C> {
    Futures(G),
    Running(C),
    /// The outcome was given, or goes its own way; tasks that still run are on their own.
    Over,
}

impl<G, C: Children> Gathering<G, C> {
    fn new(futures: G, location: &'static Location<'static>) -> Self {
        let stage = Stage::Futures(futures);
        Gathering { stage, countdown: Countdown::new(), held: Vec::new(), location }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        start: impl FnOnce(G, &mut Starter<'_>) -> C,
    ) -> Poll<Result<C::Outputs, C::Error>> {
        if let Stage::Futures(_) = self.stage
            && let Stage::Futures(futures) = std::mem::replace(&mut self.stage, Stage::Over)
        {
            let mut starter = Starter::new(&self.countdown, self.location);
            self.stage = Stage::Running(start(futures, &mut starter));
        }
        let Stage::Running(children) = &mut self.stage else {
            return Poll::Pending; // a request to cancel is on its way to whoever drops this
        };
        if let Some(held) = Held::take() {
            children.cancel();
            self.held.push(held);
        }
        let is_cancelled = !self.held.is_empty();
        if !self.countdown.is_over(!is_cancelled, cx.waker()) {
            return Poll::Pending;
        }
        if is_cancelled {
            // All have ended, and what they were asked to end for goes on.
            self.stage = Stage::Over;
            self.held.clear();
            return Poll::Pending;
        }
        // All of them at once: it is one operation of this task.
        match unaffected(|| children.poll_ended(cx)) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => {
                let outputs = children.outputs();
                self.stage = Stage::Over;
                Poll::Ready(Ok(outputs))
            }
            Poll::Ready(Err(failure)) => {
                self.stage = Stage::Over;
                fail(failure)
            }
        }
    }
}

/// Ends a gathering whose tasks have not all ended with results.
fn fail<T, E>(failure: Failure<E>) -> Poll<Result<T, E>> {
    match failure {
        Failure::Error(error) => Poll::Ready(Err(error)),
        Failure::Join(error) => match error.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(_cancelled) => {
                drop(Held::one()); // what asyncio raises here as CancelledError
                Poll::Pending
            }
        },
    }
}

impl<G, C: Children> Drop for Gathering<G, C> {
    fn drop(&mut self) {
        if let Stage::Running(children) = &self.stage {
            children.cancel();
        }
    }
}

mod sealed {
    use super::*;

    pub trait Plain {
        type Children: Children<Error = Infallible>;
        fn start(self, starter: &mut Starter<'_>) -> Self::Children;
    }

    pub trait Fallible {
        type Children: Children;
        fn start(self, starter: &mut Starter<'_>) -> Self::Children;
    }

    impl<F> Plain for Vec<F>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        type Children = Vec<Child<F::Output, Infallible>>;
        fn start(self, starter: &mut Starter<'_>) -> Self::Children {
            self.into_iter().map(|future| starter.spawn(plain(future))).collect()
        }
    }

    impl<F, const N: usize> Plain for [F; N]
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        type Children = [Child<F::Output, Infallible>; N];
        fn start(self, starter: &mut Starter<'_>) -> Self::Children {
            self.map(|future| starter.spawn(plain(future)))
        }
    }

    impl<F, T, E> Fallible for Vec<F>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        type Children = Vec<Child<T, E>>;
        fn start(self, starter: &mut Starter<'_>) -> Self::Children {
            self.into_iter().map(|future| starter.spawn(future)).collect()
        }
    }

    impl<F, T, E, const N: usize> Fallible for [F; N]
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        type Children = [Child<T, E>; N];
        fn start(self, starter: &mut Starter<'_>) -> Self::Children {
            self.map(|future| starter.spawn(future))
        }
    }

    /// A future that cannot fail, as one that could.
    async fn plain<F: Future>(future: F) -> Result<F::Output, Infallible> {
        Ok(future.await)
    }

    macro_rules! tuple_of_futures {
        ($($f:ident $i:tt),+) => {
            impl<$($f),+> Plain for ($($f,)+)
            where $($f: Future + Send + 'static, $f::Output: Send + 'static),+ {
                type Children = ($(Child<$f::Output, Infallible>,)+);
                fn start(self, starter: &mut Starter<'_>) -> Self::Children {
                    ($(starter.spawn(plain(self.$i)),)+)
                }
            }
        };
    }
    tuple_of_futures!(A 0);
    tuple_of_futures!(A 0, B 1);
    tuple_of_futures!(A 0, B 1, C 2);
    tuple_of_futures!(A 0, B 1, C 2, D 3);
    tuple_of_futures!(A 0, B 1, C 2, D 3, F 4);
    tuple_of_futures!(A 0, B 1, C 2, D 3, F 4, G 5);
    tuple_of_futures!(A 0, B 1, C 2, D 3, F 4, G 5, H 6);
    tuple_of_futures!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7);

    macro_rules! tuple_of_fallible_futures {
        ($($f:ident $t:ident $i:tt),+) => {
            impl<X: Send + 'static, $($f, $t),+> Fallible for ($($f,)+)
            where $($f: Future<Output = Result<$t, X>> + Send + 'static, $t: Send + 'static),+ {
                type Children = ($(Child<$t, X>,)+);
                fn start(self, starter: &mut Starter<'_>) -> Self::Children {
                    ($(starter.spawn(self.$i),)+)
                }
            }
        };
    }
    tuple_of_fallible_futures!(A T 0);
    tuple_of_fallible_futures!(A T 0, B U 1);
    tuple_of_fallible_futures!(A T 0, B U 1, C V 2);
    tuple_of_fallible_futures!(A T 0, B U 1, C V 2, D W 3);
    tuple_of_fallible_futures!(A T 0, B U 1, C V 2, D W 3, F Y 4);
    tuple_of_fallible_futures!(A T 0, B U 1, C V 2, D W 3, F Y 4, G Z 5);
    tuple_of_fallible_futures!(A T 0, B U 1, C V 2, D W 3, F Y 4, G Z 5, H S 6);
    tuple_of_fallible_futures!(A T 0, B U 1, C V 2, D W 3, F Y 4, G Z 5, H S 6, I R 7);
}
