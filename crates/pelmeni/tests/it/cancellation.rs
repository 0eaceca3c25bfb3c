//! What a request to cancel does, case by case: first the fourteen that define it, then those around them.
//!
//! A request is sent when the task is known to wait at a certain place. Where a time limit must not be over yet it is
//! [`AGES`]; where it must be, what the limit stops tells so.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use pelmeni::sync::Event;
use pelmeni::task::Held;
use pelmeni::{
    AbortHandle, Cancelled, JoinError, Runtime, catch_cancel, sleep, spawn, timeout, timeout_at,
    with_cleanup, yield_now,
};

use crate::kitchen::{AGES, Count, Diary, each, event, on, one_turn, telling};

const SOON: Duration = Duration::from_millis(5);

/// Runs a task and sends it a request when the event is set, and then for each of the other events in order.
fn cancelled_at<T: Send + 'static>(
    runtime: &Runtime,
    at: &[&Arc<Event>],
    task: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    runtime.run(async {
        let handle = spawn(task);
        for event in at {
            event.wait().await;
            assert!(handle.cancel());
        }
        handle.await
    })
}

fn is_cancelled<T>(outcome: Result<T, JoinError>) -> bool {
    outcome.is_err_and(|error| error.is_cancelled())
}

/// A task that is handed its own kill switch before it begins.
fn with_own_switch<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    runtime: &Runtime,
    task: impl FnOnce(AbortHandle) -> F + Send + 'static,
) -> Result<T, JoinError> {
    runtime.run(async {
        let (to, switch) = pelmeni::sync::oneshot::channel();
        let handle = spawn(async move { task(switch.await.unwrap()).await });
        to.send(handle.abort_handle()).unwrap();
        handle.await
    })
}

#[test]
fn case_01_nobody_takes_it_and_the_task_ends() {
    each(|runtime| {
        let (waits, dropped) = (event(), Count::new());
        let witness = dropped.on_drop();
        let task = {
            let waits = waits.clone();
            async move {
                let _witness = witness;
                telling(waits, sleep(AGES)).await;
                1
            }
        };
        assert!(is_cancelled(cancelled_at(runtime, &[&waits], task)));
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn case_02_it_is_caught_and_the_code_goes_on() {
    each(|runtime| {
        let waits = event();
        let task = {
            let waits = waits.clone();
            async move {
                let caught = catch_cancel(telling(waits, sleep(AGES))).await;
                assert_eq!(caught.map_err(|cancelled| cancelled.requests()), Err(1));
                sleep(Duration::from_millis(1)).await;
                yield_now().await;
                8
            }
        };
        assert_eq!(cancelled_at(runtime, &[&waits], task).unwrap(), 8);
    });
}

#[test]
fn case_03_a_cleanup_waits_and_then_the_task_ends() {
    each(|runtime| {
        let (waits, diary) = (event(), Diary::new());
        let task = {
            let (waits, diary) = (waits.clone(), diary.clone());
            async move {
                let inside = {
                    let diary = diary.clone();
                    async move {
                        let _witness = diary.on_drop("inside dropped");
                        telling(waits, sleep(AGES)).await;
                    }
                };
                let notes = diary.clone();
                with_cleanup(inside, async move || {
                    sleep(SOON).await;
                    notes.note("clean");
                })
                .await;
                diary.note("never reached");
            }
        };
        assert!(is_cancelled(cancelled_at(runtime, &[&waits], task)));
        assert_eq!(diary.pages(), ["inside dropped", "clean"]);
    });
}

#[test]
fn case_04_a_timeout_drops_what_has_no_boundary() {
    each(|runtime| {
        let dropped = Count::new();
        let witness = dropped.on_drop();
        let outcome = runtime.run(async {
            let inside = async {
                let _witness = witness;
                sleep(AGES).await;
            };
            let outcome = timeout(SOON, inside).await;
            assert_eq!(dropped.get(), 1);
            outcome
        });
        assert!(outcome.is_err());
    });
}

#[test]
fn case_05_a_timeout_waits_for_what_cleans_up() {
    each(|runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let notes = diary.clone();
            let cleanup = async move || {
                sleep(SOON).await;
                notes.note("clean");
            };
            assert!(timeout(SOON, with_cleanup(sleep(AGES), cleanup)).await.is_err());
            diary.note("elapsed");
            // The request was the timeout's own: nothing of it is left.
            sleep(Duration::from_millis(1)).await;
        });
        assert_eq!(diary.pages(), ["clean", "elapsed"]);
    });
}

#[test]
fn case_06_a_request_from_outside_passes_through_a_timeout() {
    each(|runtime| {
        let waits = event();
        let task = {
            let waits = waits.clone();
            async move {
                let _ = timeout(AGES, telling(waits, sleep(AGES))).await;
                1
            }
        };
        assert!(is_cancelled(cancelled_at(runtime, &[&waits], task)));
    });
}

// regress: gh-86296
#[test]
fn case_07_a_request_and_a_timeout_in_one_poll_are_both_answered() {
    each(|runtime| {
        let diary = Diary::new();
        let notes = diary.clone();
        let outcome = with_own_switch(runtime, |own| async move {
            assert!(own.cancel());
            one_turn().await;
            // From here on the request travels, and the timeout is over at its first wait.
            let cleaned = notes.clone();
            let cleanup = async move || {
                sleep(Duration::from_millis(1)).await;
                cleaned.note("clean");
            };
            let stopped = timeout(Duration::ZERO, with_cleanup(sleep(AGES), cleanup)).await;
            assert!(stopped.is_err());
            notes.note("elapsed");
            sleep(Duration::ZERO).await;
            notes.note("never reached");
        });
        assert!(is_cancelled(outcome));
        assert_eq!(diary.pages(), ["clean", "elapsed"]);
    });
}

