//! Timers that fire while their owner does something else.

use std::sync::Arc;
use std::task::{Wake, Waker};

use pelmeni_core::primitive::Mutex;
use pelmeni_core::primitive::loom::thread;

use super::Ear;
use crate::{Deadline, Timer, TimerState, Wheel};

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
pub(super) fn last_waker_is_woken() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let deadline = Deadline::from_nanos(1);
    let (old, new) = (Ear::new(), Ear::new());
    let mut timer = Box::pin(Timer::new(deadline, None));
    let mut poll = |ear: &Arc<Ear>| {
        timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()))
    };
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

/// A poll with the same waker while the timer fires: it looks at the waker that is just being taken.
pub(super) fn waker_is_looked_at_while_the_timer_fires() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let deadline = Deadline::from_nanos(1);
    let ear = Ear::new();
    let mut timer = Box::pin(Timer::new(deadline, None));
    let mut poll = || timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    assert_eq!(poll(), TimerState::First);
    let kernel = fire(&wheel, deadline);
    let heard = ear.heard();
    match poll() {
        TimerState::Due => {}
        TimerState::Waiting => assert_eq!(heard, 0, "nobody will wake it any more"),
        TimerState::First | TimerState::Closed => unreachable!(),
    }
    assert_eq!(kernel.join().unwrap(), 1);
    assert_eq!((ear.heard(), poll()), (1, TimerState::Due));
    drop(timer);
    assert_eq!(Arc::strong_count(&ear), 1);
}

/// The owner arms the timer while somebody finds that nothing is due for a long time.
pub(super) fn timer_comes_while_the_wheel_grows_quiet() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let deadline = Deadline::from_nanos(1);
    let ear = Ear::new();
    let kernel = fire(&wheel, Deadline::ZERO);
    let mut timer = Box::pin(Timer::new(deadline, None));
    let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    assert_eq!(kernel.join().unwrap(), 0);
    assert_eq!(wheel.fire(deadline, &mut Vec::new()), 1);
}

/// The owner drops the timer while it fires.
pub(super) fn timer_is_dropped_while_it_fires() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let deadline = Deadline::from_nanos(1);
    let ear = Ear::new();
    let mut timer = Box::pin(Timer::new(deadline, None));
    let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    let kernel = fire(&wheel, deadline);
    drop(timer);
    assert_eq!(kernel.join().unwrap(), ear.heard());
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!((Arc::strong_count(&ear), Arc::strong_count(&wheel)), (1, 1));
}

/// Two timers in one slot: their owner drops them, in either order, while they fire.
pub(super) fn neighbours_are_dropped_while_they_fire() {
    for is_reversed in [false, true] {
        let wheel = Arc::new(Wheel::new(Deadline::ZERO));
        let deadline = Deadline::from_nanos(1);
        let ear = Ear::new();
        let mut timers = [(), ()].map(|()| Box::pin(Timer::new(deadline, None)));
        for timer in &mut timers {
            let enter = |_: &_| Some(wheel.clone());
            let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), enter);
        }
        if is_reversed {
            timers.reverse();
        }
        let kernel = fire(&wheel, deadline);
        timers.into_iter().for_each(drop);
        assert_eq!(kernel.join().unwrap(), ear.heard());
        assert_eq!(wheel.next_deadline(), None);
        assert_eq!((Arc::strong_count(&ear), Arc::strong_count(&wheel)), (1, 1));
    }
}

/// The owner sets a later deadline while the timer fires for the old one; then the next poll may enter another wheel.
pub(super) fn timer_is_reset_while_it_fires() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let (soon, later) = (Deadline::from_nanos(1), Deadline::from_nanos(1 << 40));
    let ear = Ear::new();
    let mut timer = Box::pin(Timer::new(soon, None));
    let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    let kernel = fire(&wheel, soon);
    assert!(!timer.as_mut().reset(later, None));
    let fired = kernel.join().unwrap() == 1;
    assert_eq!(ear.heard(), usize::from(fired));
    assert!(!timer.is_fired());
    assert_eq!(wheel.next_deadline(), (!fired).then_some(later));
    let other = Arc::new(Wheel::new(Deadline::ZERO));
    let state = timer.as_mut().poll(|| soon, &ear.waker(), |_| Some(other.clone()));
    assert_eq!(state, if fired { TimerState::First } else { TimerState::Waiting });
    assert_eq!(other.next_deadline(), fired.then_some(later));
}

