//! The client of the echo workloads: plain system calls in a process of its own, the same for every runtime.
//!
//! | load | what it does | what it prints |
//! |---|---|---|
//! | `closed`, 1 connection | a message and its answer, over and over, by blocking calls | nanoseconds per round trip |
//! | `closed`, many | a message on its way on every connection, always (`crowd.rs`) | the same |
//! | `paced` | a thread per connection: a round trip, a pause | the 99th percentile of the round trips |
//! | `fresh` | a thread per connection: connects, makes a round trip, closes, over and over | nanoseconds per connection |
//!
//! Pauses are exponentially distributed, as those of people who know nothing of each other. With equal ones the clients fall
//! into step: those who are answered together sleep together, and come back together, so that after a while the percentile
//! says how large a crowd has formed, and less how long the server takes for it.
//!
//! Connecting and one round trip on each connection come before the clock starts, but for `fresh`.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::clock::{nanoseconds, now, percentile_99};
use crate::crowd;

/// What goes there and back.
pub(crate) const MESSAGE: [u8; 64] = [b'x'; 64];

/// The first argument of a client: `--client closed|paced|fresh ADDRESS CONNECTIONS TRIPS`.
const CLIENT: &str = "--client";
/// How long the pauses are on average.
const PAUSE: Duration = Duration::from_millis(1);

/// When a client sends the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// As soon as the last one is back.
    Closed,
    /// A pause after that, each of another length.
    Paced,
    /// As soon as there is a new connection in place of the last one.
    Fresh,
}

impl Load {
    const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Paced => "paced",
            Self::Fresh => "fresh",
        }
    }
}

/// Starts this program once more, as the client of a server.
pub(crate) fn start(
    load: Load,
    server: SocketAddr,
    connections: u32,
    trips: u32,
) -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args([CLIENT, load.name()])
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
        panic!("{CLIENT} takes a load, an address, and the numbers of connections and round trips");
    };
    let (server, connections, trips) = (parsed(server), parsed(connections), parsed(trips));
    crate::descriptors::allow_all();
    sleep_as_usual();
    let measured = match load.as_str() {
        "closed" => connect(server, connections).and_then(|streams| closed(streams, trips)),
        "paced" => connect(server, connections).and_then(|streams| paced(streams, trips)),
        "fresh" => fresh(server, connections, trips),
        _ => panic!("{CLIENT} {load}: the load is closed, paced or fresh"),
    };
    println!("{}", measured.expect("the server answers every message"));
    true
}

/// Has this thread, and those that it starts, sleep as in any program: up to 50 us too long. A process inherits how punctual
/// the thread is that starts it, and a worker of pelmeni is: its clients would keep another beat than those of its rivals.
#[cfg(target_os = "linux")]
fn sleep_as_usual() {
    const SLACK: u64 = 50_000; // nanoseconds
    rustix::thread::set_current_timer_slack(SLACK.try_into().ok()).expect("it can be set");
}

#[cfg(not(target_os = "linux"))]
fn sleep_as_usual() {}

fn parsed<T: FromStr>(argument: &str) -> T {
    argument.parse().unwrap_or_else(|_| panic!("{CLIENT} cannot make sense of `{argument}`"))
}

fn connect(server: SocketAddr, connections: u32) -> io::Result<Vec<TcpStream>> {
    (0..connections).map(|_| connect_once(server)).collect()
}

/// Connects and makes a round trip.
fn connect_once(server: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    round_trip(&mut stream)?;
    Ok(stream)
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
    let times_of = |seed: u64, stream: &mut TcpStream| -> io::Result<Vec<f64>> {
        let mut random = Rng::with_seed(seed);
        let timed = |_| {
            thread::sleep(PAUSE.mul_f64(-(1.0 - random.f64()).ln()));
            let start = now();
            round_trip(stream)?;
            Ok(nanoseconds(start.elapsed()))
        };
        (0..trips).map(timed).collect()
    };
    let mut times = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .zip(&mut streams)
            .map(|(seed, stream)| scope.spawn(move || times_of(seed, stream)))
            .collect();
        for thread in threads {
            times.extend(thread.join().expect("no thread panics")?);
        }
        Ok::<_, io::Error>(())
    })?;
    Ok(percentile_99(&mut times))
}

/// Makes `trips` round trips in each of so many threads, every one on a connection of its own.
fn fresh(server: SocketAddr, threads: u32, trips: u32) -> io::Result<f64> {
    let start = now();
    thread::scope(|scope| {
        let all_trips = move || (0..trips).try_for_each(|_| connect_once(server).map(drop));
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(all_trips)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })?;
    Ok(nanoseconds(start.elapsed()) / f64::from(threads * trips))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::num::NonZeroU64;
    use std::thread;

    use rustix::thread::{current_timer_slack, set_current_timer_slack};

    #[test]
    fn client_sleeps_as_usual_whoever_starts_it() {
        set_current_timer_slack(Some(NonZeroU64::MIN)).unwrap();
        super::sleep_as_usual();
        let inherited = thread::scope(|scope| scope.spawn(current_timer_slack).join().unwrap());
        assert_eq!((current_timer_slack(), inherited), (Ok(50_000), Ok(50_000)));
    }
}
