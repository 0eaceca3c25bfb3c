//! A closed loop over many connections where there is no epoll: a blocking thread for each.
//!
//! The twin of `crowd.rs`; figures of the two cannot be compared.

use std::io;
use std::net::TcpStream;
use std::thread;

use crate::client::round_trip;
use crate::clock::{nanoseconds, now};

/// Makes at least `trips` round trips over all of `streams` together, and returns the nanoseconds per round trip.
pub(crate) fn nanoseconds_per_trip(streams: &mut [TcpStream], trips: u32) -> io::Result<f64> {
    let connections = u32::try_from(streams.len()).expect("as many connections as threads can be");
    let each = trips.div_ceil(connections);
    let start = now();
    thread::scope(|scope| {
        let all_trips =
            |stream: &mut TcpStream| (0..each).try_for_each(|_| round_trip(&mut *stream));
        let threads: Vec<_> =
            streams.iter_mut().map(|stream| scope.spawn(move || all_trips(stream))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })?;
    Ok(nanoseconds(start.elapsed()) / f64::from(each * connections))
}
