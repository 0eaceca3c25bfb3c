//! What a workload may ask of a runtime: the smallest face that pelmeni and its peers share.
//!
//! Workloads are written once, generic over [`Rival`], and compiled for each runtime: the calls are static, and nothing
//! is boxed between a workload and the runtime under test. The functions have no receiver because every runtime here
//! knows the current one by itself; only [`Rival::run`] names the number of threads.
//!
//! For each runtime the root future runs **on a worker**, so that no measurement includes a hop from a thread that only
//! waits.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A runtime under test.
pub trait Rival: 'static {
    /// The handle of a spawned task.
    type Join<T: Send + 'static>: Send + 'static;
    /// A handle of the runtime.
    type Spawner: Clone + Send + Sync + 'static;
    /// A bound TCP listener.
    type Listener: Send + Sync + 'static;
    /// A connected TCP stream.
    type Stream: Send + 'static;

    /// Starts a runtime of `threads` workers, runs `root` on one of them, and tears the runtime down.
    ///
    /// One thread means the single-threaded mode of a runtime that has one.
    fn run<T: Send + 'static>(threads: usize, root: impl Future<Output = T> + Send + 'static) -> T;

    /// Spawns a task on the current runtime.
    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Self::Join<T>;

    /// Returns what lets a thread that is no worker spawn tasks on the current runtime.
    fn spawner() -> Self::Spawner;

    /// Spawns a task from a thread that is no worker, and lets it run by itself.
    fn spawn_from_outside(
        spawner: &Self::Spawner,
        future: impl Future<Output = ()> + Send + 'static,
    );

    /// Waits for a task and returns its output.
    fn join<T: Send + 'static>(handle: Self::Join<T>) -> impl Future<Output = T> + Send;

    /// Lets a task run on by itself.
    fn detach<T: Send + 'static>(handle: Self::Join<T>);

    /// Runs `work` on a thread that may block, and waits for its output.
    fn run_blocking<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send;

    /// Makes the runtime's own channel for one message, or what is used with it where it has none: a function that sends it,
    /// and a future that receives it.
    fn oneshot() -> (impl FnOnce() + Send + 'static, impl Future<Output = ()> + Send + 'static);

    /// Waits for `duration`.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;

    /// Gives the other tasks of this worker a turn.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// Listens on a free port of the loopback interface.
    fn listen() -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>> + Send;

    /// Waits for a connection, and switches Nagle's algorithm off for it.
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Reads what is there into `buffer`, and returns the number of bytes.
    fn read(
        stream: &mut Self::Stream,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Writes all of `bytes`.
    fn write_all(
        stream: &mut Self::Stream,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<()>> + Send;
}
