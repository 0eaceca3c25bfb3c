//! Threads that are no workers: they spawn, wake, and wait for futures.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use pelmeni::{Builder, Handle, sleep, spawn, timeout, yield_now};

use crate::kitchen::{AGES, Count, each, each_number, event, on};

#[test]
fn spawn_from_many_threads() {
    each(|runtime| {
        let (to, from) = mpsc::channel();
        thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (to, handle) = (to.clone(), runtime.handle().clone());
                scope.spawn(move || {
                    for i in 0..200 {
                        let to = to.clone();
                        drop(handle.spawn(async move {
                            yield_now().await;
                            to.send(thread * 200 + i).unwrap();
                        }));
                    }
                });
            }
            drop(to);
            let sum: u64 = runtime.run(async {
                let mut sum = 0;
                let mut count = 0;
                while count < 1600 {
                    match from.try_recv() {
                        Ok(number) => {
                            sum += number;
                            count += 1;
                        }
                        Err(_) => sleep(Duration::from_micros(50)).await,
                    }
                }
                sum
            });
            assert_eq!(sum, 1599 * 800);
        });
    });
}

// regress: tokio#5178
#[test]
fn block_on_from_many_threads_at_once() {
    each(|runtime| {
        let start = Arc::new(Barrier::new(8));
        thread::scope(|scope| {
            for i in 0..8_u64 {
                let (handle, start) = (runtime.handle().clone(), start.clone());
                scope.spawn(move || {
                    start.wait();
                    for _ in 0..20 {
                        let value = handle.block_on(async {
                            sleep(Duration::from_micros(200)).await;
                            assert!(Handle::try_current().is_some());
                            let inner = spawn(async move {
                                yield_now().await;
                                i
                            });
                            inner.await.unwrap()
                        });
                        assert_eq!(value, i);
                    }
                });
            }
        });
    });
}

#[test]
fn callers_that_wait_for_each_other() {
    // Whoever is inside first, and for whomever it waits, all of them end.
    each(|runtime| {
        if runtime.stats().workers.len() == 1 {
            return; // on one thread callers take turns, as the next test says
        }
        let events: Vec<_> = (0..5).map(|_| event()).collect();
        thread::scope(|scope| {
            for i in 0..4 {
                let (mine, next) = (events[i].clone(), events[i + 1].clone());
                let handle = runtime.handle().clone();
                scope.spawn(move || {
                    handle.block_on(async {
                        mine.wait().await;
                        next.set();
                    });
                });
            }
            runtime.run(async {
                events[0].set();
                events[4].wait().await;
            });
        });
    });
}

#[test]
fn on_one_thread_callers_take_turns() {
    on(1, |runtime| {
        let inside = Count::new();
        thread::scope(|scope| {
            for _ in 0..4 {
                let (handle, inside) = (runtime.handle().clone(), inside.clone());
                scope.spawn(move || {
                    handle.block_on(async {
                        inside.add();
                        for _ in 0..20 {
                            yield_now().await;
                        }
                    });
                });
            }
        });
        assert_eq!(inside.get(), 4);
    });
}

#[test]
fn the_future_of_a_second_caller_borrows_and_stays() {
    each(|runtime| {
        let local = std::cell::Cell::new(0);
        let words = String::from("dough");
        let go = event();
        thread::scope(|scope| {
            let inner = go.clone();
            scope.spawn(move || {
                let name = words;
                let rc = std::rc::Rc::new(5);
                let value = runtime.handle().block_on(async {
                    inner.set();
                    sleep(Duration::from_millis(1)).await;
                    name.len() + *rc
                });
                assert_eq!(value, 10);
            });
            if runtime.stats().workers.len() > 1 {
                runtime.run(async {
                    go.wait().await;
                    local.set(3);
                });
            } else {
                runtime.run(async { local.set(3) });
            }
        });
        assert_eq!(local.get(), 3);
    });
}

#[test]
fn a_panic_of_a_second_caller_is_its_own() {
    each(|runtime| {
        thread::scope(|scope| {
            let ours = scope.spawn(|| {
                runtime.handle().block_on(async {
                    yield_now().await;
                    panic!("burnt");
                })
            });
            runtime.run(async {
                for _ in 0..20 {
                    yield_now().await;
                }
            });
            assert!(ours.join().is_err());
        });
        assert_eq!(runtime.run(async { 4 }), 4);
    });
}

#[test]
fn a_timeout_of_a_second_caller() {
    each(|runtime| {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    runtime.handle().block_on(async {
                        let limited = timeout(Duration::from_millis(2), sleep(AGES)).await;
                        assert!(limited.is_err());
                        assert_eq!(timeout(AGES, async { 3 }).await, Ok(3));
                        let both = pelmeni::gather([1, 2].map(|value| async move {
                            sleep(Duration::from_millis(1)).await;
                            value
                        }));
                        assert_eq!(both.await, [1, 2]);
                    });
                });
            }
        });
    });
}

#[test]
fn a_handle_outlives_its_runtime() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let handle = runtime.handle().clone();
        assert!(runtime.close().is_clean());
        let late = handle.spawn(async { 5 });
        assert!(late.is_finished());
        assert!(futures::executor::block_on(late).unwrap_err().is_cancelled());
        let late = handle.spawn_blocking(|| 5);
        assert!(futures::executor::block_on(late).unwrap_err().is_cancelled());
        assert!(handle.call_soon(|| unreachable!()).is_finished());
        assert!(handle.call_later(Duration::ZERO, || unreachable!()).is_finished());
        assert_eq!(handle.stats().tasks, 0);
        let _ = format!("{handle:?}");
    });
}

#[test]
fn the_runtime_of_a_thread_is_the_one_it_works_for() {
    each(|runtime| {
        let inner = Builder::new().threads(1).build().unwrap();
        assert!(Handle::try_current().is_none());
        runtime.run(async {
            let before = Handle::current();
            drop(before.spawn(async {}));
            assert!(Handle::try_current().is_some());
        });
        inner.run(async { assert!(Handle::try_current().is_some()) });
        assert!(Handle::try_current().is_none());
    });
}
