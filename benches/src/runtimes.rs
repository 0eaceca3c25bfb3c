//! pelmeni, tokio and smol as [`Rival`]s, with the settings a user gets by default.
//!
//! | threads | pelmeni | tokio | smol |
//! |---|---|---|---|
//! | 1 | `threads(1)` | `current_thread` | one thread inside `Executor::run` |
//! | n | `threads(n)` | `multi_thread`, n workers | n threads inside `Executor::run` of one `Executor` |
//! | root | on the calling worker | a spawned task | a spawned task |

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::rival::Rival;

/// The receiver of a message waits for it.
const OPEN: &str = "a workload waits for its message";
/// The sender of a message sends it.
const SENT: &str = "a workload sends its message";
/// Any free port.
const LOOPBACK: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// pelmeni itself.
#[derive(Clone, Copy, Debug)]
pub struct Pelmeni;

impl Rival for Pelmeni {
    type Join<T: Send + 'static> = pelmeni::JoinHandle<T>;
    type Spawner = pelmeni::Handle;
    type Listener = pelmeni::net::TcpListener;
    type Stream = pelmeni::net::TcpStream;

    fn run<T: Send + 'static>(threads: usize, root: impl Future<Output = T> + Send + 'static) -> T {
        pelmeni::Builder::new().threads(threads).build().expect("threads start").run(root)
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Self::Join<T> {
        pelmeni::spawn(future)
    }

    fn spawner() -> Self::Spawner {
        pelmeni::Handle::current()
    }

    fn spawn_from_outside(
        spawner: &Self::Spawner,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        drop(spawner.spawn(future));
    }

    async fn join<T: Send + 'static>(handle: Self::Join<T>) -> T {
        handle.await.expect("a workload's task ends by itself")
    }

    fn detach<T: Send + 'static>(handle: Self::Join<T>) {
        drop(handle);
    }

    async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        pelmeni::spawn_blocking(work).await.expect("a workload's function does not panic")
    }

    fn oneshot() -> (impl FnOnce() + Send + 'static, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = pelmeni::sync::oneshot::channel();
        let send = || sender.send(()).expect(OPEN);
        (send, async { receiver.await.expect(SENT) })
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        pelmeni::sleep(duration)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        pelmeni::yield_now()
    }

    async fn listen() -> io::Result<(Self::Listener, SocketAddr)> {
        let listener = pelmeni::net::TcpListener::bind(LOOPBACK).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }

    async fn write_all(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }
}

/// tokio.
#[derive(Clone, Copy, Debug)]
pub struct Tokio;

impl Tokio {
    fn builder(threads: usize) -> tokio::runtime::Builder {
        if threads == 1 {
            return tokio::runtime::Builder::new_current_thread();
        }
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads);
        builder
    }
}

impl Rival for Tokio {
    type Join<T: Send + 'static> = tokio::task::JoinHandle<T>;
    type Spawner = tokio::runtime::Handle;
    type Listener = tokio::net::TcpListener;
    type Stream = tokio::net::TcpStream;

    fn run<T: Send + 'static>(threads: usize, root: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = Self::builder(threads).enable_all().build().expect("threads start");
        // `block_on` polls its future on a thread that is no worker, so the root is a task and `block_on` only waits.
        runtime.block_on(async { Self::join(tokio::spawn(root)).await })
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Self::Join<T> {
        tokio::spawn(future)
    }

    fn spawner() -> Self::Spawner {
        tokio::runtime::Handle::current()
    }

    fn spawn_from_outside(
        spawner: &Self::Spawner,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        drop(spawner.spawn(future));
    }

    async fn join<T: Send + 'static>(handle: Self::Join<T>) -> T {
        handle.await.expect("a workload's task ends by itself")
    }

    fn detach<T: Send + 'static>(handle: Self::Join<T>) {
        drop(handle);
    }

    async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(work).await.expect("a workload's function does not panic")
    }

    fn oneshot() -> (impl FnOnce() + Send + 'static, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let send = || sender.send(()).expect(OPEN);
        (send, async { receiver.await.expect(SENT) })
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        tokio::task::yield_now()
    }

    async fn listen() -> io::Result<(Self::Listener, SocketAddr)> {
        let listener = tokio::net::TcpListener::bind(LOOPBACK).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        tokio::io::AsyncReadExt::read(stream, buffer).await
    }

    async fn write_all(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()> {
        tokio::io::AsyncWriteExt::write_all(stream, bytes).await
    }
}

/// smol: one `Executor` for the process, as `smol::spawn` has, with as many threads in it as asked for.
#[derive(Clone, Copy, Debug)]
pub struct Smol;

static EXECUTOR: smol::Executor<'static> = smol::Executor::new();

impl Rival for Smol {
    type Join<T: Send + 'static> = smol::Task<T>;
    type Spawner = ();
    type Listener = smol::net::TcpListener;
    type Stream = smol::net::TcpStream;

    fn run<T: Send + 'static>(threads: usize, root: impl Future<Output = T> + Send + 'static) -> T {
        let (running, stop) = smol::channel::bounded::<()>(1);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let stop = stop.clone();
                scope.spawn(move || smol::block_on(EXECUTOR.run(stop.recv())));
            }
            let output = smol::block_on(EXECUTOR.run(EXECUTOR.spawn(root)));
            // The others' `recv` ends when the last sender is gone.
            drop(running);
            output
        })
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Self::Join<T> {
        EXECUTOR.spawn(future)
    }

    fn spawner() -> Self::Spawner {}

    fn spawn_from_outside(
        _spawner: &Self::Spawner,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        EXECUTOR.spawn(future).detach();
    }

    fn join<T: Send + 'static>(handle: Self::Join<T>) -> impl Future<Output = T> + Send {
        handle
    }

    fn detach<T: Send + 'static>(handle: Self::Join<T>) {
        handle.detach();
    }

    async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        smol::unblock(work).await
    }

    fn oneshot() -> (impl FnOnce() + Send + 'static, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = futures::channel::oneshot::channel();
        let send = || sender.send(()).expect(OPEN);
        (send, async { receiver.await.expect(SENT) })
    }

    async fn sleep(duration: Duration) {
        smol::Timer::after(duration).await;
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        smol::future::yield_now()
    }

    async fn listen() -> io::Result<(Self::Listener, SocketAddr)> {
        let listener = smol::net::TcpListener::bind(LOOPBACK).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        smol::io::AsyncReadExt::read(stream, buffer).await
    }

    async fn write_all(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()> {
        smol::io::AsyncWriteExt::write_all(stream, bytes).await
    }
}
