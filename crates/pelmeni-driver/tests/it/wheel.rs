//! The wheel against an oracle, at all distances and after years of uptime.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use pelmeni_driver::clock;
use pelmeni_driver::{Deadline, Timer, TimerState, Wheel};
use proptest::prelude::*;

use crate::kitchen::Ear;
use crate::oracle::{Bench, LATEST};

const TICK: u64 = 1 << 17;
const YEAR: u64 = 365 * 24 * 60 * 60 * 1_000_000_000;

/// Every power of 64 ticks, two ticks around it, and the nanosecond before and after.
fn distances() -> Vec<u64> {
    let mut distances = vec![0, 1, TICK - 1, TICK, TICK + 1];
    for power in 0..8 {
        let ticks = 1_u64 << (6 * power);
        for near in ticks.saturating_sub(2)..=ticks + 2 {
            let Some(nanos) = near.checked_mul(TICK) else { continue };
            distances.extend([nanos.saturating_sub(1), nanos, nanos + 1]);
        }
    }
    distances
}

#[test]
fn timers_at_every_power_of_64_from_every_power_of_64() {
    for start in distances().into_iter().filter(|start| *start < LATEST / 4) {
        let mut bench = Bench::new(start);
        for distance in distances() {
            bench.insert(distance);
        }
        bench.check();
        bench.drain();
    }
}

#[test]
fn uptime_of_years_with_short_sleeps() {
    let mut bench = Bench::new(0);
    for step in 0..4000 {
        bench.insert(5_000_000);
        bench.insert(TICK * 64 + step);
        let deadline = bench.now + 5_000_000;
        bench.advance(deadline - 1);
        bench.advance(deadline);
        bench.advance(deadline + YEAR / 700);
        bench.check();
    }
    assert!(bench.now > 5 * YEAR);
}

#[test]
fn fires_to_the_nanosecond() {
    let mut bench = Bench::new(12 * TICK + 5);
    for distance in [1, 2, 3, TICK, TICK + 1, 64 * TICK, 64 * TICK + 1] {
        bench.insert(distance);
        let deadline = bench.now + distance;
        bench.advance(deadline - 1);
        bench.advance(deadline);
        assert_eq!(bench.earliest(), None);
    }
}

#[test]
fn equal_deadlines_fire_in_order_of_registration() {
    let mut bench = Bench::new(3 * YEAR);
    for _ in 0..40 {
        bench.insert(YEAR);
        bench.insert(YEAR + 1);
    }
    bench.advance(3 * YEAR + YEAR / 2);
    for _ in 0..10 {
        bench.insert(YEAR / 2);
    }
    assert_eq!(bench.drain(), 2);
}

#[test]
fn many_timers_move_down_in_strides_and_those_that_come_meanwhile_stay_behind_them() {
    const STRIDE: usize = 4;
    for count in [2 * STRIDE + 1, 2 * STRIDE + 2, 50] {
        let mut bench = Bench::striding(0, STRIDE);
        (0..count).for_each(|_| bench.insert(64 * 64 * TICK + 5));
        let slot = 64 * 64 * TICK;
        bench.fire(slot);
        let is_done = bench.wheel.next_deadline() > Some(Deadline::from_nanos(slot));
        assert_eq!(is_done, count <= 2 * STRIDE + 1);
        bench.check();
        // The first is on its way, the last is not, and others come: one of them late.
        bench.cancel(0);
        bench.cancel(count - 1);
        bench.insert(5);
        bench.insert(3 * TICK);
        bench.reset(STRIDE, 5);
        bench.advance(slot + 5);
        bench.check();
        bench.drain();
    }
}

#[test]
fn timer_that_comes_during_a_descent_is_the_first_for_a_sleeper_who_knows_of_none_before_it() {
    let wheel = Arc::new(Wheel::striding(Deadline::ZERO, 1));
    let arm = |deadline| {
        let mut timer = Box::pin(Timer::new(Deadline::from_nanos(deadline), None));
        let state = timer.as_mut().poll(|| Deadline::ZERO, Waker::noop(), |_| Some(wheel.clone()));
        (timer, state)
    };
    let slot = 64 * TICK;
    let timers: Vec<_> = (0..10).map(|_| arm(slot + 30 * TICK)).collect();
    assert_eq!(wheel.next_deadline(), Some(timers[0].0.deadline())); // and sleeps
    assert_eq!(wheel.fire(Deadline::from_nanos(slot), &mut Vec::new()), 0);
    assert_eq!(arm(slot + 2 * TICK).1, TimerState::First);
}

