//! `gather`, `try_gather`, `gather_iter`: results, order, failures, cancellation.

use std::panic::AssertUnwindSafe;
use std::sync::Barrier;
use std::time::Duration;

use futures::FutureExt;
use pelmeni::sync::oneshot;
use pelmeni::{
    catch_cancel, gather, gather_iter, sleep, spawn, timeout, try_gather, with_cleanup, yield_now,
};

use crate::kitchen::{AGES, Count, Diary, each, event, on, telling, words};

#[test]
fn results_come_in_the_order_of_the_arguments() {
    each(|runtime| {
        runtime.run(async {
            let boil = |millis: u64| async move {
                sleep(Duration::from_millis(millis)).await;
                millis
            };
            assert_eq!(gather(vec![boil(9), boil(1), boil(5)]).await, [9, 1, 5]);
            assert_eq!(gather([boil(3), boil(2), boil(1)]).await, [3, 2, 1]);
            let tuple = gather((boil(2), async { "tea" }, async { Some(1.5) })).await;
            assert_eq!(tuple, (2, "tea", Some(1.5)));
            assert_eq!(gather((boil(1),)).await, (1,));
            let eight =
                gather((boil(1), boil(2), boil(3), boil(4), boil(3), boil(2), boil(1), async {
                    'z'
                }));
            assert_eq!(eight.await, (1, 2, 3, 4, 3, 2, 1, 'z'));
            assert_eq!(gather_iter((0..5).map(boil)).await, [0, 1, 2, 3, 4]);
            let many = gather_iter((0..5000_u64).map(|i| async move { i })).await;
            assert!(many.into_iter().eq(0..5000));
        });
    });
}

#[test]
fn nothing_is_gathered_at_once() {
    each(|runtime| {
        runtime.run(async {
            let none: Vec<std::future::Ready<u8>> = Vec::new();
            assert!(gather(none).await.is_empty());
            let none: [std::future::Ready<u8>; 0] = [];
            assert!(gather(none).await.is_empty());
            let none: Vec<std::future::Ready<Result<u8, u8>>> = Vec::new();
            assert_eq!(try_gather(none).await, Ok(vec![]));
            assert!(gather_iter(std::iter::empty::<std::future::Ready<u8>>()).await.is_empty());
        });
    });
}

#[test]
fn each_future_is_a_task_that_runs_in_parallel() {
    on(8, |runtime| {
        // Only if two of them run at once does either return.
        let both = std::sync::Arc::new(Barrier::new(2));
        let wait = |both: std::sync::Arc<Barrier>| async move { both.wait().is_leader() };
        let leaders = runtime.run(async { gather([wait(both.clone()), wait(both.clone())]).await });
        assert_eq!(leaders.into_iter().filter(|leads| *leads).count(), 1);
    });
}

#[test]
fn nothing_starts_before_it_is_awaited() {
    each(|runtime| {
        runtime.run(async {
            let begun = Count::new();
            let inside = begun.clone();
            let gathering = gather([async move { inside.add() }]);
            sleep(Duration::from_millis(1)).await;
            assert_eq!(begun.get(), 0);
            gathering.await;
            assert_eq!(begun.get(), 1);
        });
    });
}

// regress: asyncio test_one_exception
#[test]
fn a_panic_comes_at_once_and_the_others_run_on() {
    each(|runtime| {
        runtime.run(async {
            let (to_other, from_us) = oneshot::channel::<()>();
            let (to_us, from_other) = oneshot::channel::<u32>();
            let burn = async {
                yield_now().await;
                panic!("burnt");
            };
            let other = async {
                from_us.await.unwrap();
                to_us.send(7).unwrap();
            };
            let payload = AssertUnwindSafe(gather((other, burn))).catch_unwind().await;
            assert_eq!(words(&*payload.unwrap_err()), "burnt");
            to_other.send(()).unwrap();
            assert_eq!(from_other.await.unwrap(), 7);
        });
    });
}

#[test]
fn the_first_error_comes_at_once_and_the_others_run_on() {
    each(|runtime| {
        runtime.run(async {
            let (to_other, from_us) = oneshot::channel::<()>();
            let (to_us, from_other) = oneshot::channel::<u32>();
            let fail = async {
                yield_now().await;
                Err::<u8, &str>("no salt")
            };
            let other = async {
                from_us.await.unwrap();
                to_us.send(7).unwrap();
                Ok("soup")
            };
            assert_eq!(try_gather((other, fail)).await, Err("no salt"));
            to_other.send(()).unwrap();
            assert_eq!(from_other.await.unwrap(), 7);
        });
    });
}

#[test]
fn results_without_an_error_are_gathered() {
    each(|runtime| {
        runtime.run(async {
            let ok = |i: u32| async move {
                sleep(Duration::from_millis(u64::from(5 - i))).await;
                Ok::<_, String>(i)
            };
            assert_eq!(try_gather((ok(1), ok(2))).await, Ok((1, 2)));
            assert_eq!(try_gather([ok(1), ok(2)]).await, Ok([1, 2]));
            assert_eq!(try_gather(vec![ok(4), ok(3)]).await, Ok(vec![4, 3]));
        });
    });
}

