//! Panics: of a future while it is polled or dropped, of an output that is dropped, of those that nobody joins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use pelmeni::{JoinError, Runtime, sleep, spawn, spawn_blocking, yield_now};

use crate::kitchen::{AGES, Count, alone_and_well, each, event, on, telling, words};

/// Panics when it is dropped, and counts that.
struct Bomb(Count);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.add();
        if !std::thread::panicking() {
            panic!("boom");
        }
    }
}

fn assert_works(runtime: &Runtime) {
    let sum = runtime.run(async {
        let handles: Vec<_> = (0..20)
            .map(|i| {
                spawn(async move {
                    yield_now().await;
                    i
                })
            })
            .collect();
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 190);
}

// regress: async-executor#78
#[test]
fn a_panic_ends_its_task_and_no_worker() {
    each(|runtime| {
        for _ in 0..20 {
            let error: JoinError = runtime.run(async {
                let burn = async {
                    yield_now().await;
                    panic!("burnt {}", 1 + 1);
                };
                spawn(burn).await.unwrap_err()
            });
            assert!(error.is_panic() && !error.is_cancelled() && !error.is_refused());
            assert!(error.to_string().contains("panicked: burnt 2"), "{error}");
            assert_eq!(words(&*error.into_panic()), "burnt 2");
        }
        assert_works(runtime);
    });
}

#[test]
fn a_panic_names_its_task() {
    each(|runtime| {
        runtime.run(async {
            let line = line!() + 1;
            let handle = pelmeni::task::Builder::new().name("soup").spawn(async { panic!("no") });
            let error: JoinError = handle.await.unwrap_err();
            let task = error.task().unwrap();
            assert_eq!(task.name(), Some("soup"));
            assert_eq!((task.location().file(), task.location().line()), (file!(), line));
            let text = error.to_string();
            assert!(text.contains("`soup`") && text.contains(file!()), "{text}");
        });
    });
}

#[test]
fn a_payload_of_any_type_comes_through() {
    each(|runtime| {
        let error =
            runtime.run(async { spawn(async { std::panic::panic_any(42_u8) }).await }).unwrap_err();
        assert!(error.to_string().contains("not text"), "{error}");
        assert_eq!(*error.into_panic().downcast::<u8>().unwrap(), 42);
    });
}

// regress: tokio#3967, tokio#3978
#[test]
fn a_future_that_panics_when_it_is_dropped() {
    each(|runtime| {
        let bombs = Count::new();
        let outcomes = runtime.run(async {
            // After its end; while it waits and is aborted; while it waits and is cancelled; before it was polled.
            let bomb = Bomb(bombs.clone());
            let ended = spawn(async move {
                let _bomb = bomb;
                yield_now().await;
            });
            let wait = |bomb: Bomb, waits| {
                spawn(telling(waits, async move {
                    let _bomb = bomb;
                    sleep(AGES).await;
                }))
            };
            let (waits, also_waits) = (event(), event());
            let aborted = wait(Bomb(bombs.clone()), waits.clone());
            let cancelled = wait(Bomb(bombs.clone()), also_waits.clone());
            waits.wait().await;
            also_waits.wait().await;
            aborted.abort();
            cancelled.cancel();
            let unpolled = wait(Bomb(bombs.clone()), event());
            unpolled.abort();
            [ended.await, aborted.await, cancelled.await, unpolled.await]
        });
        assert_eq!(bombs.get(), 4);
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert!(error.is_panic(), "{error}");
            assert_eq!(words(&*error.into_panic()), "boom");
        }
        assert_works(runtime);
    });
}

// regress: tokio#4430
#[test]
fn an_output_that_panics_when_it_is_dropped() {
    each(|runtime| {
        let bombs = Count::new();
        runtime.run(async {
            // The handle is dropped before the task ends.
            let bomb = Bomb(bombs.clone());
            drop(spawn(async move {
                yield_now().await;
                bomb
            }));
            // The handle is dropped after the task has ended: that is no place to panic either.
            let bomb = Bomb(bombs.clone());
            let handle = spawn(async move { bomb });
            while !handle.is_finished() {
                yield_now().await;
            }
            assert!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_ok());
            // The value is thrown away because a request travelled when it was ready.
            let (to, switch) = pelmeni::sync::oneshot::channel::<pelmeni::AbortHandle>();
            let bomb = Bomb(bombs.clone());
            let handle = spawn(async move {
                switch.await.unwrap().cancel();
                crate::kitchen::one_turn().await;
                bomb
            });
            to.send(handle.abort_handle()).unwrap();
            assert!(handle.await.is_err());
            // The value is given away, and goes off in the hands of whoever takes it.
            let bomb = Bomb(bombs.clone());
            let value = spawn(async move { bomb }).await.unwrap();
            assert!(catch_unwind(AssertUnwindSafe(|| drop(value))).is_err());
            while bombs.get() < 4 {
                yield_now().await;
            }
        });
        assert_eq!(bombs.get(), 4);
        assert_works(runtime);
    });
}

