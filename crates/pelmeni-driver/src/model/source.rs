//! Sources: events, waiting, leaving.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pelmeni_core::primitive::Mutex;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::loom::thread;

use super::Ear;
use crate::drained::Drained;
use crate::interest::Interest;
use crate::mock::MockPoller;
use crate::poller::Event;
use crate::readiness::{Snapshot, Wait};
use crate::source::{Key, Source, Sources};
use crate::{Direction, Driver, Registration};

const READ: Interest = Interest { read: true, write: false };
const WRITE: Interest = Interest { read: false, write: true };

/// What lies in the kernel's buffer.
#[derive(Debug)]
struct Pot(AtomicUsize);

impl Pot {
    fn new() -> Arc<Pot> {
        Arc::new(Pot(AtomicUsize::new(0)))
    }

    fn put(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// The operation: takes one, or would block.
    fn take(&self) -> io::Result<()> {
        let less = |content: usize| content.checked_sub(1);
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, less) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// A source that the poller reports in both directions.
fn source() -> Arc<Source<2>> {
    let source = Arc::new(Source::new());
    source.ask(Direction::Read);
    source.ask(Direction::Write);
    source
}

/// An event, as the driver hands it out.
fn report<const TICK: u32>(source: &Source<TICK>, generation: u32, ready: Interest) {
    hand_out(source, Event { key: Key::new(0, generation), ready, ends: false });
}

fn hand_out<const TICK: u32>(source: &Source<TICK>, event: Event) {
    let mut wakers = Vec::new();
    source.set(event, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
}

/// Waits as long as it takes, as the mock has no clock.
fn turn(driver: &Driver) {
    driver.try_claim().expect("nobody else waits").wait(None).expect("a mock does not fail");
}

/// Takes one out of the pot, and waits for it if need be: the loop of `Registration::poll_io`.
fn take<const TICK: u32>(source: &Source<TICK>, pot: &Pot) {
    let ear = Ear::new();
    loop {
        let heard = ear.heard();
        let seen = source.look(Direction::Read);
        if pot.take().is_ok() {
            return;
        }
        match source.wait(Direction::Read, seen, &ear.waker()) {
            Wait::Ready => {}
            Wait::Waiting => ear.listen(heard),
            outcome => panic!("the source is there and asked: {outcome:?}"),
        }
    }
}

/// Events come while a reader takes, fails and waits. The tick has two bits and is about to wrap.
pub(super) fn event_is_never_lost() {
    let source = source();
    let pot = Pot::new();
    let generation = source.generation();
    for _ in 0..3 {
        report(&source, generation, READ);
    }
    let kernel = {
        let (source, pot) = (source.clone(), pot.clone());
        thread::spawn(move || {
            for _ in 0..2 {
                pot.put();
                report(&source, generation, READ);
            }
        })
    };
    take(&source, &pot);
    take(&source, &pot);
    kernel.join().unwrap();
}

/// An event for writing comes while a reader waits or is about to.
pub(super) fn directions_do_not_disturb_each_other() {
    let source = source();
    let generation = source.generation();
    let ear = Ear::new();
    let kernel = {
        let source = source.clone();
        thread::spawn(move || report(&source, generation, WRITE))
    };
    let seen = source.look(Direction::Read);
    assert_eq!(source.wait(Direction::Read, seen, &ear.waker()), Wait::Waiting);
    kernel.join().unwrap();
    assert_eq!(ear.heard(), 0);
    assert!(source.look(Direction::Write).is_ready());
    report(&source, generation, READ);
    assert_eq!(ear.heard(), 1);
}

/// One event for two things: whoever comes too late for the first takes the second.
pub(super) fn two_readers_share_a_source() {
    let source = source();
    let pot = Pot::new();
    let generation = source.generation();
    let reader = {
        let (source, pot) = (source.clone(), pot.clone());
        thread::spawn(move || take(&source, &pot))
    };
    let kernel = {
        let (source, pot) = (source.clone(), pot.clone());
        thread::spawn(move || {
            pot.put();
            pot.put();
            report(&source, generation, READ);
        })
    };
    take(&source, &pot);
    reader.join().unwrap();
    kernel.join().unwrap();
}

/// The whole way, from the first operation that would block: something comes before, while or after the source enters,
/// and is handed out at once.
pub(super) fn first_wait_registers() {
    first_wait(|registration| registration);
}

/// The same, if the source has one more try first.
pub(super) fn first_wait_after_a_try_registers() {
    first_wait(Registration::hesitant);
}

fn first_wait(how: impl FnOnce(Registration) -> Registration) {
    let poller = MockPoller::new();
    let driver = Arc::new(Driver::from_poller(Box::new(poller.clone())));
    let registration = how(Registration::new(driver.clone()));
    let pot = Pot::new();
    let done = Arc::new(AtomicUsize::new(0));
    let kernel = {
        let (driver, pot, done) = (driver.clone(), pot.clone(), done.clone());
        thread::spawn(move || {
            pot.put();
            poller.report(READ);
            while done.load(Ordering::Acquire) == 0 {
                turn(&driver);
            }
        })
    };
    take_from(&pot, &registration, Direction::Read);
    done.store(1, Ordering::Release);
    driver.notify();
    kernel.join().unwrap();
}

/// A batch with an event of the last owner is handed out while its slot gets the next one.
pub(super) fn stale_event_finds_nobody() {
    let sources = Arc::new(Sources::new());
    let old = sources.insert().expect("there is room");
    let (former, heir) = (Ear::new(), Ear::new());
    let seen = Snapshot::fresh(old.generation());
    sources.cell(old).ask(Direction::Read);
    assert_eq!(sources.cell(old).wait(Direction::Read, seen, &former.waker()), Wait::Waiting);
    let dispatch = {
        let sources = sources.clone();
        thread::spawn(move || report(sources.cell(old), old.generation(), Interest::BOTH))
    };

    let mut wakers = Vec::new();
    sources.remove(old, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
    let new = sources.insert().expect("there is room");
    assert!(std::ptr::eq(sources.cell(old), sources.cell(new)));
    let seen = Snapshot::fresh(new.generation());
    sources.cell(new).ask(Direction::Read);
    assert_eq!(sources.cell(new).wait(Direction::Read, seen, &heir.waker()), Wait::Waiting);

    dispatch.join().unwrap();
    assert_eq!((former.heard(), heir.heard()), (1, 0));
    assert!(!sources.cell(new).look(Direction::Read).is_ready());
    report(sources.cell(new), new.generation(), READ);
    assert_eq!(heir.heard(), 1);
}

/// A reader waits, or is about to, while the source leaves or the driver is closed.
pub(super) fn leaving_wakes_whoever_waits() {
    for close in [false, true] {
        let driver = Arc::new(Driver::from_poller(Box::new(MockPoller::new())));
        let registration = Arc::new(Registration::new(driver.clone()));
        let end = {
            let registration = registration.clone();
            thread::spawn(move || match close {
                true => driver.close(),
                false => registration.deregister(&io::stderr()).expect("a mock does not fail"),
            })
        };
        let ear = Ear::new();
        let waker = ear.waker();
        let mut cx = Context::from_waker(&waker);
        let would_block = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        loop {
            let heard = ear.heard();
            match registration.poll_io(&mut cx, &io::stderr(), Direction::Read, would_block) {
                Poll::Ready(Err(_)) => break,
                Poll::Ready(Ok(())) => unreachable!(),
                Poll::Pending => ear.listen(heard),
            }
        }
        end.join().unwrap();
    }
}

/// A socket has been connected; now one task begins to read while another one waits to write, or is about to. Then there
/// comes to be room.
pub(super) fn reader_asks_while_a_writer_waits() {
    let poller = MockPoller::new();
    let driver = Arc::new(Driver::from_poller(Box::new(poller.clone())));
    let registration = Arc::new(Registration::new(driver.clone()));
    let pot = Pot::new();
    let mut cx = Context::from_waker(Waker::noop());
    let connected = registration.poll_ready(&mut cx, &io::stderr(), Direction::Write);
    assert!(connected.is_pending());
    poller.report(WRITE);
    turn(&driver);
    let reader = {
        let (driver, registration, pot) = (driver.clone(), registration.clone(), pot.clone());
        thread::spawn(move || {
            let mut cx = Context::from_waker(Waker::noop());
            let read = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let read = registration.poll_io(&mut cx, &io::stderr(), Direction::Read, read);
            assert!(read.is_pending());
            pot.put();
            poller.report(WRITE);
            turn(&driver);
        })
    };
    take_from(&pot, &registration, Direction::Write);
    driver.notify();
    reader.join().unwrap();
}

/// Takes what is in the pot, and waits in this direction while there is nothing.
fn take_from(pot: &Pot, registration: &Registration, direction: Direction) {
    let ear = Ear::new();
    let waker = ear.waker();
    let mut cx = Context::from_waker(&waker);
    loop {
        let heard = ear.heard();
        match registration.poll_io(&mut cx, &io::stderr(), direction, || pot.take()) {
            Poll::Ready(taken) => break taken.expect("the driver is open"),
            Poll::Pending => ear.listen(heard),
        }
    }
}

/// A stream: how many bytes there are, and whether more will come.
#[derive(Debug)]
struct Stream(Mutex<(usize, bool)>);

impl Stream {
    /// Reads all that is there, for a buffer that is larger than that: 0 is the end.
    fn read(&self) -> io::Result<usize> {
        match *self.0.lock() {
            (0, false) => Err(io::ErrorKind::WouldBlock.into()),
            (ref mut bytes, _) => Ok(std::mem::take(bytes)),
        }
    }
}

/// Reads so many bytes, or to the end, and relies on short reads: the loop of `Registration::poll_with`.
fn read_shortly(source: &Source<2>, stream: &Stream, wanted: usize) -> usize {
    let ear = Ear::new();
    let drained = Drained::new();
    let mut bytes = 0;
    while bytes < wanted {
        let heard = ear.heard();
        let seen = source.look(Direction::Read);
        if !drained.holds(Direction::Read, seen) {
            let outcome = stream.read();
            let is_drained = outcome.as_ref().is_ok_and(|read| *read > 0);
            drained.renew(Direction::Read, seen, is_drained);
            match outcome {
                Ok(0) => break,
                Ok(read) => {
                    bytes += read;
                    continue;
                }
                Err(_) => {}
            }
        }
        match source.wait(Direction::Read, seen, &ear.waker()) {
            Wait::Ready => {}
            Wait::Waiting => ear.listen(heard),
            outcome => panic!("the source is there and asked: {outcome:?}"),
        }
    }
    bytes
}

fn stream_with_a_peer(
    peer: impl FnOnce(&Source<2>, &Stream) + Send + 'static,
) -> (Arc<Source<2>>, Arc<Stream>, thread::JoinHandle<()>) {
    let source = source();
    let stream = Arc::new(Stream(Mutex::new((0, false))));
    let (theirs, wire) = (source.clone(), stream.clone());
    let peer = thread::spawn(move || peer(&theirs, &wire));
    (source, stream, peer)
}

/// The other side sends a byte and another one, and the kernel reports each.
pub(super) fn short_read_loses_no_bytes() {
    let (source, stream, peer) = stream_with_a_peer(|source, stream| {
        for _ in 0..2 {
            stream.0.lock().0 += 1;
            report(source, source.generation(), READ);
        }
    });
    assert_eq!(read_shortly(&source, &stream, 2), 2);
    peer.join().unwrap();
}

/// The other side sends a byte and ends, and the kernel reports both at once.
pub(super) fn short_read_loses_no_end() {
    let (source, stream, peer) = stream_with_a_peer(|source, stream| {
        stream.0.lock().0 += 1;
        stream.0.lock().1 = true;
        let key = Key::new(0, source.generation());
        hand_out(source, Event { key, ready: READ, ends: true });
    });
    assert_eq!(read_shortly(&source, &stream, usize::MAX), 1);
    peer.join().unwrap();
}