// regress: asyncio test_cancellation_broadcast, test_cancel_gather_2
#[test]
fn a_request_reaches_every_task_and_waits_for_their_cleanups() {
    each(|runtime| {
        let (diary, waiting) = (Diary::new(), Count::new());
        runtime.run(async {
            let (pages, begun) = (diary.clone(), waiting.clone());
            let child = move |i: usize| {
                let (diary, waiting) = (pages.clone(), begun.clone());
                async move {
                    let inside = async {
                        waiting.add();
                        sleep(AGES).await;
                    };
                    with_cleanup(inside, async || {
                        sleep(Duration::from_millis(2)).await;
                        diary.note(format!("clean {i}"));
                    })
                    .await;
                }
            };
            let (waits, notes) = (event(), diary.clone());
            let gatherer = spawn(telling(waits.clone(), async move {
                let caught = catch_cancel(gather_iter((0..10).map(child))).await;
                notes.note(format!("caught {}", caught.unwrap_err().requests()));
            }));
            waits.wait().await;
            while waiting.get() < 10 {
                yield_now().await;
            }
            assert!(gatherer.cancel());
            gatherer.await.unwrap();
        });
        let mut pages = diary.pages();
        assert_eq!(pages.pop().unwrap(), "caught 1");
        pages.sort_unstable();
        assert_eq!(pages, (0..10).map(|i| format!("clean {i}")).collect::<Vec<_>>());
    });
}

#[test]
fn a_gatherer_that_is_cancelled_ends_after_its_tasks() {
    each(|runtime| {
        let dropped = Count::new();
        runtime.run(async {
            let waits = event();
            let children: Vec<_> = (0..5)
                .map(|_| {
                    let witness = dropped.on_drop();
                    async move {
                        let _witness = witness;
                        sleep(AGES).await;
                    }
                })
                .collect();
            let gatherer = spawn(telling(waits.clone(), gather(children)));
            waits.wait().await;
            gatherer.cancel();
            assert!(gatherer.await.unwrap_err().is_cancelled());
            assert_eq!(dropped.get(), 5);
        });
    });
}

#[test]
fn a_task_that_refuses_to_be_cancelled_is_waited_for() {
    each(|runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let (waits, notes) = (event(), diary.clone());
            let stubborn = telling(waits.clone(), async move {
                assert!(catch_cancel(sleep(AGES)).await.is_err());
                sleep(Duration::from_millis(2)).await;
                notes.note("went on");
            });
            let gatherer = spawn(async move { gather((stubborn, sleep(AGES))).await });
            waits.wait().await;
            gatherer.cancel();
            assert!(gatherer.await.unwrap_err().is_cancelled());
            diary.note("gatherer ended");
        });
        assert_eq!(diary.pages(), ["went on", "gatherer ended"]);
    });
}

#[test]
fn a_gathering_that_is_dropped_cancels_its_tasks() {
    each(|runtime| {
        let dropped = Count::new();
        runtime.run(async {
            let children = [dropped.on_drop(), dropped.on_drop()].map(|witness| async move {
                let _witness = witness;
                sleep(AGES).await;
            });
            let mut gathering = gather(children);
            assert!((&mut gathering).now_or_never().is_none());
            drop(gathering);
            while dropped.get() < 2 {
                sleep(Duration::from_micros(100)).await;
            }
        });
        assert_eq!(dropped.get(), 2);
    });
}

// regress: asyncio test_one_cancellation
#[test]
fn a_timeout_inside_and_around_a_gathering() {
    each(|runtime| {
        runtime.run(async {
            let inside = gather((
                timeout(Duration::from_millis(2), sleep(AGES)),
                timeout(AGES, async { 5 }),
            ));
            let (stopped, kept) = inside.await;
            assert!(stopped.is_err());
            assert_eq!(kept, Ok(5));

            let dropped = Count::new();
            let children = [dropped.on_drop(), dropped.on_drop()].map(|witness| async move {
                let _witness = witness;
                sleep(AGES).await;
            });
            assert!(timeout(Duration::from_millis(2), gather(children)).await.is_err());
            assert_eq!(dropped.get(), 2, "the timeout has waited for the tasks");
        });
    });
}

#[test]
fn gatherings_in_gatherings() {
    each(|runtime| {
        let sum: u64 = runtime.run(async {
            let rows = (0..30_u64).map(|row| async move {
                gather_iter((0..30_u64).map(|i| async move {
                    yield_now().await;
                    row * i
                }))
                .await
                .into_iter()
                .sum::<u64>()
            });
            gather_iter(rows).await.into_iter().sum()
        });
        assert_eq!(sum, 435 * 435);
    });
}

// regress: tokio#4157
#[test]
fn a_gatherer_is_woken_once_for_all_its_tasks() {
    on(1, |runtime| {
        let polls = Count::new();
        runtime.run(async {
            let children: Vec<_> = (0..100)
                .map(|i| async move {
                    for _ in 0..i {
                        yield_now().await;
                    }
                })
                .collect();
            spawn(crate::kitchen::counting(polls.clone(), gather(children))).await.unwrap();
        });
        assert_eq!(polls.get(), 2, "once to start, once to collect");
    });
}