#[test]
fn case_08_a_request_from_outside_interrupts_a_timeouts_cleanup() {
    each(|runtime| {
        let (cleans, diary) = (event(), Diary::new());
        let task = {
            let (cleans, diary) = (cleans.clone(), diary.clone());
            async move {
                let notes = diary.clone();
                let cleanup = async move || {
                    let _witness = notes.on_drop("cleanup dropped");
                    telling(cleans, sleep(AGES)).await;
                    notes.note("never reached");
                };
                let _ = timeout(SOON, with_cleanup(sleep(AGES), cleanup)).await;
                diary.note("never reached");
            }
        };
        assert!(is_cancelled(cancelled_at(runtime, &[&cleans], task)));
        assert_eq!(diary.pages(), ["cleanup dropped"]);
    });
}

// regress: gh-116720
#[test]
fn case_09_nested_timeouts_with_one_deadline_elapse_once_each() {
    each(|runtime| {
        runtime.run(async {
            for deadline in [Instant::now() - SOON, Instant::now() + SOON] {
                let diary = Diary::new();
                let notes = diary.clone();
                let inside = async move {
                    let inner = timeout_at(deadline, sleep(AGES)).await;
                    notes.note(format!("inner: {}", inner.is_err()));
                    sleep(AGES).await;
                    notes.note("never reached");
                };
                assert!(timeout_at(deadline, inside).await.is_err());
                let pages = diary.pages();
                assert!(pages.is_empty() || pages == ["inner: true"], "{pages:?}");
                sleep(Duration::from_millis(1)).await;
            }
        });
    });
}

#[test]
fn case_10_swallowed_twice_the_third_ends_the_task() {
    each(|runtime| {
        let (waits, caught) = ([event(), event(), event()], Count::new());
        let task = {
            let ([first, second, third], caught) = (waits.clone(), caught.clone());
            async move {
                for event in [first, second] {
                    if catch_cancel(telling(event, sleep(AGES))).await.is_err() {
                        caught.add();
                    }
                }
                telling(third, sleep(AGES)).await;
            }
        };
        let [first, second, third] = &waits;
        assert!(is_cancelled(cancelled_at(runtime, &[first, second, third], task)));
        assert_eq!(caught.get(), 2);
    });
}

// regress: trio#1175
#[test]
fn case_11_the_innermost_boundary_takes_it() {
    each(|runtime| {
        let waits = event();
        let task = {
            let waits = waits.clone();
            async move {
                catch_cancel(async {
                    assert!(catch_cancel(telling(waits, sleep(AGES))).await.is_err());
                    7
                })
                .await
            }
        };
        assert_eq!(cancelled_at(runtime, &[&waits], task).unwrap(), Ok(7));
    });
}

#[test]
fn case_12_a_value_that_is_ready_is_kept_and_the_request_goes_on() {
    each(|runtime| {
        let diary = Diary::new();
        let notes = diary.clone();
        let outcome = with_own_switch(runtime, |own| async move {
            assert!(own.cancel());
            one_turn().await;
            assert_eq!(catch_cancel(async { 5 }).await, Ok(5));
            notes.note("kept");
            sleep(Duration::ZERO).await;
            notes.note("never reached");
        });
        assert!(is_cancelled(outcome));
        assert_eq!(diary.pages(), ["kept"]);
    });
}

#[test]
fn case_13_code_that_swallows_a_timeouts_request_goes_on_and_is_told_at_its_end() {
    each(|runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let notes = diary.clone();
            let inside = async move {
                assert!(catch_cancel(sleep(AGES)).await.is_err());
                sleep(SOON).await;
                notes.note("went on");
                9
            };
            assert!(timeout(SOON, inside).await.is_err());
            diary.note("elapsed");
            sleep(Duration::from_millis(1)).await;
        });
        assert_eq!(diary.pages(), ["went on", "elapsed"]);
    });
}

#[test]
fn case_14_a_timeout_that_cuts_off_a_cleanup_keeps_the_request_that_it_held() {
    each(|runtime| {
        let (waits, cleans, diary) = (event(), event(), Diary::new());
        let task = {
            let (waits, cleans, diary) = (waits.clone(), cleans.clone(), diary.clone());
            async move {
                let notes = diary.clone();
                let cleanup = async move || {
                    let _witness = notes.on_drop("cleanup cut off");
                    telling(cleans, sleep(AGES)).await;
                    notes.note("never reached");
                };
                let inside = with_cleanup(telling(waits, sleep(AGES)), cleanup);
                let stopped = timeout(10 * SOON, inside).await;
                diary.note(format!("stopped: {}", stopped.is_err()));
                sleep(Duration::ZERO).await;
                diary.note("never reached");
            }
        };
        assert!(is_cancelled(cancelled_at(runtime, &[&waits], task)));
        assert!(cleans.is_set(), "the cleanup had begun");
        assert_eq!(diary.pages(), ["cleanup cut off", "stopped: true"]);
    });
}

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
