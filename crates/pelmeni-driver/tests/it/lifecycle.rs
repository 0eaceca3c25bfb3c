//! Coming, going, closing.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pelmeni_driver::{Direction, Driver, Registration, Timer, Wheel, clock};
use rustix::io::fcntl_dupfd_cloexec;

use crate::kitchen::{Ear, KINDS, Line, Pair, glance, turn_until, with_each_poller};

#[test]
fn source_is_registered_when_it_first_would_block() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let mut buffer = [0; 16];
        pair.far.write_all(b"here").unwrap();
        assert!(pair.near.poll_read(Waker::noop(), &mut buffer).is_ready());
        assert!(driver.is_idle());
        assert!(pair.near.poll_read(Waker::noop(), &mut buffer).is_pending());
        assert!(!driver.is_idle());
        drop(pair);
        assert!(driver.is_idle());
    });
}

#[test]
fn hesitant_source_is_registered_when_it_would_block_twice_in_a_row() {
    with_each_poller(|driver| {
        let (near, mut far) = hesitant(driver);
        let ear = Ear::new();
        let waker = ear.waker();
        let mut buffer = [0; 16];
        near.fill(&waker);
        assert_eq!(ear.heard(), 1, "its task comes back");
        assert!(driver.is_idle());
        assert!(near.poll_read(&waker, &mut buffer).is_pending());
        assert_eq!(ear.heard(), 2, "the directions hesitate each by itself");
        assert!(driver.is_idle());
        assert!(near.poll_read(&waker, &mut buffer).is_pending());
        assert_eq!(ear.heard(), 2, "now it waits");
        assert!(!driver.is_idle());
        far.write_all(b"here").unwrap();
        turn_until(driver, || ear.heard() > 2);
        assert!(near.poll_read(&waker, &mut buffer).is_ready());
    });
}

#[test]
fn hesitant_source_hesitates_twice() {
    with_each_poller(|driver| {
        let (near, mut far) = hesitant(driver);
        let ear = Ear::new();
        let mut buffer = [0; 16];
        for dialogue in 1..=2 {
            assert!(near.poll_read(&ear.waker(), &mut buffer).is_pending());
            assert_eq!(ear.heard(), dialogue);
            far.write_all(b"here").unwrap();
            assert!(near.poll_read(&ear.waker(), &mut buffer).is_ready());
            assert!(driver.is_idle());
        }
        assert!(near.poll_read(&ear.waker(), &mut buffer).is_pending());
        assert_eq!(ear.heard(), 2);
        assert!(!driver.is_idle());
    });
}

#[test]
fn source_that_has_left_does_not_hesitate() {
    with_each_poller(|driver| {
        let (near, _far) = hesitant(driver);
        near.registration.deregister(&near.stream).unwrap();
        let Poll::Ready(Err(error)) = near.poll_read(Waker::noop(), &mut [0; 16]) else {
            panic!("nothing will come");
        };
        assert!(error.to_string().contains("deregistered"), "{error}");
    });
}

fn hesitant(driver: &Arc<Driver>) -> (Line, UnixStream) {
    let Pair { near, far } = Pair::new(driver);
    (Line { registration: Registration::new(driver.clone()).hesitant(), ..near }, far)
}

#[test]
fn deregistering_wakes_those_who_wait_with_an_error() {
    with_each_poller(|driver| {
        let pair = Pair::new(driver);
        let (reader, writer) = (Ear::new(), Ear::new());
        let mut buffer = [0; 16];
        assert!(pair.near.poll_read(&reader.waker(), &mut buffer).is_pending());
        pair.near.fill(&writer.waker());
        let heard = writer.heard();
        pair.near.registration.deregister(&pair.near.stream).unwrap();
        assert_eq!((reader.heard(), writer.heard()), (1, heard + 1));
        let Poll::Ready(Err(error)) = pair.near.poll_read(&reader.waker(), &mut buffer) else {
            panic!("nothing will come");
        };
        assert!(error.to_string().contains("deregistered"), "{error}");
        assert!(driver.is_idle());
        pair.near.registration.deregister(&pair.near.stream).unwrap();
    });
}

