//! From the kernel to the waker, over real sockets.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pelmeni_driver::{Direction, Registration};

use crate::kitchen::{Ear, Line, Pair, glance, turn, turn_until, with_each_poller};

#[test]
fn data_wakes_the_reader_once() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let ear = Ear::new();
        let mut buffer = [0; 16];
        assert!(pair.near.poll_read(&ear.waker(), &mut buffer).is_pending());
        glance(driver);
        assert_eq!(ear.heard(), 0);

        pair.far.write_all(b"potato").unwrap();
        turn_until(driver, || ear.heard() > 0);
        let Poll::Ready(Ok(6)) = pair.near.poll_read(&ear.waker(), &mut buffer) else {
            panic!("six bytes are there");
        };
        assert_eq!(&buffer[..6], b"potato");
        glance(driver);
        assert_eq!(ear.heard(), 1);
    });
}

#[test]
fn room_wakes_the_writer() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let ear = Ear::new();
        let total = pair.near.fill(&ear.waker());
        glance(driver);
        assert!(pair.near.poll_write(&ear.waker(), b"more").is_pending());

        let before = ear.heard();
        pair.far.read_exact(&mut vec![0; total]).unwrap();
        turn_until(driver, || ear.heard() > before);
        assert!(matches!(pair.near.poll_write(&ear.waker(), b"more"), Poll::Ready(Ok(4))));
    });
}

#[test]
fn accepting_waits_for_a_connection() {
    with_each_poller(|driver| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let registration = Registration::new(driver.clone());
        let ear = Ear::new();
        let accept = || {
            let mut cx = Context::from_waker(Waker::noop());
            registration.poll_io(&mut cx, &listener, Direction::Read, || listener.accept())
        };
        assert!(accept().is_pending());
        let waker = ear.waker();
        let mut cx = Context::from_waker(&waker);
        let ready = registration.poll_ready(&mut cx, &listener, Direction::Read);
        assert!(ready.is_pending());

        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        turn_until(driver, || ear.heard() > 0);
        assert!(accept().is_ready());
        drop(registration);
    });
}

#[test]
fn fresh_socket_becomes_ready_for_writing() {
    with_each_poller(|driver| {
        let pair = Pair::new(driver);
        let ear = Ear::new();
        let waker = ear.waker();
        let mut cx = Context::from_waker(&waker);
        let Line { registration, stream } = &pair.near;
        assert!(registration.poll_ready(&mut cx, stream, Direction::Write).is_pending());
        turn_until(driver, || ear.heard() > 0);
        let ready = registration.poll_ready(&mut cx, stream, Direction::Write);
        assert!(matches!(ready, Poll::Ready(Ok(()))));
    });
}

#[test]
fn data_between_operation_and_registration_is_not_lost() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let ear = Ear::new();
        let waker = ear.waker();
        let mut cx = Context::from_waker(&waker);
        let Line { registration, stream } = &pair.near;
        let mut buffer = [0; 16];
        let mut attempts = 0;
        let poll = registration.poll_io(&mut cx, stream, Direction::Read, || {
            attempts += 1;
            let result = (&*stream).read(&mut buffer);
            if attempts == 1 {
                pair.far.write_all(b"late").unwrap();
            }
            result
        });
        if poll.is_pending() {
            turn_until(driver, || ear.heard() > 0);
            assert!(matches!(pair.near.poll_read(&waker, &mut buffer), Poll::Ready(Ok(4))));
        }
    });
}

/// The event comes and is handed out while the operation has already failed: the tick has moved on, so it is tried again.
#[test]
fn event_between_operation_and_wait_is_not_cleared() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let ear = Ear::new();
        let waker = ear.waker();
        let mut buffer = [0; 16];
        assert!(pair.near.poll_read(&waker, &mut buffer).is_pending());

        let mut cx = Context::from_waker(&waker);
        let Line { registration, stream } = &pair.near;
        let mut attempts = 0;
        let poll = registration.poll_io(&mut cx, stream, Direction::Read, || {
            attempts += 1;
            let result = (&*stream).read(&mut buffer);
            if attempts == 1 {
                pair.far.write_all(b"edge").unwrap();
                turn_until(driver, || ear.heard() > 0);
            }
            result
        });
        assert!(matches!(poll, Poll::Ready(Ok(4))));
        assert_eq!(attempts, 2);
    });
}

