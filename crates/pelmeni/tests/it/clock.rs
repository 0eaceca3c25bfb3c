//! Sleeps, intervals and deadlines: never early, in order, and at home with durations that no clock has.

use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures::StreamExt;
use pelmeni::{
    Builder, Handle, interval, sleep, sleep_until, spawn, spawn_blocking, timeout, timeout_at,
    yield_now,
};

use crate::kitchen::{AGES, Count, counting, each, each_of, on, panic_of};

const SOON: Duration = Duration::from_millis(5);
const CENTURIES: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

// regress: tokio#3069
#[test]
fn no_sleep_ends_early() {
    each(|runtime| {
        runtime.run(async {
            for nanos in [0, 1, 999, 1_000, 999_999, 1_000_000, 1_000_001, 7_654_321] {
                let duration = Duration::from_nanos(nanos);
                let start = Instant::now();
                sleep(duration).await;
                assert!(start.elapsed() >= duration, "{duration:?}");
            }
        });
    });
}

#[test]
fn a_sleep_in_the_past_is_over() {
    each(|runtime| {
        runtime.run(async {
            let polls = Count::new();
            for _ in 0..10 {
                drop(sleep(SOON)); // from here on the time is an estimate
                counting(polls.clone(), sleep_until(Instant::now() - SOON)).await;
                counting(polls.clone(), sleep(Duration::ZERO)).await;
            }
            // Once in a while, this thread is interrupted before the first poll of one.
            assert!((20..30).contains(&polls.get()), "polled {} times", polls.get());
        });
    });
}

// regress: tokio#3551, tokio#4495, async-io#87
#[test]
fn the_longest_duration_is_as_good_as_any() {
    let forever = [Duration::MAX, Duration::MAX - Duration::from_nanos(1), CENTURIES];
    each_of(
        || Builder::new().grace(Duration::MAX).blocking_keep_alive(Duration::MAX),
        |runtime| {
            let calls = runtime.run(async {
                assert_eq!(spawn_blocking(|| 3).await.unwrap(), 3);
                let mut calls = Vec::new();
                for long in forever {
                    assert!(timeout(SOON, sleep(long)).await.is_err());
                    assert_eq!(timeout(long, async { 1 }).await, Ok(1));
                    assert_eq!(timeout(long, sleep(Duration::from_millis(1))).await, Ok(()));
                    let mut ticks = interval(long);
                    ticks.tick().await;
                    assert!(timeout(SOON, ticks.tick()).await.is_err());
                    let called = Count::new();
                    let count = called.clone();
                    let call = Handle::current().call_later(long, move || count.add());
                    yield_now().await;
                    calls.push((call, called));
                }
                calls
            });
            for (call, called) in calls {
                assert!(!call.is_finished());
                call.cancel();
                assert_eq!(called.get(), 0);
            }
        },
    );
}

#[test]
fn an_instant_in_the_far_future_never_comes() {
    each(|runtime| {
        runtime.run(async {
            let mut far = Instant::now();
            // As far as this platform's clock can be asked to go, and somewhat nearer.
            for power in (0..64).rev() {
                far = far.checked_add(Duration::from_secs(1 << power)).unwrap_or(far);
            }
            for at in [far, Instant::now() + CENTURIES] {
                assert!(timeout(SOON, sleep_until(at)).await.is_err());
                assert_eq!(timeout_at(at, async { 1 }).await, Ok(1));
                let call = Handle::current().call_at(at, || unreachable!());
                yield_now().await;
                call.cancel();
            }
        });
    });
}

// regress: tokio#3229
#[test]
fn sleeps_that_are_dropped_about_when_they_are_due() {
    each(|runtime| {
        runtime.run(async {
            let tasks = (0..200_u64).map(|i| async move {
                let due = Duration::from_micros(1000);
                let limit = Duration::from_micros(900 + i);
                // Either may be first; neither may be lost.
                let _ = timeout(limit, sleep(due)).await;
                i
            });
            let ended = pelmeni::gather_iter(tasks).await;
            assert!(ended.into_iter().eq(0..200));
        });
    });
}

// regress: tokio#3190
#[test]
fn a_shorter_sleep_ends_although_a_longer_one_was_there_first() {
    each(|runtime| {
        let long = runtime.handle().spawn(sleep(AGES));
        let short = runtime.handle().spawn(sleep(SOON));
        runtime.run(short).unwrap();
        assert!(!long.is_finished());
        long.abort();
    });
}

#[test]
fn a_sleep_that_was_not_awaited_costs_nothing_and_wakes_nobody() {
    each(|runtime| {
        runtime.run(async {
            drop(sleep(SOON));
            let mut begun = Box::pin(sleep(10 * SOON));
            assert!(futures::poll!(begun.as_mut()).is_pending());
            drop(begun);
            sleep(12 * SOON).await;
        });
    });
}

