//! What a request to cancel does: the fourteen cases that define it. Those around them are in `requests`.
//!
//! A request is sent when the task is known to wait at a certain place. Where a time limit must not be over yet it is
//! [`AGES`]; where it must be, what the limit stops tells so.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pelmeni::sync::Event;
use pelmeni::{
    AbortHandle, JoinError, Runtime, catch_cancel, sleep, spawn, timeout, timeout_at, with_cleanup,
    yield_now,
};

use crate::kitchen::{AGES, Count, Diary, each, event, one_turn, telling};

const SOON: Duration = Duration::from_millis(5);

/// Runs a task and sends it a request when the event is set, and then for each of the other events in order.
pub(crate) fn cancelled_at<T: Send + 'static>(
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

pub(crate) fn is_cancelled<T>(outcome: Result<T, JoinError>) -> bool {
    outcome.is_err_and(|error| error.is_cancelled())
}

/// A task that is handed its own kill switch before it begins.
pub(crate) fn with_own_switch<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
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
                let stopped = timeout(60 * SOON, inside).await;
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
