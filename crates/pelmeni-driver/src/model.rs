//! The models of this crate: each function is one execution, for loom to run in all its interleavings.
//!
//! | model | what must hold | mutants that it kills |
//! |---|---|---|
//! | [`notification_reaches_the_sleeper`] | what was published before a notification is seen after the wait | 8, 81 |
//! | [`notified_wait_may_be_the_next_one`] | the same if nobody sleeps yet | 81 |
//! | [`event_is_never_lost`] | no reader waits while there is something to read, with a tick that wraps | 13 |
//! | [`directions_do_not_disturb_each_other`] | an event for writing wakes no reader and lets him wait | 130 |
//! | [`two_readers_share_a_source`] | both get something | 13 |
//! | [`first_wait_registers`] | nothing is lost while a source enters the poller | |
//! | [`stale_event_finds_nobody`] | an event of the last owner of a slot does nothing to the next | 15 |
//! | [`leaving_wakes_whoever_waits`] | who waits learns that the source has left, or that the driver is closed | |
//! | [`earlier_timer_ends_the_sleep`] | a timer that is armed while the wheel's thread goes to sleep is not overslept | |
//! | [`last_waker_is_woken`] | the waker of the last poll is woken, and no earlier one | 90 |
//! | [`timer_is_dropped_while_it_fires`] | it fires or is cancelled; nothing of it is left | |
//! | [`timer_is_reset_while_it_fires`] | it fires for the old deadline or waits for the new one | |

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::loom::thread;
use pelmeni_core::primitive::{Condvar, Mutex};

use crate::interest::Interest;
use crate::mock::MockPoller;
use crate::readiness::{Snapshot, Wait};
use crate::slab::Slab;
use crate::source::Source;
use crate::{Deadline, Direction, Driver, Registration, Timer, TimerState, Wheel};

const READ: Interest = Interest { read: true, write: false };
const WRITE: Interest = Interest { read: false, write: true };

/// A waker that counts, and for which a thread can wait.
#[derive(Debug)]
struct Ear {
    heard: Mutex<usize>,
    changed: Condvar,
}

impl Wake for Ear {
    fn wake(self: Arc<Self>) {
        *self.heard.lock() += 1;
        self.changed.notify_all();
    }
}

impl Ear {
    fn new() -> Arc<Ear> {
        Arc::new(Ear { heard: Mutex::new(0), changed: Condvar::new() })
    }

    fn waker(self: &Arc<Ear>) -> Waker {
        Waker::from(self.clone())
    }

    fn heard(&self) -> usize {
        *self.heard.lock()
    }

    /// Waits until it has been woken more often than `before`. Loom calls it a deadlock if that does not come.
    fn listen(&self, before: usize) {
        let mut heard = self.heard.lock();
        while *heard == before {
            heard = self.changed.wait(heard);
        }
    }
}

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

/// An event, as the driver hands it out.
fn report<const TICK: u32>(source: &Source<TICK>, generation: u32, ready: Interest) {
    let mut wakers = Vec::new();
    source.set(generation, ready, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
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
            Wait::Closed | Wait::Gone => panic!("the source is still there"),
        }
    }
}