#[test]
fn several_readers_and_writers_all_progress() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let readers = [Ear::new(), Ear::new(), Ear::new()];
        let writers = [Ear::new(), Ear::new(), Ear::new()];
        let mut byte = [0; 1];
        for reader in &readers {
            assert!(pair.near.poll_read(&reader.waker(), &mut byte).is_pending());
        }
        let mut written = 0;
        for writer in &writers {
            written += pair.near.fill(&writer.waker());
        }

        pair.far.write_all(b"abc").unwrap();
        let all_heard = |ears: &[Arc<Ear>]| ears.iter().all(|ear| ear.heard() > 0);
        turn_until(driver, || all_heard(&readers));
        for reader in &readers {
            assert!(matches!(pair.near.poll_read(&reader.waker(), &mut byte), Poll::Ready(Ok(1))));
        }
        pair.far.read_exact(&mut vec![0; written]).unwrap();
        turn_until(driver, || all_heard(&writers));
        for writer in &writers {
            assert!(matches!(pair.near.poll_write(&writer.waker(), b"x"), Poll::Ready(Ok(1))));
        }
    });
}

/// A oneshot poller wakes both directions, which is allowed; then the reader must be able to wait again.
#[test]
fn room_for_the_writer_does_not_keep_the_reader_from_waiting() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let (reader, writer) = (Ear::new(), Ear::new());
        let mut buffer = [0; 16];
        for _ in 0..3 {
            assert!(pair.near.poll_read(&reader.waker(), &mut buffer).is_pending());
            let before = writer.heard();
            let written = pair.near.fill(&writer.waker());
            pair.far.read_exact(&mut vec![0; written]).unwrap();
            turn_until(driver, || writer.heard() > before);
        }
        assert!(pair.near.poll_read(&reader.waker(), &mut buffer).is_pending());
        let before = reader.heard();
        pair.far.write_all(b"dough").unwrap();
        turn_until(driver, || reader.heard() > before);
        assert!(matches!(pair.near.poll_read(&reader.waker(), &mut buffer), Poll::Ready(Ok(5))));
    });
}

/// Each direction is asked for when somebody waits there, and what a connected socket was asked for is taken back when it is
/// asked to read; both hear of what comes for them, now and later.
#[test]
fn each_direction_hears_in_whatever_order_they_are_asked_for() {
    with_each_poller(|driver| {
        for connects in [true, false] {
            let mut pair = Pair::new(driver);
            let (reader, writer) = (Ear::new(), Ear::new());
            if connects {
                let Line { registration, stream } = &pair.near;
                let waker = writer.waker();
                let mut cx = Context::from_waker(&waker);
                assert!(registration.poll_ready(&mut cx, stream, Direction::Write).is_pending());
                turn_until(driver, || writer.heard() > 0);
            }
            for _ in 0..3 {
                let mut buffer = [0; 16];
                let mut read = || pair.near.poll_read(&reader.waker(), &mut buffer);
                assert!(read().is_pending());
                let heard = reader.heard();
                pair.far.write_all(b"more").unwrap();
                turn_until(driver, || reader.heard() > heard);
                assert!(matches!(read(), Poll::Ready(Ok(4))));
                assert!(read().is_pending());

                let mut written = vec![0; pair.near.fill(&writer.waker())];
                let heard = writer.heard();
                pair.far.read_exact(&mut written).unwrap();
                turn_until(driver, || writer.heard() > heard);
                assert!(matches!(pair.near.poll_write(&writer.waker(), b"!"), Poll::Ready(Ok(1))));
                pair.far.read_exact(&mut written[..1]).unwrap();
            }
        }
    });
}