/// The owner polls the timer, for the first time or again, while the wheel closes: it is told, or woken.
pub(super) fn timer_is_polled_while_its_wheel_closes() {
    for is_linked in [false, true] {
        poll_while_the_wheel_closes(is_linked);
    }
}

fn poll_while_the_wheel_closes(is_linked: bool) {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let ear = Ear::new();
    let mut timer = Box::pin(Timer::new(Deadline::from_nanos(1), None));
    let mut poll = || timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    if is_linked {
        assert_eq!(poll(), TimerState::First);
    }
    let kernel = {
        let wheel = wheel.clone();
        thread::spawn(move || {
            let mut wakers = Vec::new();
            wheel.close(&mut wakers);
            wakers.into_iter().for_each(Waker::wake);
        })
    };
    let heard = ear.heard();
    let state = poll();
    kernel.join().unwrap();
    match state {
        TimerState::Closed => assert_eq!(ear.heard(), usize::from(is_linked)),
        TimerState::First => assert_eq!((is_linked, ear.heard()), (false, 1)),
        TimerState::Waiting => assert_eq!((is_linked, heard, ear.heard()), (true, 0, 1)),
        TimerState::Due => unreachable!(),
    }
    assert_eq!(wheel.next_deadline(), None);
    drop(timer);
    assert_eq!((Arc::strong_count(&ear), Arc::strong_count(&wheel)), (1, 1));
}

/// A waker that writes down which one it is.
struct Scribe {
    number: usize,
    log: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Scribe {
    fn wake(self: Arc<Self>) {
        self.log.lock().push(self.number);
    }
}

/// A slot has more timers than move down at a time. Meanwhile the first one is dropped, and another comes for the same
/// deadline: it fires last.
pub(super) fn timers_come_and_go_while_others_move_down() {
    const MANY: usize = 4;
    let slot = 1 << 23; // 64 ticks: the first slot above level 0
    let deadline = Deadline::from_nanos(slot + 1);
    let wheel = Arc::new(Wheel::striding(Deadline::ZERO, 1));
    let log = Arc::new(Mutex::new(Vec::new()));
    let arm = |number| {
        let waker = Waker::from(Arc::new(Scribe { number, log: log.clone() }));
        let mut timer = Box::pin(Timer::new(deadline, None));
        let _ = timer.as_mut().poll(|| Deadline::ZERO, &waker, |_| Some(wheel.clone()));
        timer
    };
    let mut timers: Vec<_> = (0..MANY).map(arm).collect();
    let kernel = {
        let wheel = wheel.clone();
        thread::spawn(move || {
            let mut wakers = Vec::new();
            assert_eq!(wheel.fire(Deadline::from_nanos(slot), &mut wakers), 0);
            while wheel.next_deadline().is_some_and(|next| next <= deadline) {
                wheel.fire(deadline, &mut wakers);
            }
            wakers.into_iter().for_each(Waker::wake);
        })
    };
    drop(timers.remove(0));
    timers.push(arm(MANY));
    kernel.join().unwrap();
    let mut wakers = Vec::new();
    wheel.fire(deadline, &mut wakers); // the last one may have come after all that
    assert!(wakers.len() <= 1, "they were not waited for");
    wakers.into_iter().for_each(Waker::wake);
    let log = log.lock();
    let first = if log.len() > MANY { 0 } else { 1 };
    assert_eq!(*log, Vec::from_iter(first..=MANY));
}