#[test]
fn a_sleep_can_be_moved_to_another_deadline() {
    each(|runtime| {
        runtime.run(async {
            let mut nap = Box::pin(sleep(AGES));
            assert!(futures::poll!(nap.as_mut()).is_pending());
            let earlier = Instant::now() + SOON;
            nap.as_mut().reset(earlier);
            nap.as_mut().await;
            assert!(Instant::now() >= earlier && nap.is_elapsed());

            // Once more, after it has ended; and later.
            let later = Instant::now() + SOON;
            nap.as_mut().reset(Instant::now());
            nap.as_mut().reset(later);
            assert_eq!(nap.deadline().map(|at| at >= later), Some(true));
            nap.as_mut().await;
            assert!(Instant::now() >= later);
        });
    });
}

#[test]
fn a_sleep_that_another_task_polls_later_still_wakes() {
    // regress: async-io 07b6cca
    each(|runtime| {
        runtime.run(async {
            let mut nap = Box::pin(sleep(20 * SOON));
            assert!(futures::poll!(nap.as_mut()).is_pending());
            // From now on it is another task's waker that counts.
            spawn(nap).await.unwrap();
        });
    });
}

#[test]
fn many_sleeps_end_in_order() {
    each(|runtime| {
        runtime.run(async {
            let naps = (0..2000_u64).map(|i| async move {
                let deadline = Instant::now() + Duration::from_micros(i * 7919 % 20_000);
                sleep_until(deadline).await;
                Instant::now() >= deadline
            });
            assert!(pelmeni::gather_iter(naps).await.into_iter().all(|in_time| in_time));
        });
    });
}

#[test]
fn an_interval_ticks_at_once_and_then_at_its_distance() {
    each(|runtime| {
        runtime.run(async {
            let period = Duration::from_millis(3);
            let mut ticks = interval(period);
            assert_eq!(ticks.period(), period);
            let first = ticks.tick().await;
            assert!(Instant::now() >= first);
            for i in 1..=5 {
                let due = ticks.tick().await;
                let now = Instant::now();
                assert!(now >= due, "a tick is never early");
                // Whole periods after the first, whatever was late.
                let since = due - first;
                assert!(since >= i * period);
                assert_eq!(since.as_nanos() % period.as_nanos(), 0);
            }
        });
    });
}

#[test]
fn an_interval_skips_what_it_has_missed() {
    on(1, |runtime| {
        runtime.run(async {
            let period = Duration::from_millis(2);
            let mut ticks = interval(period);
            let first = ticks.tick().await;
            std::thread::sleep(10 * period); // nobody ticks meanwhile
            let late = ticks.tick().await; // the one that was due next
            assert_eq!(late, first + period);
            let next = ticks.tick().await;
            assert!(next >= first + 10 * period, "the missed ones do not come in a burst");
            let fast: Vec<Instant> = interval(Duration::from_nanos(1)).take(100).collect().await;
            assert!(fast.is_sorted());
        });
    });
}

#[test]
fn a_tick_that_is_cancelled_is_not_lost() {
    each(|runtime| {
        runtime.run(async {
            let period = Duration::from_millis(4);
            let mut ticks = interval(period);
            let first = ticks.tick().await;
            let mut stopped = 0;
            let second = loop {
                match timeout(Duration::from_micros(200), ticks.tick()).await {
                    Ok(due) => break due,
                    Err(_) => stopped += 1,
                }
            };
            assert!(second > first && (second - first).as_nanos() % period.as_nanos() == 0);
            assert!(stopped > 0 || second > first + period);
        });
    });
}

#[test]
fn a_tick_outside_any_runtime_names_the_line_of_the_interval() {
    let (made, mut ticks) = (line!(), interval(Duration::from_millis(1)));
    on(1, |runtime| {
        runtime.run(async {
            for _ in 0..3 {
                ticks.tick().await; // all but the first one wait in the wheel
            }
        });
    });
    let message = panic_of(|| {
        let mut cx = Context::from_waker(Waker::noop());
        while ticks.poll_tick(&mut cx).is_ready() {}
    });
    let here = format!("{}:{made}:", file!());
    assert!(message.contains(&here) && message.contains("pelmeni::run"), "{message}");
}

#[test]
fn an_interval_of_nothing_is_refused() {
    let message = panic_of(|| interval(Duration::ZERO));
    assert!(message.contains("interval(0)"), "{message}");
}

#[test]
fn a_busy_worker_looks_at_its_timers() {
    // regress: Go#38860
    on(1, |runtime| {
        runtime.run(async {
            let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let seen = stop.clone();
            let busy = spawn(async move {
                while !seen.load(std::sync::atomic::Ordering::Relaxed) {
                    yield_now().await;
                }
            });
            sleep(SOON).await;
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            busy.await.unwrap();
        });
    });
}

#[test]
fn a_sleep_goes_on_while_its_task_runs_elsewhere() {
    // regress: tokio#6682
    each(|runtime| {
        runtime.run(async {
            let walkers = (0..50_u64).map(|i| async move {
                for step in 0..20 {
                    yield_now().await; // to another worker, perhaps
                    sleep(Duration::from_micros((i * 37 + step * 101) % 700)).await;
                }
            });
            pelmeni::gather_iter(walkers).await;
        });
    });
}