#[test]
fn hang_up_wakes_both_directions() {
    with_each_poller(|driver| {
        let Pair { near, far } = Pair::new(driver);
        let (reader, writer) = (Ear::new(), Ear::new());
        let mut buffer = [0; 16];
        assert!(near.poll_read(&reader.waker(), &mut buffer).is_pending());
        near.fill(&writer.waker());
        drop(far);
        turn_until(driver, || reader.heard() > 0 && writer.heard() > 0);
        assert!(near.poll_read(&reader.waker(), &mut buffer).is_ready());
        let Poll::Ready(Err(error)) = near.poll_write(&writer.waker(), b"x") else {
            panic!("nobody is there to read it");
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn half_close_ends_the_reader_and_not_the_writer() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let reader = Ear::new();
        let mut buffer = [0; 16];
        assert!(pair.near.poll_read(&reader.waker(), &mut buffer).is_pending());
        pair.far.shutdown(Shutdown::Write).unwrap();
        turn_until(driver, || reader.heard() > 0);
        assert!(matches!(pair.near.poll_read(&reader.waker(), &mut buffer), Poll::Ready(Ok(0))));
        assert!(matches!(pair.near.poll_write(Waker::noop(), b"still"), Poll::Ready(Ok(5))));
        pair.far.read_exact(&mut [0; 5]).unwrap();
    });
}

/// Data and the end of it come as one edge: reading stops short of the end, which is news only to who reads on.
#[test]
fn end_that_came_with_the_data_is_found_by_reading_on() {
    with_each_poller(|driver| {
        let Pair { near, mut far } = Pair::new(driver);
        let reader = Ear::new();
        let mut buffer = [0; 16];
        assert!(near.poll_read(&reader.waker(), &mut buffer).is_pending());
        far.write_all(b"last").unwrap();
        drop(far);
        turn_until(driver, || reader.heard() > 0);
        assert!(matches!(near.poll_read(&reader.waker(), &mut buffer), Poll::Ready(Ok(4))));
        assert!(matches!(near.poll_read(&reader.waker(), &mut buffer), Poll::Ready(Ok(0))));
    });
}

#[test]
fn interrupted_operation_is_retried() {
    with_each_poller(|driver| {
        let pair = Pair::new(driver);
        let mut cx = Context::from_waker(Waker::noop());
        let mut attempts = 0;
        let Line { registration, stream } = &pair.near;
        let poll = registration.poll_io(&mut cx, stream, Direction::Read, || {
            attempts += 1;
            if attempts < 3 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        assert!(matches!(poll, Poll::Ready(Ok(()))));
        assert!(driver.is_idle(), "nothing would have blocked");
    });
}

#[test]
fn equal_waker_is_kept_and_not_cloned() {
    with_each_poller(|driver| {
        let pair = Pair::new(driver);
        let ear = Ear::new();
        let waker = ear.waker();
        let mut buffer = [0; 16];
        assert!(pair.near.poll_read(&waker, &mut buffer).is_pending());
        let held = Arc::strong_count(&ear);
        for _ in 0..10 {
            assert!(pair.near.poll_read(&waker, &mut buffer).is_pending());
        }
        assert_eq!(Arc::strong_count(&ear), held);
    });
}

#[test]
fn crowd_of_the_living_is_woken_as_one() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let ears: Vec<_> = (0..200).map(|_| Ear::new()).collect();
        let mut byte = [0; 1];
        // Whoever is woken polls again, as a task does, until the roll has been called for the last time.
        let mut polled_at = vec![usize::MAX; ears.len()];
        for round in 0.. {
            assert!(round < 20, "the roll is called for ever");
            let mut quiet = true;
            for (ear, polled_at) in ears.iter().zip(&mut polled_at) {
                if ear.heard() != *polled_at {
                    *polled_at = ear.heard();
                    quiet = false;
                    assert!(pair.near.poll_read(&ear.waker(), &mut byte).is_pending());
                }
            }
            if quiet {
                break;
            }
        }
        let before: Vec<_> = ears.iter().map(|ear| ear.heard()).collect();
        pair.far.write_all(b"x").unwrap();
        let called = || ears.iter().zip(&before).all(|(ear, before)| ear.heard() > *before);
        turn_until(driver, called);
    });
}

