//! Who reads less than asked for need not try again before an event comes, and misses nothing by it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pelmeni_driver::{Direction, Driver, PollerKind, Registration};

use crate::kitchen::{Ear, glance, turn, turn_until, with_each_poller};

/// Our end of a connection, and how often it was read.
struct Near {
    registration: Registration,
    stream: TcpStream,
    reads: usize,
}

impl Near {
    /// A connection whose near end is registered, because it has waited once.
    fn registered(driver: &Arc<Driver>) -> (Near, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut near = Near { registration: Registration::new(driver.clone()), stream, reads: 0 };
        let ear = Ear::new();
        assert!(near.read(&ear.waker(), 1).is_pending());
        glance(driver); // that it can be written to
        far.write_all(b"!").unwrap();
        turn_until(driver, || ear.heard() > 0);
        assert_eq!(near.read(&ear.waker(), 1), Poll::Ready(1));
        near.reads = 0;
        (near, far)
    }

    fn read(&mut self, waker: &Waker, wanted: usize) -> Poll<usize> {
        let mut buffer = vec![0; wanted];
        let Near { registration, stream, reads } = self;
        let read = || {
            *reads += 1;
            (&*stream).read(&mut buffer)
        };
        let mut cx = Context::from_waker(waker);
        registration
            .poll_transfer(&mut cx, stream, Direction::Read, wanted, read)
            .map(Result::unwrap)
    }

    /// Reads until the end, with a buffer that is larger than all that comes.
    fn read_to_end(&mut self, driver: &Driver) -> usize {
        let ear = Ear::new();
        let mut bytes = 0;
        loop {
            let before = ear.heard();
            match self.read(&ear.waker(), 64) {
                Poll::Ready(0) => return bytes,
                Poll::Ready(read) => bytes += read,
                Poll::Pending => turn_until(driver, || ear.heard() > before),
            }
        }
    }
}

#[test]
fn next_read_is_not_tried_before_an_event() {
    let driver = Driver::with_poller(PollerKind::Direct).unwrap();
    let (mut near, mut far) = Near::registered(&driver);
    let ear = Ear::new();
    for _ in 0..3 {
        near.reads = 0;
        assert!(near.read(&ear.waker(), 64).is_pending());
        far.write_all(b"soup").unwrap();
        while turn(&driver) == 0 {}
        let before = near.reads;
        assert_eq!(near.read(&ear.waker(), 64), Poll::Ready(4));
        assert!(near.read(&ear.waker(), 64).is_pending());
        assert!(near.read(&ear.waker(), 64).is_pending());
        // Elsewhere than on Linux an event may be an end, and it is tried.
        if cfg!(target_os = "linux") {
            assert_eq!(near.reads - before, 1, "the one that succeeded");
        }
    }
}

#[test]
fn full_buffer_says_nothing() {
    with_each_poller(|driver| {
        let (mut near, mut far) = Near::registered(driver);
        let ear = Ear::new();
        assert!(near.read(&ear.waker(), 4).is_pending());
        far.write_all(b"dumplings").unwrap();
        turn_until(driver, || ear.heard() > 0);
        assert_eq!(near.read(&ear.waker(), 4), Poll::Ready(4));
        assert_eq!(near.read(&ear.waker(), 4), Poll::Ready(4));
        assert_eq!(near.read(&ear.waker(), 4), Poll::Ready(1));
        assert!(near.read(&ear.waker(), 4).is_pending());
    });
}

/// Bytes and the end are one event: no second one will come.
// regress: a FIN that arrives before the read
#[test]
fn end_that_came_with_the_bytes_is_found() {
    with_each_poller(|driver| {
        let (mut near, mut far) = Near::registered(driver);
        let ear = Ear::new();
        assert!(near.read(&ear.waker(), 64).is_pending());
        far.write_all(b"soup").unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        turn_until(driver, || ear.heard() > 0);
        assert_eq!(near.read_to_end(driver), 4);
    });
}

#[test]
fn end_that_comes_after_the_bytes_is_found() {
    with_each_poller(|driver| {
        let (mut near, mut far) = Near::registered(driver);
        let ear = Ear::new();
        assert!(near.read(&ear.waker(), 64).is_pending());
        far.write_all(b"soup").unwrap();
        turn_until(driver, || ear.heard() > 0);
        assert_eq!(near.read(&ear.waker(), 64), Poll::Ready(4));
        far.shutdown(Shutdown::Write).unwrap();
        assert_eq!(near.read_to_end(driver), 0);
    });
}

/// Before the reader has seen the event of the bytes, but after the driver has.
#[test]
fn end_between_the_event_and_the_read_is_found() {
    with_each_poller(|driver| {
        let (mut near, mut far) = Near::registered(driver);
        let ear = Ear::new();
        assert!(near.read(&ear.waker(), 64).is_pending());
        far.write_all(b"soup").unwrap();
        turn_until(driver, || ear.heard() > 0);
        far.shutdown(Shutdown::Write).unwrap();
        assert_eq!(near.read_to_end(driver), 4);
    });
}

/// What the peer has not read makes the system send a reset.
#[test]
fn reset_is_found() {
    with_each_poller(|driver| {
        let (mut near, far) = Near::registered(driver);
        let ear = Ear::new();
        assert!(near.read(&ear.waker(), 64).is_pending());
        (&near.stream).write_all(b"unread").unwrap();
        drop(far);
        turn_until(driver, || ear.heard() > 0);
        let mut cx = Context::from_waker(Waker::noop());
        let Near { registration, stream, .. } = &near;
        let read = || (&*stream).read(&mut [0; 64]);
        let outcome = registration.poll_transfer(&mut cx, stream, Direction::Read, 64, read);
        assert!(matches!(outcome, Poll::Ready(Err(_) | Ok(0))), "{outcome:?}");
    });
}
