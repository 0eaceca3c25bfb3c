//! Requests to cancel that meet combinators which know nothing of them: `futures::select`, `join`, `FuturesUnordered`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, FutureExt, join, join_all, select};
use futures::stream::{FuturesUnordered, StreamExt};
use pelmeni::sync::Event;
use pelmeni::{JoinHandle, Runtime, catch_cancel, sleep, spawn, timeout, with_cleanup, yield_now};

use crate::kitchen::{AGES, Count, Diary, each, event, telling};

/// Sends one request when the task waits, and gives what it returns.
fn cancelled_once<T: Send + 'static>(
    runtime: &Runtime,
    task: impl FnOnce(Arc<Event>) -> JoinHandle<T>,
) -> Result<T, pelmeni::JoinError> {
    runtime.run(async {
        let waits = event();
        let handle = task(waits.clone());
        waits.wait().await;
        assert!(handle.cancel());
        handle.await
    })
}

#[test]
fn select_between_two_boundaries_is_dropped_as_a_whole() {
    each(|runtime| {
        let dropped = Count::new();
        let outcome = cancelled_once(runtime, |waits| {
            let (left, right) = (dropped.on_drop(), dropped.on_drop());
            spawn(async move {
                let left = sleep(AGES).map(move |()| drop(left));
                let right = sleep(AGES).map(move |()| drop(right));
                let both = telling(waits, select(Box::pin(left), Box::pin(right)));
                let caught = catch_cancel(async { drop(both.await) }).await;
                sleep(Duration::from_millis(1)).await;
                caught.unwrap_err().requests()
            })
        });
        assert_eq!(outcome.unwrap(), 1);
        assert_eq!(dropped.get(), 2);
    });
}

#[test]
fn one_branch_of_a_join_takes_the_request_and_the_other_goes_on() {
    each(|runtime| {
        let outcome = cancelled_once(runtime, |waits| {
            spawn(async move {
                let (to, from) = pelmeni::sync::oneshot::channel::<u32>();
                let first = async {
                    let caught = catch_cancel(sleep(AGES)).await.is_err();
                    to.send(5).unwrap();
                    caught
                };
                let second = catch_cancel(async { from.await.unwrap() });
                telling(waits, join(first, second)).await
            })
        });
        assert_eq!(outcome.unwrap(), (true, Ok(5)));
    });
}

#[test]
fn a_branch_without_a_boundary_does_not_use_the_request_up() {
    each(|runtime| {
        let diary = Diary::new();
        let outcome = cancelled_once(runtime, |waits| {
            let notes = diary.clone();
            spawn(async move {
                let (to, from) = pelmeni::sync::oneshot::channel::<()>();
                let plain = async {
                    from.await.unwrap();
                    notes.note("the plain branch went on");
                };
                let guarded = async {
                    assert!(catch_cancel(sleep(AGES)).await.is_err());
                    notes.note("the guarded branch was stopped");
                    to.send(()).unwrap();
                };
                telling(waits, join(plain, guarded)).await;
            })
        });
        outcome.unwrap();
        assert_eq!(diary.pages(), ["the guarded branch was stopped", "the plain branch went on"]);
    });
}

#[test]
fn a_request_passes_a_join_that_nobody_inside_guards() {
    each(|runtime| {
        let dropped = Count::new();
        let outcome = cancelled_once(runtime, |waits| {
            let witnesses: Vec<_> = (0..10).map(|_| dropped.on_drop()).collect();
            spawn(async move {
                let branches = witnesses.into_iter().map(|witness| async move {
                    let _witness = witness;
                    sleep(AGES).await;
                });
                telling(waits, join_all(branches)).await;
            })
        });
        assert!(outcome.unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 10);
    });
}

// regress: tokio#2390
#[test]
fn a_request_passes_futures_unordered_which_polls_only_what_was_woken() {
    each(|runtime| {
        let diary = Diary::new();
        let outcome = cancelled_once(runtime, |waits| {
            let notes = diary.clone();
            spawn(async move {
                let mut branches: FuturesUnordered<_> = (0..10).map(|_| sleep(AGES)).collect();
                let caught = catch_cancel(telling(waits, branches.next())).await;
                notes.note(format!("caught {}", caught.unwrap_err().requests()));
                // What it holds is as good as before.
                branches.push(sleep(Duration::from_millis(1)));
                branches.next().await.unwrap();
                assert_eq!(branches.len(), 10);
            })
        });
        outcome.unwrap();
        assert_eq!(diary.pages(), ["caught 1"]);
    });
}

#[test]
fn a_cleanup_around_a_foreign_future_runs() {
    each(|runtime| {
        let diary = Diary::new();
        let outcome = cancelled_once(runtime, |waits| {
            let notes = diary.clone();
            spawn(async move {
                let mut branches: FuturesUnordered<_> =
                    (0..3).map(|_| futures::future::pending::<()>()).collect();
                with_cleanup(telling(waits, branches.next()), async || {
                    yield_now().await;
                    sleep(Duration::from_millis(1)).await;
                    notes.note("clean");
                })
                .await;
            })
        });
        assert!(outcome.unwrap_err().is_cancelled());
        assert_eq!(diary.pages(), ["clean"]);
    });
}

#[test]
fn a_future_that_waits_for_nothing_of_ours_is_cancelled_too() {
    each(|runtime| {
        let outcome = cancelled_once(runtime, |waits| {
            spawn(telling(waits, futures::future::pending::<()>()))
        });
        assert!(outcome.unwrap_err().is_cancelled());
        let outcome = cancelled_once(runtime, |waits| {
            let (to, mut from) = futures::channel::mpsc::unbounded::<u32>();
            spawn(async move {
                let caught = catch_cancel(telling(waits, from.next())).await.is_err();
                drop(to); // nobody else has ended the wait
                caught
            })
        });
        assert!(outcome.unwrap());
    });
}

#[test]
fn a_timeout_around_and_inside_foreign_combinators() {
    each(|runtime| {
        runtime.run(async {
            let short = timeout(Duration::from_millis(5), sleep(AGES));
            let long = timeout(AGES, sleep(Duration::from_millis(10)));
            assert!(matches!(join(short, long).await, (Err(_), Ok(()))));

            let all = join_all((0..5).map(|_| sleep(AGES)));
            assert!(timeout(Duration::from_millis(5), all).await.is_err());

            let mut branches: FuturesUnordered<_> = (1..=5)
                .map(|i| timeout(Duration::from_millis(i), sleep(AGES)).map(move |r| (i, r)))
                .collect();
            let mut ended = Vec::new();
            while let Some((i, outcome)) = branches.next().await {
                assert!(outcome.is_err());
                ended.push(i);
            }
            ended.sort_unstable();
            assert_eq!(ended, [1, 2, 3, 4, 5]);

            let race = select(Box::pin(sleep(AGES)), Box::pin(sleep(Duration::from_millis(1))));
            assert!(matches!(race.await, Either::Right(_)));
        });
    });
}

#[test]
fn foreign_channels_wake_tasks() {
    each(|runtime| {
        let sum: u64 = runtime.run(async {
            let (to, mut from) = futures::channel::mpsc::channel::<u64>(3);
            for sender in 0..8 {
                let mut to = to.clone();
                drop(spawn(async move {
                    use futures::SinkExt;
                    for i in 0..100 {
                        to.send(sender * 100 + i).await.unwrap();
                    }
                }));
            }
            drop(to);
            let mut sum = 0;
            while let Some(number) = from.next().await {
                sum += number;
            }
            sum
        });
        assert_eq!(sum, 799 * 800 / 2);
    });
}