#[test]
fn descriptor_can_be_registered_again_after_its_registration_has_gone() {
    with_each_poller(|driver| {
        let Pair { near, mut far } = Pair::new(driver);
        let stale = Ear::new();
        let mut buffer = [0; 16];
        assert!(near.poll_read(&stale.waker(), &mut buffer).is_pending());
        near.registration.deregister(&near.stream).unwrap();
        let near = Line { registration: Registration::new(driver.clone()), ..near };
        assert!(near.poll_read(&stale.waker(), &mut buffer).is_pending());
        // And once more, by dropping it.
        let Line { registration, stream } = near;
        drop(registration);
        let near = Line::new(driver, stream);

        let ear = Ear::new();
        assert!(near.poll_read(&ear.waker(), &mut buffer).is_pending());
        let before = stale.heard();
        far.write_all(b"yours").unwrap();
        turn_until(driver, || ear.heard() > 0);
        assert_eq!(stale.heard(), before);
        assert!(matches!(near.poll_read(&ear.waker(), &mut buffer), Poll::Ready(Ok(5))));
    });
}

/// Two registrations of one descriptor would take each other's events; the second one is told so.
#[test]
fn descriptor_is_registered_only_once() {
    with_each_poller(|driver| {
        let pair = Pair::new(driver);
        let mut buffer = [0; 16];
        assert!(pair.near.poll_read(Waker::noop(), &mut buffer).is_pending());
        let second = Registration::new(driver.clone());
        let mut cx = Context::from_waker(Waker::noop());
        let poll = second.poll_io(&mut cx, &pair.near.stream, Direction::Read, would_block);
        let Poll::Ready(Err(error)) = poll else { panic!("it is taken") };
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    });
}

#[test]
fn failed_registration_leaves_nothing_behind() {
    with_each_poller(|driver| {
        let file = File::open("/proc/self/exe").unwrap();
        for _ in 0..3 {
            let registration = Registration::new(driver.clone());
            let mut cx = Context::from_waker(Waker::noop());
            let poll = registration.poll_io(&mut cx, &file, Direction::Read, would_block);
            let Poll::Ready(Err(error)) = poll else { panic!("files are not polled") };
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(driver.is_idle());
        }
    });
}

fn would_block() -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

#[test]
fn closing_ends_all_waiting_with_an_error() {
    with_each_poller(|driver| {
        let mut pair = Pair::new(driver);
        let (reader, writer) = (Ear::new(), Ear::new());
        let mut buffer = [0; 16];
        assert!(pair.near.poll_read(&reader.waker(), &mut buffer).is_pending());
        pair.near.fill(&writer.waker());
        let heard = writer.heard();
        driver.close();
        assert_eq!((reader.heard(), writer.heard()), (1, heard + 1));

        let closed = |poll: Poll<io::Result<usize>>| match poll {
            Poll::Ready(Err(error)) => assert!(error.to_string().contains("closed"), "{error}"),
            _ => panic!("nothing will come"),
        };
        closed(pair.near.poll_read(&reader.waker(), &mut buffer));
        closed(pair.near.poll_write(&writer.waker(), b"x"));
        closed(Pair::new(driver).near.poll_read(&reader.waker(), &mut buffer));

        // What need not wait still works.
        pair.far.write_all(b"rest").unwrap();
        assert!(matches!(pair.near.poll_read(&reader.waker(), &mut buffer), Poll::Ready(Ok(4))));
        driver.close();
    });
}

#[test]
fn closing_ends_the_wait_of_another_thread() {
    with_each_poller(|driver| {
        std::thread::scope(|scope| {
            scope.spawn(|| driver.close());
            driver.try_claim().unwrap().wait(None).unwrap();
        });
    });
}

