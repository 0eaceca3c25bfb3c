//! The client of the echo workloads: plain system calls in a process of its own, the same for every runtime.
//!
//! | load | what it does | what it prints |
//! |---|---|---|
//! | `closed`, 1 connection | a message and its answer, over and over, by blocking calls | nanoseconds per round trip |
//! | `closed`, many | a message on its way on every connection, always (`crowd.rs`) | the same |
//! | `paced` | a thread per connection: a round trip, a millisecond's pause | the 99th percentile of the round trips |
//!
//! Connecting and one round trip on each connection come before the clock starts.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use crate::clock::{nanoseconds, now, percentile_99};
use crate::crowd;

/// What goes there and back.
pub(crate) const MESSAGE: [u8; 64] = [b'x'; 64];

/// The first argument of a client: `--client closed|paced ADDRESS CONNECTIONS TRIPS`.
const CLIENT: &str = "--client";
const PAUSE: Duration = Duration::from_millis(1);

/// When a client sends the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// As soon as the last one is back.
    Closed,
    /// A pause after that.
    Paced,
}

/// Starts this program once more, as the client of a server.
pub(crate) fn start(
    load: Load,
    server: SocketAddr,
    connections: u32,
    trips: u32,
) -> io::Result<Child> {
    let load = if load == Load::Closed { "closed" } else { "paced" };
    Command::new(std::env::current_exe()?)
        .args([CLIENT, load])
        .args([server.to_string(), connections.to_string(), trips.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
}

/// Returns what a client has measured, in nanoseconds.
///
/// Blocks the thread until the client has ended.
pub(crate) fn result_of(mut client: Child) -> f64 {
    let mut output = String::new();
    client.stdout.take().expect("a pipe").read_to_string(&mut output).expect("text on the pipe");
    client.wait().expect("the client ends");
    output.trim().parse().expect("the client prints one number")
}

/// Runs the client and returns true if the arguments of this process ask for it.
///
/// To be called first in the `main` of every program that measures echo.
///
/// # Panics
///
/// Panics if the arguments are incomplete or the server does not answer.
#[must_use]
pub fn ran_as_client() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_none_or(|first| first != CLIENT) {
        return false;
    }
    let [_, load, server, connections, trips] = arguments.as_slice() else {
        panic!(
            "{CLIENT} takes closed or paced, an address, and the numbers of connections and round trips"
        );
    };
    let (connections, trips) = (parsed(connections), parsed(trips));
    let streams = connect(parsed(server), connections).expect("the server accepts and answers");
    let measured = match load.as_str() {
        "closed" => closed(streams, trips),
        "paced" => paced(streams, trips),
        _ => panic!("{CLIENT} {load}: the load is closed or paced"),
    };
    println!("{}", measured.expect("the server answers every message"));
    true
}

fn parsed<T: FromStr>(argument: &str) -> T {
    argument.parse().unwrap_or_else(|_| panic!("{CLIENT} cannot make sense of `{argument}`"))
}

fn connect(server: SocketAddr, connections: u32) -> io::Result<Vec<TcpStream>> {
    let connect = |_| {
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        round_trip(&mut stream)?;
        Ok(stream)
    };
    (0..connections).map(connect).collect()
}

/// Sends the message and waits for it to come back.
pub(crate) fn round_trip(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; MESSAGE.len()];
    stream.write_all(&MESSAGE)?;
    stream.read_exact(&mut buffer)
}

fn closed(mut streams: Vec<TcpStream>, trips: u32) -> io::Result<f64> {
    let [stream] = streams.as_mut_slice() else {
        return crowd::nanoseconds_per_trip(&mut streams, trips);
    };
    let start = now();
    for _ in 0..trips {
        round_trip(stream)?;
    }
    Ok(nanoseconds(start.elapsed()) / f64::from(trips))
}

/// Makes `trips` round trips on each of the streams.
fn paced(mut streams: Vec<TcpStream>, trips: u32) -> io::Result<f64> {
    let times_of = |stream: &mut TcpStream| -> io::Result<Vec<f64>> {
        let timed = |_| {
            thread::sleep(PAUSE);
            let start = now();
            round_trip(stream)?;
            Ok(nanoseconds(start.elapsed()))
        };
        (0..trips).map(timed).collect()
    };
    let mut times = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> =
            streams.iter_mut().map(|stream| scope.spawn(move || times_of(stream))).collect();
        for thread in threads {
            times.extend(thread.join().expect("no thread panics")?);
        }
        Ok::<_, io::Error>(())
    })?;
    Ok(percentile_99(&mut times))
}
