//! TCP echo: a server on the runtime under test, and a client that uses none ([`crate::client`]).
//!
//! ```text
//!   server (runtime under test)                client (this program, started once more)
//!   listen ── starts the client with the address ──> connect n times
//!   a task per connection: read, write_all     <──   64 bytes on a connection, more when they are back
//!   every task reads the end                   <──   closes, prints what it measured
//! ```
//! The figure of the closed loop is wall time over round trips: with many connections the inverse of throughput, not a
//! latency.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::client::{self, Load};
use crate::clock::Scale;
use crate::rival::Rival;
use crate::timers::block_and_pause;

/// Serves `connections` connections that send without pause; returns microseconds per round trip.
pub(crate) async fn echo<R: Rival>(scale: Scale, connections: u32) -> f64 {
    let trips = if connections == 1 { scale.of(30_000) } else { scale.of(100_000) };
    serve::<R>(Load::Closed, connections, trips).await
}

/// Serves 16 connections that send every millisecond, while a task blocks its worker for 20 ms of every 40; returns the
/// 99th percentile of their round trips in microseconds.
///
/// One thread cannot do better than 20 ms.
pub(crate) async fn beside_a_blocker<R: Rival>(scale: Scale) -> f64 {
    let blocking = Arc::new(AtomicBool::new(true));
    let blocker = R::spawn({
        let blocking = Arc::clone(&blocking);
        async move {
            // Relaxed: a flag that only ends the loop.
            while blocking.load(Ordering::Relaxed) {
                block_and_pause::<R>().await;
            }
        }
    });
    let percentile = serve::<R>(Load::Paced, 16, scale.of(1_000)).await;
    blocking.store(false, Ordering::Relaxed);
    R::join(blocker).await;
    percentile
}

/// Serves one client until it closes its connections, and returns what it measured in microseconds.
async fn serve<R: Rival>(load: Load, connections: u32, trips: u32) -> f64 {
    let (listener, address) = R::listen().await.expect("a free port");
    let client =
        client::start(load, address, connections, trips).expect("this program starts again");
    let mut servers = Vec::new();
    for _ in 0..connections {
        let stream = R::accept(&listener).await.expect("the client connects");
        servers.push(R::spawn(serve_connection::<R>(stream)));
    }
    for server in servers {
        R::join(server).await.expect("the client reads and writes until it closes");
    }
    // This blocks the worker, but only for an instant: the connections are closed, the client is about to end.
    client::result_of(client) / 1e3
}

async fn serve_connection<R: Rival>(mut stream: R::Stream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = R::read(&mut stream, &mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        R::write_all(&mut stream, &buffer[..length]).await?;
    }
}
