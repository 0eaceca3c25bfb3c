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

use crate::client::{self, Load};
use crate::clock::Scale;
use crate::rival::Rival;
use crate::row::Row;

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("echo-1", "TCP echo, 1 connection", "us/trip", |s| echo::<R>(s, 1)),
        Row::new("echo-1-core", "  on 1 core", "us/trip", |s| echo::<R>(s, 1)).on_one_core(),
        Row::new("echo-64", "TCP echo, 64 connections", "us/trip", |s| echo::<R>(s, 64)),
        Row::new("echo-1000", "TCP echo, 1000 connections", "us/trip", |s| echo::<R>(s, 1000)),
        Row::new("connect", "TCP echo, 1 trip a connection", "us/trip", connect::<R>),
    ]
}

/// Serves `connections` connections that send without pause; returns microseconds per round trip.
pub(crate) async fn echo<R: Rival>(scale: Scale, connections: u32) -> f64 {
    let trips = if connections == 1 { scale.of(30_000) } else { scale.of(100_000) };
    serve::<R>(Load::Closed, connections, trips).await
}

/// Serves 16 at a time, each of which connects, sends, receives and closes, over and over; returns microseconds per
/// connection.
async fn connect<R: Rival>(scale: Scale) -> f64 {
    const AT_A_TIME: u32 = 16;
    let (listener, address) = R::listen().await.expect("a free port");
    let trips = scale.of(20_000) / AT_A_TIME;
    let client =
        client::start(Load::Fresh, address, AT_A_TIME, trips).expect("this program starts again");
    for _ in 0..AT_A_TIME * trips {
        let stream = R::accept(&listener).await.expect("the client connects");
        R::detach(R::spawn(serve_until_closed::<R>(stream)));
    }
    // The last connections are not served yet: this must not block a worker.
    R::run_blocking(move || client::result_of(client)).await / 1e3
}

async fn serve_until_closed<R: Rival>(stream: R::Stream) {
    serve_connection::<R>(stream).await.expect("the client reads and writes until it closes");
}

/// Serves one client until it closes its connections, and returns what it measured in microseconds.
pub(crate) async fn serve<R: Rival>(load: Load, connections: u32, trips: u32) -> f64 {
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
