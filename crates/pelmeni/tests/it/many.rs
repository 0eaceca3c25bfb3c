//! Many tasks that are started at once.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use pelmeni::{Builder, gather, spawn_many, yield_now};

use crate::kitchen::{Count, each, on, panic_of};

#[test]
fn all_run_and_their_results_are_in_order() {
    each(|runtime| {
        runtime.run(async {
            let handles = spawn_many((0..1000_u64).map(|i| async move {
                yield_now().await;
                i
            }));
            assert_eq!(handles.len(), 1000);
            for (i, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.await.unwrap(), i as u64);
            }
            assert!(spawn_many(std::iter::empty::<std::future::Ready<()>>()).is_empty());
        });
    });
}

#[test]
fn one_thread_runs_them_in_order() {
    on(1, |runtime| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        runtime.run(async {
            let handles = spawn_many((0..100).map(|i| {
                let seen = seen.clone();
                async move { seen.lock().unwrap().push(i) }
            }));
            for handle in handles {
                handle.await.unwrap();
            }
        });
        assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<_>>());
    });
}

/// Nobody is inside `run`: the workers sleep, and the batch must wake one.
#[test]
fn batch_from_outside_wakes_a_worker() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            for _ in 0..50 {
                let ran = Count::new();
                let task = || {
                    let ran = ran.clone();
                    async move { ran.add() }
                };
                let handle = runtime.handle().clone();
                thread::scope(|scope| {
                    scope.spawn(|| handle.spawn_many((0..20).map(|_| task())));
                });
                ran.block_until(20);
            }
        });
    }
}

/// Those of one batch, or of one gathering, wait for each other and block their threads.
#[test]
fn batch_is_shared() {
    on(2, |runtime| {
        let both = Arc::new(Barrier::new(2));
        let meet = || {
            let both = both.clone();
            async move {
                both.wait();
            }
        };
        runtime.run(async {
            for handle in spawn_many([meet(), meet()]) {
                handle.await.unwrap();
            }
            gather([meet(), meet()]).await;
        });
    });
}

#[test]
fn iterator_that_panics_leaves_the_tasks_before_it() {
    each(|runtime| {
        let ran = Count::new();
        let message = panic_of(|| {
            let futures = (0..10).map(|i| {
                assert!(i < 5, "no more flour");
                let ran = ran.clone();
                async move { ran.add() }
            });
            runtime.run(async { spawn_many(futures) })
        });
        assert!(message.contains("no more flour"), "{message}");
        runtime.run(async {
            while ran.get() < 5 {
                yield_now().await;
            }
        });
    });
}

#[test]
fn closed_runtime_takes_none() {
    each(|runtime| {
        let other = Builder::new().threads(2).build().unwrap();
        let handle = other.handle().clone();
        assert!(other.close().is_clean());
        for task in handle.spawn_many((0..3).map(|_| async { unreachable!("it never runs") })) {
            assert!(runtime.run(task).unwrap_err().is_cancelled());
        }
    });
}
