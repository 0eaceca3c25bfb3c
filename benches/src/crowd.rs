//! A closed loop over many connections: one thread on epoll.
//!
//! Level-triggered, and a connection is read only when something is there: no call blocks or fails with `EAGAIN`, and a
//! round trip costs the client one read, one write and its share of a wait.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use rustix::event::epoll;

use crate::client::MESSAGE;
use crate::clock::{nanoseconds, now};

const EVENTS_PER_WAIT: usize = 256;

/// Makes `trips` round trips over all of `streams` together, and returns the nanoseconds per round trip.
pub(crate) fn nanoseconds_per_trip(streams: &mut [TcpStream], trips: u32) -> io::Result<f64> {
    let poller = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (key, stream) in (0..).zip(streams.iter()) {
        epoll::add(&poller, stream, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
    }
    let mut missing = vec![MESSAGE.len(); streams.len()];
    let mut events = Vec::with_capacity(EVENTS_PER_WAIT);
    let start = now();
    for stream in streams.iter_mut() {
        stream.write_all(&MESSAGE)?;
    }
    let (mut made, mut on_their_way) = (0, streams.len());
    let mut time = start.elapsed();
    while on_their_way > 0 {
        events.clear();
        epoll::wait(&poller, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let key = usize::try_from(event.data.u64()).expect("a key is an index");
            if !is_back(&mut streams[key], &mut missing[key])? {
                continue;
            }
            made += 1;
            if made < trips {
                streams[key].write_all(&MESSAGE)?;
                continue;
            }
            // The clock stops at the last trip; what is still under way comes back before the connections close.
            if made == trips {
                time = start.elapsed();
            }
            on_their_way -= 1;
        }
    }
    Ok(nanoseconds(time) / f64::from(trips))
}

/// Reads what came back, and returns whether the message is complete.
fn is_back(stream: &mut TcpStream, missing: &mut usize) -> io::Result<bool> {
    let mut buffer = [0; MESSAGE.len()];
    let length = stream.read(&mut buffer[..*missing])?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    *missing -= length;
    if *missing > 0 {
        return Ok(false);
    }
    *missing = MESSAGE.len();
    Ok(true)
}