/// Prints how long the wheel is busy at a time with very many timers; a million of them if it is built with `--release`.
#[test]
fn very_many_timers_move_closer_in_many_calls() {
    const SLOT: u64 = 64 * 64 * 64 * TICK;
    let count = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let arm = |number: u64| {
        let deadline =
            Deadline::from_nanos(SLOT + number.wrapping_mul(6_364_136_223_846_793_005) % SLOT);
        let mut timer = Box::pin(Timer::new(deadline, None));
        let _ = timer.as_mut().poll(|| Deadline::ZERO, Waker::noop(), |_| Some(wheel.clone()));
        timer
    };
    let timers: Vec<_> = (0..count).map(arm).collect();
    let (mut wakers, mut longest, mut calls, mut now) = (Vec::new(), Duration::ZERO, 0, SLOT);
    while let Some(next) = wheel.next_deadline() {
        now = now.max(next.as_nanos());
        let start = clock::now();
        wheel.fire(Deadline::from_nanos(now), &mut wakers);
        longest = longest.max(clock::now().until(start).unwrap_or_default());
        calls += u64::from(now == SLOT);
        now += u64::from(next.as_nanos() > SLOT) * TICK;
    }
    println!("{count} timers: {calls} calls for the first step, the longest of all {longest:?}");
    assert_eq!(wakers.len(), timers.len());
    assert!(calls > count / 10_000, "{calls} calls are too few for {count} timers");
}

#[test]
fn closing_takes_out_those_that_are_on_their_way() {
    let mut bench = Bench::striding(0, 2);
    (0..20).for_each(|_| bench.insert(64 * TICK + 5));
    bench.fire(64 * TICK);
    let mut wakers = Vec::new();
    bench.wheel.close(&mut wakers);
    assert_eq!(wakers.len(), 20);
    assert_eq!(bench.wheel.next_deadline(), None);
}

#[test]
fn deadlines_of_one_slot_fire_in_order_after_hours_of_absence() {
    // Near ones and far ones in one call, so that their distance does not fit beside their places; many and few in a slot.
    for count in [1, 2, 3, 4, 5, 500] {
        let mut bench = Bench::new(7 * TICK);
        for number in 0..count {
            bench.insert(1 + (number * 7919) % TICK);
            bench.insert(YEAR + (number * 7919) % 5);
            bench.insert(1 + (number * 7919) % TICK);
        }
        bench.advance(7 * TICK + TICK / 2);
        bench.advance(2 * YEAR);
        assert_eq!(bench.earliest(), None);
    }
}

#[test]
fn deadline_of_centuries_never_comes() {
    assert_eq!(Deadline::from_nanos(LATEST + 1), Deadline::NEVER);
    assert_eq!(Deadline::from_nanos(u64::MAX), Deadline::NEVER);
    assert_eq!(Deadline::from_nanos(LATEST) + std::time::Duration::MAX, Deadline::NEVER);
}

#[test]
fn cancelled_first_costs_one_wake_up_at_most() {
    let mut bench = Bench::new(0);
    bench.insert(100 * TICK);
    bench.insert(101 * TICK);
    bench.cancel(0);
    bench.check();
    assert!(bench.drain() <= 2);
}

#[test]
fn never_does_not_come() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let mut timer = Box::pin(Timer::new(Deadline::NEVER, None));
    let ear = Ear::new();
    let state = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    assert_eq!(state, TimerState::Waiting);
    assert_eq!(wheel.next_deadline(), None);
    let mut wakers = Vec::new();
    assert_eq!(wheel.fire(Deadline::NEVER, &mut wakers), 0);
    // It is waiting nevertheless, so that a reset reaches whoever waits.
    let soon = Deadline::from_nanos(LATEST);
    assert!(timer.as_mut().reset(soon, None));
    assert_eq!(wheel.next_deadline(), Some(soon));
    assert_eq!(wheel.fire(Deadline::NEVER, &mut wakers), 1);
    wakers.into_iter().for_each(Waker::wake);
    assert_eq!(ear.heard(), 1);
}

#[test]
fn clock_that_steps_back_does_no_harm() {
    let mut bench = Bench::new(1000 * TICK);
    bench.advance(5000 * TICK);
    bench.now = 2000 * TICK;
    bench.insert(TICK);
    bench.insert(2500 * TICK);
    bench.insert(3500 * TICK);
    let mut wakers = Vec::new();
    assert_eq!(bench.wheel.fire(Deadline::from_nanos(2000 * TICK), &mut wakers), 0);
    bench.advance(5000 * TICK);
    assert_eq!(bench.earliest(), Some(5500 * TICK));
    bench.drain();
}

#[test]
fn another_waker_replaces_the_first() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let deadline = Deadline::from_nanos(TICK);
    let mut timer = Box::pin(Timer::new(deadline, None));
    let (old, new) = (Ear::new(), Ear::new());
    for ear in [&old, &old, &new, &new] {
        let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    }
    assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 2));
    let mut wakers = Vec::new();
    wheel.fire(deadline, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
    assert_eq!((old.heard(), new.heard()), (0, 1));
    let state = timer.as_mut().poll(|| unreachable!(), &new.waker(), |_| unreachable!());
    assert_eq!(state, TimerState::Due);
}

