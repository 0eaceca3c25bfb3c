//! A program from its beginning to its end: `run`, and what runs in it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

use pelmeni::{Builder, catch_cancel, sleep, spawn, yield_now};

use crate::kitchen::{AGES, Count, Diary, each, each_number, on, panic_of, telling, watch};

#[test]
fn spawn_and_join() {
    each(|runtime| {
        let sum: u64 = runtime.run(async {
            let boil = |i: u64| async move {
                yield_now().await;
                i
            };
            let handles: Vec<_> = (0..1000).map(|i| spawn(boil(i))).collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 499_500);
    });
}

#[test]
fn the_free_function_runs_a_program() {
    let _watched = watch("program::the_free_function_runs_a_program");
    assert_eq!(pelmeni::run(async { spawn(async { 6 * 7 }).await.unwrap() }), 42);
    assert_eq!(pelmeni::try_run(async { 7 }).unwrap(), 7);
}

#[test]
fn the_root_borrows_and_stays() {
    each(|runtime| {
        let name = String::from("dough");
        let count = Cell::new(0);
        let shared = Rc::new(RefCell::new(Vec::new()));
        let output: &str = runtime.run(async {
            for i in 0..10 {
                let rc = shared.clone();
                yield_now().await; // the Rc lives across a wait
                rc.borrow_mut().push(i);
                count.set(count.get() + 1);
                sleep(std::time::Duration::from_micros(50)).await;
            }
            &name[..3]
        });
        assert_eq!(output, "dou");
        assert_eq!((count.get(), shared.borrow().len()), (10, 10));
    });
}

#[test]
fn the_root_is_polled_by_the_thread_that_runs_it() {
    each(|runtime| {
        let me = thread::current().id();
        runtime.run(async {
            for _ in 0..100 {
                spawn(async { yield_now().await }).await.unwrap();
                assert_eq!(thread::current().id(), me);
            }
        });
    });
}

#[test]
fn run_again_and_again() {
    each(|runtime| {
        for i in 0..200 {
            assert_eq!(runtime.run(async move { spawn(async move { i }).await.unwrap() }), i);
        }
    });
}

#[test]
fn a_task_goes_on_between_two_runs() {
    each(|runtime| {
        let (to, from) = pelmeni::sync::oneshot::channel::<u32>();
        let handle = runtime.run(async { spawn(async { from.await.unwrap() + 1 }) });
        assert!(!handle.is_finished());
        runtime.run(async {
            to.send(41).unwrap();
            assert_eq!(handle.await.unwrap(), 42);
        });
    });
}

#[test]
fn tasks_run_between_two_runs_if_there_are_threads() {
    let _watched = watch("program::tasks_run_between_two_runs_if_there_are_threads");
    for threads in [2, 8] {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let (to, from) = mpsc::channel();
        runtime.run(async {
            drop(spawn(async move {
                for i in 0..100 {
                    yield_now().await;
                    sleep(std::time::Duration::from_micros(10)).await;
                    to.send(i).unwrap();
                }
            }));
        });
        assert_eq!(from.iter().sum::<i32>(), 4950);
        assert!(runtime.close().is_clean());
    }
}

// regress: tokio#4129
#[test]
fn a_panic_of_the_root_leaves_the_runtime_usable() {
    each(|runtime| {
        let dropped = Count::new();
        let witness = dropped.on_drop();
        let message = panic_of(|| {
            runtime.run(async {
                let _witness = witness;
                yield_now().await;
                panic!("burnt");
            })
        });
        assert_eq!(message, "burnt");
        assert_eq!(dropped.get(), 1);
        assert_eq!(runtime.run(async { spawn(async { 5 }).await.unwrap() }), 5);
    });
}

// regress: asyncio test_asyncio_run_cancels_hanging_tasks
#[test]
fn what_hangs_is_cancelled_at_the_end_and_cleans_up() {
    each_number(|threads| {
        let diary = Diary::new();
        let runtime = Builder::new().threads(threads).build().unwrap();
        runtime.run(async {
            let (notes, waits) = (diary.clone(), crate::kitchen::event());
            drop(spawn(telling(waits.clone(), async move {
                let _witness = notes.on_drop("dropped");
                assert!(catch_cancel(sleep(AGES)).await.is_err());
                yield_now().await;
                sleep(std::time::Duration::from_millis(1)).await;
                notes.note("clean");
            })));
            waits.wait().await;
        });
        let report = runtime.close();
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.cancelled, 1);
        assert_eq!(diary.pages(), ["clean", "dropped"]);
    });
}

#[test]
fn two_runtimes_at_once() {
    each(|one| {
        for threads in [1, 4] {
            let other = Builder::new().threads(threads).build().unwrap();
            let (to_other, mut from_one) = pelmeni::sync::oneshot::channel::<String>();
            let (to_one, from_other) = pelmeni::sync::oneshot::channel::<String>();
            thread::scope(|scope| {
                scope.spawn(|| {
                    other.run(async {
                        let heard = (&mut from_one).await.unwrap();
                        spawn(async move { to_one.send(heard + " done").unwrap() }).await.unwrap();
                    })
                });
                let answer = one.run(async {
                    spawn(async move { to_other.send("soup".into()).unwrap() }).await.unwrap();
                    spawn(from_other).await.unwrap().unwrap()
                });
                assert_eq!(answer, "soup done");
            });
            assert!(other.close().is_clean());
        }
    });
}

#[test]
fn a_big_future_needs_no_big_stack() {
    // regress: tokio#8093
    on(2, |runtime| {
        let plate = async {
            let mut bytes = [0_u8; 64 * 1024];
            yield_now().await;
            bytes[17] = 3;
            yield_now().await;
            bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>()
        };
        assert_eq!(runtime.run(async move { spawn(plate).await.unwrap() }), 3);
    });
}
