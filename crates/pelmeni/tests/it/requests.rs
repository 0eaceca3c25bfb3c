//! Requests to cancel beyond the cases that define them: counted, held, passed on, taken back, found by every leaf.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use pelmeni::task::Held;
use pelmeni::{Cancelled, catch_cancel, sleep, spawn, with_cleanup, yield_now};

use crate::cancellation::{cancelled_at, is_cancelled, with_own_switch};
use crate::kitchen::{AGES, Count, Diary, each, event, on, one_turn, telling};

#[test]
fn several_requests_before_one_poll_are_taken_at_once() {
    each(|runtime| {
        let outcome = with_own_switch(runtime, |own| async move {
            assert!(own.cancel() && own.cancel() && own.cancel());
            let taken = catch_cancel(sleep(AGES)).await.unwrap_err().requests();
            sleep(Duration::from_millis(1)).await; // none is left
            taken
        });
        assert_eq!(outcome.unwrap(), 3);
    });
}

#[test]
fn what_is_caught_can_be_passed_on() {
    each(|runtime| {
        let (waits, diary) = (event(), Diary::new());
        let task = {
            let (waits, diary) = (waits.clone(), diary.clone());
            async move {
                let outer = catch_cancel(async {
                    if let Err(cancelled) = catch_cancel(telling(waits, sleep(AGES))).await {
                        sleep(Duration::from_millis(1)).await;
                        diary.note("cleaned by hand");
                        match cancelled.pass_on().await {}
                    }
                })
                .await;
                outer.map_err(|cancelled: Cancelled| cancelled.requests())
            }
        };
        assert_eq!(cancelled_at(runtime, &[&waits], task).unwrap(), Err(1));
        assert_eq!(diary.pages(), ["cleaned by hand"]);
    });
}

#[test]
fn requests_on_hold_come_back_when_they_are_dropped() {
    each(|runtime| {
        let waits = event();
        let task = {
            let waits = waits.clone();
            async move {
                let held = catch_cancel(telling(waits, sleep(AGES))).await.unwrap_err().hold();
                sleep(Duration::from_millis(1)).await;
                drop(held);
                // It travels with this very poll again.
                catch_cancel(sleep(AGES)).await.unwrap_err().requests()
            }
        };
        assert_eq!(cancelled_at(runtime, &[&waits], task).unwrap(), 1);
    });
}

#[test]
fn a_future_of_ones_own_can_take_requests_by_hand() {
    each(|runtime| {
        let waits = event();
        let task = {
            let waits = waits.clone();
            async move {
                let mut taken = Vec::new();
                let by_hand = poll_fn(|cx| match Held::take() {
                    Some(held) => {
                        taken.push(held);
                        Poll::Ready(())
                    }
                    None => {
                        let _ = cx.waker().clone();
                        Poll::Pending
                    }
                });
                telling(waits, by_hand).await;
                sleep(Duration::from_millis(1)).await;
                drop(taken);
                sleep(AGES).await;
            }
        };
        assert!(is_cancelled(cancelled_at(runtime, &[&waits], task)));
    });
}

#[test]
fn a_cleanup_runs_after_success_too() {
    each(|runtime| {
        let diary = Diary::new();
        let value = runtime.run(async {
            with_cleanup(async { 3 }, async || {
                yield_now().await;
                diary.note("clean");
            })
            .await
        });
        assert_eq!(value, 3);
        assert_eq!(diary.pages(), ["clean"]);
    });
}

#[test]
fn nested_cleanups_run_from_the_inside_out() {
    each(|runtime| {
        let (waits, diary) = (event(), Diary::new());
        let task = {
            let (waits, diary) = (waits.clone(), diary.clone());
            async move {
                let note = |what: &'static str| {
                    let diary = diary.clone();
                    async move || {
                        sleep(Duration::from_millis(1)).await;
                        diary.note(what);
                    }
                };
                let inner = with_cleanup(telling(waits, sleep(AGES)), note("inner"));
                with_cleanup(with_cleanup(inner, note("middle")), note("outer")).await;
            }
        };
        assert!(is_cancelled(cancelled_at(runtime, &[&waits], task)));
        assert_eq!(diary.pages(), ["inner", "middle", "outer"]);
    });
}

