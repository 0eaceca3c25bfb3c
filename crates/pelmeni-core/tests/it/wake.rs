//! Wakes: from inside and outside, by value and by reference, before and after the end.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use pelmeni_core::cancel::unaffected;
use pelmeni_core::coop::{BUDGET, poll_proceed, yield_now};
use pelmeni_core::{AbortHandle, Cause, task_unchecked};

use crate::bench::{Bell, Bench, Door, poll_with, result};

#[test]
fn task_runs_once_and_ends() {
    let bench = Bench::new();
    let (runnable, handle) = bench.make(async { 6 * 7 });
    assert!(!handle.is_finished());
    runnable.run();
    assert!(handle.is_finished());
    assert_eq!((bench.released.get(), bench.causes()), (1, vec![]));
    assert_eq!(result(handle).unwrap(), 42);
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn wake_by_reference_schedules_an_idle_task_once() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let waker = door.waker();
    waker.wake_by_ref();
    waker.wake_by_ref();
    assert_eq!(bench.causes(), [Cause::Wake]);
    assert_eq!((bench.run(), door.polls.get()), (1, 2));
    assert!(!handle.is_finished());
    drop(waker);
    door.open();
    bench.run();
    result(handle).unwrap();
}

#[test]
fn wake_by_value_schedules_an_idle_task_once() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let (first, second) = (door.waker(), door.waker());
    first.wake();
    second.wake();
    assert_eq!(bench.causes(), [Cause::Wake]);
    door.open();
    assert_eq!((bench.run(), door.polls.get()), (1, 2));
    result(handle).unwrap();
    drop(door);
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn wake_while_running_runs_the_task_again() {
    let bench = Bench::new();
    let mut polls = 0;
    let (runnable, handle) = bench.make(poll_fn(move |cx| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(polls);
        }
        // Any number of wakes in one poll make one more.
        let waker = cx.waker().clone();
        waker.wake_by_ref();
        waker.wake();
        Poll::Pending
    }));
    runnable.run();
    assert_eq!(bench.causes(), [Cause::Again]);
    assert_eq!(bench.run(), 2);
    assert_eq!(result(handle).unwrap(), 3);
}

#[test]
fn task_that_is_not_woken_is_not_polled() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    assert_eq!((bench.run(), door.polls.get()), (0, 1));
    assert!(!handle.is_finished());
    door.open();
    assert_eq!(bench.run(), 1);
    result(handle).unwrap();
}

#[test]
fn waker_outlives_everything() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let waker = door.waker();
    door.open();
    bench.run();
    result(handle).unwrap();
    let bench_is_gone = {
        let homes = bench.homes.clone();
        drop(bench);
        homes
    };
    assert_eq!(bench_is_gone.get(), 1, "the waker keeps the memory");
    waker.wake_by_ref();
    let other = waker.clone();
    drop(waker);
    assert_eq!(bench_is_gone.get(), 1);
    other.wake();
    assert_eq!(bench_is_gone.get(), 0);
}

#[test]
fn waker_is_dropped_on_another_thread() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let waker = door.waker();
    door.open();
    bench.run();
    drop(handle);
    std::thread::scope(|scope| {
        scope.spawn(move || drop(waker));
    });
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn wakers_of_one_task_are_equal_and_of_two_are_not() {
    let bench = Bench::new();
    let (one, other) = (Door::new(), Door::new());
    for door in [&one, &other] {
        let door = door.clone();
        drop(bench.start(async move { door.pass().await }));
    }
    assert!(one.waker().will_wake(&one.waker()));
    assert!(!one.waker().will_wake(&other.waker()));
    one.open();
    other.open();
    bench.run();
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn yielding_schedules_the_task_again() {
    let bench = Bench::new();
    let (runnable, handle) = bench.make(async {
        yield_now().await;
        yield_now().await;
    });
    runnable.run();
    assert_eq!(bench.causes(), [Cause::Again]);
    assert!(!handle.is_finished());
    assert_eq!(bench.run(), 2);
    assert_eq!(bench.causes(), [Cause::Again]);
    result(handle).unwrap();
}

#[test]
fn yielding_costs_no_wake() {
    let bench = Bench::new();
    let own = Arc::new(Mutex::new(None::<AbortHandle>));
    let (runnable, handle) = bench.make({
        let own = own.clone();
        async move {
            // A poll that nests in this one leaves it the task that is polled.
            drop(Bench::new().start(async {}));
            let mut yielding = pin!(yield_now());
            poll_fn(|cx| {
                let polled = yielding.as_mut().poll(cx);
                let state = format!("{:?}", own.lock().unwrap());
                assert!(state.contains("wakes: 1"), "{state}");
                polled
            })
            .await;
        }
    });
    *own.lock().unwrap() = Some(handle.abort_handle());
    runnable.run();
    bench.run();
    result(handle).unwrap();
}

#[test]
fn yield_elsewhere_wakes() {
    // Not the task that is being polled: the waker is all there is.
    let bell = Bell::new();
    assert!(poll_with(&mut yield_now(), &Waker::from(bell.clone())).is_pending());
    assert_eq!(bell.rings(), 1);
}

#[test]
fn wake_during_a_yield_is_answered_by_the_same_poll() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::Ready(())
            })
            .await;
            yield_now().await;
            door.pass().await;
        }
    });
    assert_eq!(bench.causes(), [Cause::Again]);
    assert_eq!(door.polls.get(), 1, "one poll for the yield and none for the wake before it");
    drop(handle);
    door.open();
    bench.run();
}