/// Two threads publish and notify; a third one sleeps until it has seen both.
pub fn notification_reaches_the_sleeper() {
    let driver = Arc::new(Driver::from_poller(Box::new(MockPoller::new())));
    let posts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let senders: Vec<_> = (0..2)
        .map(|sender| {
            let (driver, posts) = (driver.clone(), posts.clone());
            thread::spawn(move || {
                // Relaxed: the notification must do what is necessary.
                posts[sender].store(1, Ordering::Relaxed);
                driver.notify();
            })
        })
        .collect();
    while posts.iter().any(|post| post.load(Ordering::Relaxed) == 0) {
        driver.try_claim().expect("nobody else waits").wait(None).expect("a mock does not fail");
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

/// A notification during a wait that ends for another reason, and a second one that finds the bell ringing.
pub fn notified_wait_may_be_the_next_one() {
    let poller = MockPoller::new();
    let driver = Arc::new(Driver::from_poller(Box::new(poller.clone())));
    let registration = Registration::new(driver.clone());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(registration.poll_ready(&mut cx, &io::stderr(), Direction::Read).is_pending());

    let post = Arc::new(AtomicUsize::new(0));
    let sender = {
        let (driver, post) = (driver.clone(), post.clone());
        thread::spawn(move || {
            driver.notify();
            post.store(1, Ordering::Relaxed);
            driver.notify();
        })
    };
    poller.report(READ);
    while post.load(Ordering::Relaxed) == 0 {
        driver.try_claim().expect("nobody else waits").wait(None).expect("a mock does not fail");
    }
    sender.join().unwrap();
}

/// Events come while a reader takes, fails and waits. The tick has two bits and is about to wrap.
pub fn event_is_never_lost() {
    let source = Arc::new(Source::<2>::new());
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
pub fn directions_do_not_disturb_each_other() {
    let source = Arc::new(Source::<2>::new());
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
pub fn two_readers_share_a_source() {
    let source = Arc::new(Source::<2>::new());
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

/// The whole way, from the first operation that would block: something comes before, while or after the source enters.
pub fn first_wait_registers() {
    let poller = MockPoller::new();
    let driver = Arc::new(Driver::from_poller(Box::new(poller.clone())));
    let registration = Registration::new(driver.clone());
    let pot = Pot::new();
    let kernel = {
        let (poller, pot) = (poller.clone(), pot.clone());
        thread::spawn(move || {
            pot.put();
            poller.report(READ);
        })
    };
    let ear = Ear::new();
    let waker = ear.waker();
    let mut cx = Context::from_waker(&waker);
    let mut attempts = 0;
    let poll = registration.poll_io(&mut cx, &io::stderr(), Direction::Read, || {
        attempts += 1;
        pot.take()
    });
    kernel.join().unwrap();
    if poll.is_pending() {
        // If it came before the source was inside, the kernel reports it when it enters; the mock does not.
        let mut turn = driver.try_claim().expect("nobody else waits");
        let woken = turn.wait(Some(std::time::Duration::ZERO)).expect("a mock does not fail");
        assert_eq!(woken, ear.heard());
        assert!(woken == 1 || attempts == 1);
    }
}

/// A batch with an event of the last owner is handed out while its slot gets the next one.
pub fn stale_event_finds_nobody() {
    let slab = Arc::new(Slab::new());
    let old = slab.insert().expect("there is room");
    let (former, heir) = (Ear::new(), Ear::new());
    let seen = Snapshot::fresh(old.generation());
    assert_eq!(slab.source(old).wait(Direction::Read, seen, &former.waker()), Wait::Waiting);
    let dispatch = {
        let slab = slab.clone();
        thread::spawn(move || report(slab.source(old), old.generation(), Interest::BOTH))
    };

    let mut wakers = Vec::new();
    slab.remove(old, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
    let new = slab.insert().expect("there is room");
    assert!(std::ptr::eq(slab.source(old), slab.source(new)));
    let seen = Snapshot::fresh(new.generation());
    assert_eq!(slab.source(new).wait(Direction::Read, seen, &heir.waker()), Wait::Waiting);

    dispatch.join().unwrap();
    assert_eq!((former.heard(), heir.heard()), (1, 0));
    assert!(!slab.source(new).look(Direction::Read).is_ready());
    report(slab.source(new), new.generation(), READ);
    assert_eq!(heir.heard(), 1);
}

/// A reader waits, or is about to, while the source leaves or the driver is closed.
pub fn leaving_wakes_whoever_waits() {
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

/// A timer is armed while the thread that sleeps for the wheel asks how long it may.
pub fn earlier_timer_ends_the_sleep() {
    let driver = Arc::new(Driver::from_poller(Box::new(MockPoller::new())));
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let owner = {
        let (driver, wheel) = (driver.clone(), wheel.clone());
        thread::spawn(move || {
            let mut timer = Box::pin(Timer::new(Deadline::from_nanos(1)));
            let now = || Deadline::ZERO;
            if timer.as_mut().poll(now, Waker::noop(), || wheel.clone()) == TimerState::First {
                driver.notify();
            }
            timer
        })
    };
    // A deadline would be a timeout; without one the sleep lasts until it is notified.
    while wheel.next_deadline().is_none() {
        driver.try_claim().expect("nobody else waits").wait(None).expect("a mock does not fail");
    }
    drop(owner.join().unwrap());
    assert_eq!(wheel.next_deadline(), None);
}

/// Fires the wheel in another thread.
fn fire(wheel: &Arc<Wheel>, now: Deadline) -> thread::JoinHandle<usize> {
    let wheel = wheel.clone();
    thread::spawn(move || {
        let mut wakers = Vec::new();
        let count = wheel.fire(now, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
        count
    })
}

/// A poll with another waker while the timer fires.
pub fn last_waker_is_woken() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let deadline = Deadline::from_nanos(1);
    let (old, new) = (Ear::new(), Ear::new());
    let mut timer = Box::pin(Timer::new(deadline));
    let mut poll =
        |ear: &Arc<Ear>| timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), || wheel.clone());
    assert_eq!(poll(&old), TimerState::First);
    let kernel = fire(&wheel, deadline);
    let state = poll(&new);
    assert_eq!(kernel.join().unwrap(), 1);
    match state {
        TimerState::Due => assert_eq!((old.heard(), new.heard()), (1, 0)),
        TimerState::Waiting => assert_eq!((old.heard(), new.heard()), (0, 1)),
        TimerState::First | TimerState::Closed => unreachable!(),
    }
    assert_eq!(poll(&new), TimerState::Due);
}

/// The owner drops the timer while it fires.
pub fn timer_is_dropped_while_it_fires() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let deadline = Deadline::from_nanos(1);
    let ear = Ear::new();
    let mut timer = Box::pin(Timer::new(deadline));
    let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), || wheel.clone());
    let kernel = fire(&wheel, deadline);
    drop(timer);
    assert_eq!(kernel.join().unwrap(), ear.heard());
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!((Arc::strong_count(&ear), Arc::strong_count(&wheel)), (1, 1));
}

/// The owner sets a later deadline while the timer fires for the old one.
pub fn timer_is_reset_while_it_fires() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let (soon, later) = (Deadline::from_nanos(1), Deadline::from_nanos(1 << 40));
    let ear = Ear::new();
    let mut timer = Box::pin(Timer::new(soon));
    let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), || wheel.clone());
    let kernel = fire(&wheel, soon);
    assert!(!timer.as_mut().reset(later));
    let fired = kernel.join().unwrap() == 1;
    assert_eq!(ear.heard(), usize::from(fired));
    assert!(!timer.is_fired());
    assert_eq!(wheel.next_deadline(), (!fired).then_some(later));
}

#[cfg(test)]
mod tests {
    use pelmeni_core::primitive::loom::model::Builder;

    /// Runs a model in all interleavings with at most three preemptions.
    fn explore(model: fn()) {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    macro_rules! explore {
        ($($model:ident)*) => { $(#[test] fn $model() { explore(super::$model); })* };
    }

    explore! {
        notification_reaches_the_sleeper notified_wait_may_be_the_next_one
        event_is_never_lost directions_do_not_disturb_each_other two_readers_share_a_source
        first_wait_registers stale_event_finds_nobody leaving_wakes_whoever_waits
        earlier_timer_ends_the_sleep last_waker_is_woken
        timer_is_dropped_while_it_fires timer_is_reset_while_it_fires
    }
}