/// The number of a closed descriptor is given to the next one at once; what came for the old one must not reach it.
#[test]
fn next_owner_of_a_number_does_not_hear_of_the_last_one() {
    with_each_poller(|driver| {
        for _ in 0..50 {
            let mut old = Pair::new(driver);
            let stale = Ear::new();
            let mut buffer = [0; 16];
            assert!(old.near.poll_read(&stale.waker(), &mut buffer).is_pending());
            let kept_open = old.near.stream.try_clone().unwrap();
            old.far.write_all(b"for the old one").unwrap();
            drop(old.near);
            let before = stale.heard();

            let new = Pair::new(driver);
            let ear = Ear::new();
            assert!(new.near.poll_read(&ear.waker(), &mut buffer).is_pending());
            glance(driver);
            assert_eq!((ear.heard(), stale.heard()), (0, before));
            drop(kept_open);
        }
    });
}

/// As above, but the owner closes its descriptor without a word, and the peer sends afterwards: the poller may still report
/// it.
// regress: mio#361, tokio-core#172
#[test]
fn duplicate_of_a_closed_descriptor_harms_nobody() {
    with_each_poller(|driver| {
        let mut old = Pair::owning(driver);
        let mut buffer = [0; 16];
        let stale = Ear::new();
        assert!(old.near.poll_read(&stale.waker(), &mut buffer).is_pending());
        let duplicate = old.near.stream.try_clone().unwrap();
        drop(old.near);
        let before = stale.heard();

        let new = Pair::owning(driver); // in the same cell
        let ear = Ear::new();
        assert!(new.near.poll_read(&ear.waker(), &mut buffer).is_pending());
        glance(driver);
        let heard = ear.heard();
        old.far.write_all(b"stale").unwrap();
        glance(driver);
        assert_eq!((ear.heard(), stale.heard()), (heard, before));

        // Nothing spins: a wait lasts.
        let (pause, start) = (Duration::from_millis(20), clock::now());
        driver.try_claim().unwrap().wait(Some(pause)).unwrap();
        assert!((start + pause).has_passed(clock::now()));

        // The duplicate can be adopted, and is heard from then on.
        let adopted = Line::owning(driver, duplicate);
        let mut read = || adopted.poll_read(&ear.waker(), &mut buffer);
        assert!(matches!(read(), Poll::Ready(Ok(5))));
        assert!(read().is_pending());
        glance(driver);
        let heard = ear.heard();
        old.far.write_all(b"fresh").unwrap();
        turn_until(driver, || ear.heard() > heard);
        assert!(matches!(read(), Poll::Ready(Ok(5))));
        assert_eq!(stale.heard(), before);
    });
}

/// The poller still has an entry for this file under this number.
#[test]
fn duplicate_gets_the_number_of_the_closed_descriptor() {
    with_each_poller(|driver| {
        let (adopted, mut far) = loop {
            let old = Pair::owning(driver);
            assert!(old.near.poll_read(Waker::noop(), &mut [0; 1]).is_pending());
            let duplicate = old.near.stream.try_clone().unwrap();
            let number = old.near.stream.as_raw_fd();
            drop(old.near);
            let adopted = UnixStream::from(fcntl_dupfd_cloexec(&duplicate, number).unwrap());
            // Else another thread has taken the number.
            if adopted.as_raw_fd() == number {
                break (Line::owning(driver, adopted), old.far);
            }
        };
        let ear = Ear::new();
        let mut buffer = [0; 16];
        assert!(adopted.poll_read(&ear.waker(), &mut buffer).is_pending());
        far.write_all(b"again").unwrap();
        turn_until(driver, || ear.heard() > 0);
        assert!(matches!(adopted.poll_read(&ear.waker(), &mut buffer), Poll::Ready(Ok(5))));
    });
}

#[test]
fn drivers_give_back_their_descriptors() {
    for kind in KINDS {
        for _ in 0..3000 {
            Driver::with_poller(kind).unwrap();
        }
    }
}

#[test]
fn registration_keeps_its_driver() {
    with_each_poller(|driver| {
        let (near, _far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let line = Line::new(driver, near);
        assert!(Arc::ptr_eq(line.registration.driver(), driver));
        assert!(line.poll_read(Waker::noop(), &mut [0; 1]).is_pending());
    });
}

#[test]
fn everything_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Driver>();
    check::<Registration>();
    check::<Wheel>();
    check::<Timer<Option<Arc<Wheel>>>>();
}