#[test]
fn spent_budget_lets_others_run() {
    let bench = Bench::new();
    let steps = 3 * BUDGET as usize;
    let (runnable, handle) = bench.make(async move {
        for _ in 0..steps {
            poll_fn(poll_proceed).await;
        }
    });
    runnable.run();
    assert!(!handle.is_finished());
    let others = bench.run();
    assert_eq!(others, 2, "each poll has a budget of its own");
    result(handle).unwrap();
}

#[test]
fn budget_does_not_leak_out_of_a_poll() {
    let bench = Bench::new();
    let handle = bench.start(async {
        for _ in 0..BUDGET {
            poll_fn(poll_proceed).await;
        }
    });
    assert!(handle.is_finished());
    let mut cx = std::task::Context::from_waker(Waker::noop());
    for _ in 0..10 * BUDGET {
        assert!(poll_proceed(&mut cx).is_ready(), "outside a task there is no limit");
    }
}

#[test]
fn yield_of_a_nested_poll_is_its_own() {
    let (outer, inner) = (Bench::new(), Bench::new());
    let handle = outer.start({
        let inner = inner.clone();
        poll_fn(move |_| {
            let (runnable, handle) = inner.make(yield_now());
            drop(handle);
            runnable.run();
            Poll::<()>::Pending
        })
    });
    assert_eq!((outer.causes(), inner.causes()), (vec![], vec![Cause::Again]));
    inner.run();
    handle.abort();
    outer.run();
}

#[test]
fn scopes_own_work_is_outside_the_budget() {
    let bench = Bench::new();
    let handle = bench.start(poll_fn(|cx| {
        for _ in 0..BUDGET {
            assert!(poll_proceed(cx).is_ready());
        }
        assert!(unaffected(|| poll_proceed(cx)).is_ready());
        assert!(poll_proceed(cx).is_pending());
        Poll::Ready(())
    }));
    result(handle).unwrap();
}

#[test]
fn polls_nest() {
    let bench = Bench::new();
    let inner = Bench::new();
    let (runnable, handle) = bench.make(async move {
        // A task that is run inside another one's poll has its own budget, and leaves the outer one's alone.
        let nested = inner.start(async {
            for _ in 0..BUDGET {
                poll_fn(poll_proceed).await;
            }
        });
        assert!(nested.is_finished());
        for _ in 0..BUDGET {
            poll_fn(poll_proceed).await;
        }
    });
    runnable.run();
    result(handle).unwrap();
    assert!(bench.causes().is_empty());
}

#[test]
#[expect(unsafe_code, reason = "the future is not Send")]
fn future_that_is_not_send_stays_on_its_thread() {
    use pelmeni_core::{JoinError, Runnable, Schedule, TaskInfo};

    struct Nowhere;

    // SAFETY: it passes nothing on.
    #[expect(unsafe_code, reason = "the promise of a scheduler")]
    unsafe impl Schedule for Nowhere {
        fn schedule(&self, _: Runnable, _: Cause) {}
        fn release(&self) {}
        fn describe(&self) -> TaskInfo {
            TaskInfo::new(None, std::panic::Location::caller())
        }
        fn unobserved(&self, _: &JoinError) {}
    }

    let number = std::rc::Rc::new(7);
    let borrowed = &number;
    // SAFETY: everything happens on this thread, and the task ends before `number` does.
    let (runnable, handle) =
        unsafe { task_unchecked(async move { **borrowed }, None, |_| Nowhere) };
    assert!(runnable.is_local());
    runnable.run();
    assert_eq!(result(handle).unwrap(), 7);
}

#[test]
fn runnable_of_a_send_future_is_not_local() {
    let bench = Bench::new();
    let (runnable, handle) = bench.make(pending::<()>());
    assert!(!runnable.is_local());
    drop(runnable);
    assert!(result(handle).unwrap_err().is_cancelled());
}