#[test]
fn tcp_both_ways() {
    with_each_poller(|driver| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.set_nonblocking(true).unwrap();
        let registration = Registration::new(driver.clone());
        let ear = Ear::new();
        let waker = ear.waker();
        let mut cx = Context::from_waker(&waker);
        let mut buffer = [0; 64];
        for round in 1..=20 {
            let mut read = || (&client).read(&mut buffer);
            let poll = registration.poll_io(&mut cx, &client, Direction::Read, &mut read);
            assert!(poll.is_pending());
            let before = ear.heard();
            server.write_all(&vec![1; round]).unwrap();
            turn_until(driver, || ear.heard() > before);
            let poll = registration.poll_io(&mut cx, &client, Direction::Read, &mut read);
            assert!(matches!(poll, Poll::Ready(Ok(count)) if count == round));
            let write = || (&client).write(b"thanks");
            let poll = registration.poll_io(&mut cx, &client, Direction::Write, write);
            assert!(matches!(poll, Poll::Ready(Ok(6))));
            server.read_exact(&mut [0; 6]).unwrap();
        }
        drop(registration);
    });
}

#[test]
fn many_sources_ready_at_once_are_all_woken() {
    with_each_poller(|driver| {
        let mut pairs: Vec<_> = (0..300).map(|_| Pair::new(driver)).collect();
        let ear = Ear::new();
        let mut buffer = [0; 4];
        for pair in &mut pairs {
            assert!(pair.near.poll_read(&ear.waker(), &mut buffer).is_pending());
            pair.far.write_all(b"soup").unwrap();
        }
        turn_until(driver, || ear.heard() == 300);
        for pair in &pairs {
            assert!(matches!(pair.near.poll_read(&ear.waker(), &mut buffer), Poll::Ready(Ok(4))));
        }
        assert_eq!(glance(driver), 0);
    });
}

#[test]
fn panicking_waker_does_not_keep_others_asleep() {
    struct Bomb;
    impl std::task::Wake for Bomb {
        fn wake(self: Arc<Self>) {
            std::panic::panic_any(Splinter);
        }
    }

    /// What it panics with panics in its turn, when nobody cares any more.
    struct Splinter;
    impl Drop for Splinter {
        fn drop(&mut self) {
            panic!("a test's waker panics, and what it panics with");
        }
    }

    with_each_poller(|driver| {
        let (mut first, mut second) = (Pair::new(driver), Pair::new(driver));
        let ear = Ear::new();
        let mut byte = [0; 1];
        let bomb = Waker::from(Arc::new(Bomb));
        assert!(first.near.poll_read(&bomb, &mut byte).is_pending());
        assert!(first.near.poll_read(&ear.waker(), &mut byte).is_pending());
        assert!(second.near.poll_read(&ear.waker(), &mut byte).is_pending());
        first.far.write_all(b"x").unwrap();
        second.far.write_all(b"x").unwrap();
        turn_until(driver, || ear.heard() == 2);
        assert_eq!(turn_after_ring(driver), 0);
    });
}

fn turn_after_ring(driver: &pelmeni_driver::Driver) -> usize {
    driver.notify();
    turn(driver)
}

/// A source whose readiness was reported to nobody: who comes later looks for himself.
#[test]
fn readiness_that_nobody_waited_for_is_found_by_the_operation() {
    with_each_poller(|driver| {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let near = Line::new(driver, near);
        let mut buffer = [0; 16];
        assert!(near.poll_read(Waker::noop(), &mut buffer).is_pending());
        for _ in 0..3 {
            (&far).write_all(b"abc").unwrap();
            glance(driver);
            assert!(matches!(near.poll_read(Waker::noop(), &mut buffer), Poll::Ready(Ok(3))));
            assert!(near.poll_read(Waker::noop(), &mut buffer).is_pending());
        }
    });
}