// regress: asyncio test_cancel_current_task, test_cancel_at_end
#[test]
fn a_request_to_oneself_is_found_at_the_next_wait() {
    each(|runtime| {
        let outcome = with_own_switch(runtime, |own| async move {
            assert!(own.cancel());
            sleep(AGES).await;
        });
        assert!(is_cancelled(outcome));
    });
}

#[test]
fn a_task_that_ends_while_a_request_travels_is_cancelled_and_its_value_dropped() {
    each(|runtime| {
        let dropped = Count::new();
        let value = dropped.on_drop();
        let outcome = with_own_switch(runtime, |own| async move {
            assert!(own.cancel());
            one_turn().await; // the request travels with the poll that ends this
            value
        });
        assert!(is_cancelled(outcome));
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn whatever_is_awaited_gives_way_to_a_request() {
    each(|runtime| {
        // A leaf that is ready is as good a place to stop as one that waits.
        for leaf in 0..4 {
            let diary = Diary::new();
            let notes = diary.clone();
            let outcome = with_own_switch(runtime, move |own| async move {
                let lock = pelmeni::sync::Mutex::new(());
                let done = spawn(async {});
                while !done.is_finished() {
                    one_turn().await;
                }
                own.cancel();
                one_turn().await;
                match leaf {
                    0 => drop(lock.lock().await),
                    1 => yield_now().await,
                    2 => done.await.unwrap(),
                    _ => sleep(Duration::ZERO).await,
                }
                notes.note("never reached");
            });
            assert!(is_cancelled(outcome), "leaf {leaf}");
            assert!(diary.pages().is_empty(), "leaf {leaf}");
        }
    });
}

#[test]
fn cancelling_the_awaited_task_tells_the_one_that_awaits() {
    each(|runtime| {
        runtime.run(async {
            let waits = event();
            let inner = spawn(telling(waits.clone(), sleep(AGES)));
            let switch = inner.abort_handle();
            let outer = spawn(inner);
            waits.wait().await;
            assert!(switch.cancel());
            // Unlike in asyncio it is a value, and the one that awaits goes on.
            assert!(outer.await.unwrap().unwrap_err().is_cancelled());
        });
    });
}

// regress: asyncio test_uncancel_resets_must_cancel
#[test]
fn a_request_that_is_taken_back_in_time_has_not_happened() {
    on(1, |runtime| {
        runtime.run(async {
            let handle = spawn(async {
                sleep(Duration::from_millis(1)).await;
                42
            });
            assert!(handle.cancel());
            assert_eq!(handle.cancelling(), 1);
            assert!(handle.uncancel());
            assert!(!handle.uncancel());
            assert_eq!(handle.cancelling(), 0);
            assert_eq!(handle.await.unwrap(), 42);
        });
    });
}

#[test]
fn a_request_is_not_taken_back_once_it_was_found() {
    each(|runtime| {
        runtime.run(async {
            for _ in 0..100 {
                let handle = spawn(async {
                    one_turn().await;
                    sleep(Duration::ZERO).await;
                    42
                });
                let sent = handle.cancel(); // unless the task has ended already
                // Whoever finds the request first has it: never both, never nobody.
                let taken_back = handle.uncancel();
                let outcome = handle.await;
                assert_eq!(outcome.is_ok(), taken_back || !sent, "{outcome:?}");
            }
        });
    });
}

#[test]
fn more_requests_than_can_be_counted_are_still_one_end() {
    each(|runtime| {
        let outcome = with_own_switch(runtime, |own| async move {
            for _ in 0..1000 {
                assert!(own.cancel());
            }
            let taken = catch_cancel(sleep(AGES)).await.unwrap_err().requests();
            sleep(Duration::from_millis(1)).await;
            taken
        });
        assert_eq!(outcome.unwrap(), 255);
    });
}