#[test]
fn dropped_timer_lets_go_of_its_waker_and_its_place() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let ear = Ear::new();
    for distance in distances() {
        let mut timer = Box::pin(Timer::new(Deadline::from_nanos(distance + 1), None));
        let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
        assert!(wheel.next_deadline().is_some());
        drop(timer);
        assert_eq!(wheel.next_deadline(), None);
    }
    assert_eq!((Arc::strong_count(&ear), Arc::strong_count(&wheel)), (1, 1));
}

#[test]
fn fired_timer_can_be_set_again() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let ear = Ear::new();
    let mut timer = Box::pin(Timer::new(Deadline::ZERO, None));
    for round in 1..=5 {
        let deadline = Deadline::from_nanos(round * TICK);
        assert!(!timer.as_mut().reset(deadline, None));
        let state = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
        assert_eq!(state, TimerState::First);
        let mut wakers = Vec::new();
        assert_eq!(wheel.fire(deadline, &mut wakers), 1);
    }
}

#[test]
fn closing_takes_everyone_out() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let ear = Ear::new();
    let mut timers: Vec<_> = distances()
        .into_iter()
        .map(|distance| Box::pin(Timer::new(Deadline::from_nanos(distance + 1), None)))
        .collect();
    for timer in &mut timers {
        let _ = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
    }
    let mut wakers = Vec::new();
    wheel.close(&mut wakers);
    assert_eq!(wakers.len(), timers.len());
    assert_eq!(wheel.next_deadline(), None);
    for timer in &mut timers {
        assert!(!timer.is_fired());
        let state = timer.as_mut().poll(|| Deadline::ZERO, &ear.waker(), |_| Some(wheel.clone()));
        assert_eq!(state, TimerState::Closed);
    }
}

#[test]
fn timers_are_dropped_by_other_threads_while_they_fire() {
    let wheel = Arc::new(Wheel::new(Deadline::ZERO));
    let ear = Ear::new();
    let (wheel, ear) = (&wheel, &ear);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            scope.spawn(move || {
                for round in 0..20_000_u64 {
                    let deadline = Deadline::from_nanos((round * 7 + thread) * 1000);
                    let mut timer = Box::pin(Timer::new(deadline, None));
                    let now = || Deadline::ZERO;
                    let _ = timer.as_mut().poll(now, &ear.waker(), |_| Some(wheel.clone()));
                    if round % 3 == 0 {
                        let _ = timer
                            .as_mut()
                            .reset(deadline + std::time::Duration::from_micros(3), None);
                    }
                }
            });
        }
        scope.spawn(move || {
            let mut wakers = Vec::new();
            for step in 0..20_000 {
                wheel.fire(Deadline::from_nanos(step * 7000), &mut wakers);
                wakers.drain(..).for_each(Waker::wake);
            }
        });
    });
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(Arc::strong_count(ear), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64),
    Cancel(usize),
    Reset(usize, u64),
    Advance(u64),
    Fire(u64),
    AdvanceToNext,
}

fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..10 * TICK,
        0..10_000 * TICK,
        0..3 * YEAR,
        proptest::sample::select(distances()),
        (0..64_u32).prop_map(|bits| 1 << bits),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => distance().prop_map(Step::Insert),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => (any::<usize>(), distance()).prop_map(|(number, delay)| Step::Reset(number, delay)),
        1 => distance().prop_map(Step::Advance),
        3 => distance().prop_map(Step::Fire),
        3 => Just(Step::AdvanceToNext),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wheel_is_the_oracle(
        start in 0..3 * YEAR,
        stride in 1..6_usize,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut bench = Bench::striding(start, stride);
        for step in steps {
            let timers = bench.timers.len().max(1);
            match step {
                Step::Insert(delay) => bench.insert(delay),
                Step::Cancel(number) if !bench.timers.is_empty() => bench.cancel(number % timers),
                Step::Reset(number, delay) if !bench.timers.is_empty() => {
                    bench.reset(number % timers, delay);
                }
                Step::Cancel(_) | Step::Reset(..) => {}
                Step::Advance(delay) => bench.advance(bench.now.saturating_add(delay / 16).min(LATEST / 2)),
                Step::Fire(delay) => bench.fire(bench.now.saturating_add(delay / 16).min(LATEST / 2)),
                Step::AdvanceToNext => {
                    let next = bench.earliest().unwrap_or(bench.now);
                    bench.advance(next.min(LATEST - 1));
                }
            }
            // A reset to the past is due at once: then there is nothing to sleep for.
            if bench.earliest().is_none_or(|earliest| earliest > bench.now) {
                bench.check();
            }
        }
        bench.drain();
    }
}