#[test]
fn a_panic_in_poll_and_drop_at_once_is_one_panic() {
    each(|runtime| {
        let bombs = Count::new();
        let bomb = Bomb(bombs.clone());
        let error = runtime
            .run(async {
                spawn(async move {
                    let _bomb = bomb;
                    if bombs_are_there() {
                        panic!("first");
                    }
                })
                .await
            })
            .unwrap_err();
        assert_eq!(words(&*error.into_panic()), "first");
        assert_eq!(bombs.get(), 1);
    });
}

fn bombs_are_there() -> bool {
    std::hint::black_box(true)
}

#[test]
fn a_panic_of_a_blocking_job() {
    each(|runtime| {
        runtime.run(async {
            let error = spawn_blocking(|| panic!("burnt")).await.unwrap_err();
            assert_eq!(words(&*error.into_panic()), "burnt");
            let bombs = Count::new();
            let bomb = Bomb(bombs.clone());
            drop(spawn_blocking(move || bomb));
            while bombs.get() == 0 {
                sleep(Duration::from_micros(100)).await;
            }
            assert_eq!(spawn_blocking(|| 3).await.unwrap(), 3);
        });
        assert_works(runtime);
    });
}

#[test]
fn a_panic_of_a_callback() {
    each(|runtime| {
        runtime.run(async {
            let handle = pelmeni::Handle::current();
            handle.call_soon(|| panic!("burnt"));
            handle.call_later(Duration::from_millis(1), || panic!("burnt later"));
            sleep(Duration::from_millis(3)).await;
        });
        assert_works(runtime);
    });
}

struct BadWaker;

impl Wake for BadWaker {
    fn wake(self: Arc<Self>) {
        panic!("bad waker");
    }
}

// regress: tokio#3689, tokio#5154
#[test]
fn a_waker_that_panics_harms_nobody_else() {
    each(|runtime| {
        let waker = Waker::from(Arc::new(BadWaker));
        let mut handle = runtime.handle().spawn(async {
            yield_now().await;
            5
        });
        // A handle that is polled with a bad waker: the task ends all the same.
        let mut cx = std::task::Context::from_waker(&waker);
        let mut early = futures::FutureExt::poll_unpin(&mut handle, &mut cx);
        runtime.run(async {
            while !handle.is_finished() {
                yield_now().await;
            }
        });
        if early.is_pending() {
            early = futures::FutureExt::poll_unpin(&mut handle, &mut cx);
        }
        assert!(matches!(early, std::task::Poll::Ready(Ok(5))));
        // A timer with a bad waker, among others that are due at the same time.
        runtime.run(async {
            let at = std::time::Instant::now() + Duration::from_millis(100);
            let mut nap = Box::pin(pelmeni::sleep_until(at));
            let mut cx = std::task::Context::from_waker(&waker);
            assert!(nap.as_mut().poll(&mut cx).is_pending());
            let others: Vec<_> = (0..10).map(|_| spawn(pelmeni::sleep_until(at))).collect();
            for other in others {
                other.await.unwrap();
            }
        });
        assert_works(runtime);
    });
}

#[test]
fn a_panic_that_nobody_joins_is_reported_with_name_and_place() {
    let line = line!() + 6;
    let errors = alone_and_well(&[], || {
        on(2, |runtime| {
            let burnt = Count::new();
            let witness = burnt.on_drop();
            runtime.run(async move {
                drop(pelmeni::task::Builder::new().name("forgotten soup").spawn(async move {
                    let _witness = witness;
                    yield_now().await;
                    panic!("burnt to a crisp");
                }));
            });
            burnt.block_until(1);
        });
    });
    let report = errors.lines().find(|line| line.contains("nobody joined")).expect(&errors);
    assert!(report.contains("`forgotten soup`"), "{report}");
    assert!(report.contains("burnt to a crisp"), "{report}");
    assert!(report.contains(&format!("{}:{line}:", file!())), "{report}");
}

#[test]
fn a_panic_that_somebody_joins_is_not_reported_again() {
    let errors = alone_and_well(&[], || {
        on(1, |runtime| {
            let burn = async { panic!("burnt to a crisp") };
            runtime.run(async { assert!(spawn(burn).await.is_err()) });
        });
    });
    assert!(!errors.contains("nobody joined"), "{errors}");
    assert_eq!(errors.matches("burnt to a crisp").count(), 1, "the panic hook's line: {errors}");
}

#[test]
fn a_handle_that_is_dropped_after_the_panic_reports_it() {
    let errors = alone_and_well(&[], || {
        on(1, |runtime| {
            runtime.run(async {
                let handle =
                    pelmeni::task::Builder::new().name("late").spawn(async { panic!("no") });
                let handle: pelmeni::JoinHandle<()> = handle;
                yield_now().await;
                assert!(handle.is_finished());
                drop(handle);
            });
        });
    });
    assert!(errors.contains("`late`") && errors.contains("nobody joined"), "{errors}");
}

#[test]
fn a_panic_of_the_root_is_not_reported_as_one_that_nobody_joined() {
    let errors = alone_and_well(&[], || {
        on(1, |runtime| {
            assert!(
                catch_unwind(AssertUnwindSafe(|| runtime.run(async { panic!("no") }))).is_err()
            );
        });
    });
    assert!(!errors.contains("nobody joined"), "{errors}");
}
