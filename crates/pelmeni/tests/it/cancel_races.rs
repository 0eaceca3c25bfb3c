//! Requests to cancel, and aborts, that arrive at the worst moment: before the first poll, while the task is stolen, while
//! it completes, after its end. Whoever sends them, the task ends once, and all that it owns is dropped once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use pelmeni::{AbortHandle, JoinHandle, catch_cancel, sleep, spawn, yield_now};

use crate::kitchen::{AGES, Count, each, on, one_turn};

#[test]
fn before_the_first_poll() {
    on(1, |runtime| {
        runtime.run(async {
            let polls = Count::new();
            let begun = polls.clone();
            let handle = spawn(async move {
                begun.add();
                sleep(AGES).await;
            });
            assert!(handle.cancel());
            assert!(handle.await.unwrap_err().is_cancelled());
            // The task runs up to its first wait, where a boundary could have taken the request.
            assert_eq!(polls.get(), 1);

            let caught = spawn(async { catch_cancel(sleep(AGES)).await.is_err() });
            assert!(caught.cancel());
            assert!(caught.await.unwrap());
        });
    });
}

#[test]
fn abort_before_the_first_poll() {
    on(1, |runtime| {
        runtime.run(async {
            let (begun, dropped) = (Count::new(), Count::new());
            let (polled, witness) = (begun.clone(), dropped.on_drop());
            let handle = spawn(async move {
                let _witness = witness;
                polled.add();
                let _ = catch_cancel(sleep(AGES)).await;
            });
            handle.abort();
            assert!(handle.await.unwrap_err().is_cancelled());
            assert_eq!((begun.get(), dropped.get()), (0, 1));
        });
    });
}

// regress: asyncio test_cancel
#[test]
fn after_the_end() {
    each(|runtime| {
        runtime.run(async {
            let mut handle = spawn(async { 5 });
            let switch = handle.abort_handle();
            assert_eq!((&mut handle).await.unwrap(), 5);
            assert!(!handle.cancel() && !switch.cancel());
            assert!(!handle.uncancel());
            handle.abort();
            switch.abort();
            assert!(handle.is_finished() && switch.is_finished());
            drop(handle);
            assert!(!switch.cancel());

            // A result that was not taken yet is not touched.
            let handle = spawn(async { 6 });
            while !handle.is_finished() {
                yield_now().await;
            }
            assert!(!handle.cancel());
            handle.abort();
            assert_eq!(handle.await.unwrap(), 6);
        });
    });
}

/// Spawns tasks that end by themselves after a few turns, and has other threads send each of them something meanwhile.
fn storm(tasks: usize, threads: usize, send: impl Fn(&AbortHandle) + Sync) {
    each(|runtime| {
        let dropped = Count::new();
        let handles: Vec<JoinHandle<usize>> = {
            let spawn_one = |i: usize| {
                let witness = dropped.on_drop();
                runtime.handle().spawn(async move {
                    let _witness = witness;
                    for _ in 0..i % 8 {
                        yield_now().await;
                    }
                    i
                })
            };
            (0..tasks).map(spawn_one).collect()
        };
        let switches: Vec<AbortHandle> = handles.iter().map(JoinHandle::abort_handle).collect();
        thread::scope(|scope| {
            for offset in 0..threads {
                let (switches, send) = (&switches, &send);
                scope.spawn(move || {
                    for i in 0..tasks {
                        send(&switches[(i + offset * tasks / threads) % tasks]);
                    }
                });
            }
            let outcomes = runtime.run(async {
                let mut outcomes = Vec::new();
                for handle in handles {
                    outcomes.push(handle.await);
                }
                outcomes
            });
            assert_eq!(dropped.get(), tasks, "each future was dropped, once");
            for (i, outcome) in outcomes.into_iter().enumerate() {
                match outcome {
                    Ok(value) => assert_eq!(value, i),
                    Err(error) => assert!(error.is_cancelled(), "{error}"),
                }
            }
        });
        assert!(switches.iter().all(|switch| switch.is_finished() && !switch.cancel()));
    });
}

#[test]
fn requests_while_tasks_are_stolen_and_complete() {
    storm(2000, 3, |switch| {
        switch.cancel();
    });
}

#[test]
fn aborts_while_tasks_are_stolen_and_complete() {
    storm(2000, 3, AbortHandle::abort);
}

#[test]
fn a_request_that_was_refused_has_changed_nothing() {
    // regress: asyncio test_cancel_gather_1
    each(|runtime| {
        for _ in 0..200 {
            let handle = runtime.handle().spawn(async {
                one_turn().await;
                7
            });
            let switch = handle.abort_handle();
            let both = Barrier::new(2);
            thread::scope(|scope| {
                let sent = scope.spawn(|| {
                    both.wait();
                    switch.cancel()
                });
                both.wait();
                let outcome = runtime.run(handle);
                if !sent.join().unwrap() {
                    assert_eq!(outcome.unwrap(), 7);
                }
            });
        }
    });
}

#[test]
fn a_request_reaches_a_task_wherever_it_was_stolen_to() {
    each(|runtime| {
        let caught = Count::new();
        let begun = Count::new();
        let go = Arc::new(AtomicBool::new(false));
        let handles: Vec<_> = (0..200)
            .map(|_| {
                let (caught, begun, go) = (caught.clone(), begun.clone(), go.clone());
                runtime.handle().spawn(async move {
                    begun.add();
                    // Runs from worker to worker until the request comes.
                    let busy = async {
                        while !go.load(Ordering::Relaxed) {
                            yield_now().await;
                        }
                    };
                    if catch_cancel(busy).await.is_err() {
                        caught.add();
                    }
                })
            })
            .collect();
        let switches: Vec<_> = handles.iter().map(JoinHandle::abort_handle).collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                begun.block_until(200);
                assert!(switches.iter().all(AbortHandle::cancel));
            });
            runtime.run(async {
                for handle in handles {
                    handle.await.unwrap();
                }
            });
        });
        assert_eq!(caught.get(), 200);
        go.store(true, Ordering::Relaxed);
    });
}

#[test]
fn abort_while_the_task_is_polled() {
    each(|runtime| {
        let (dropped, begun) = (Count::new(), Count::new());
        let (to, go) = std::sync::mpsc::channel::<()>();
        let (witness, polled) = (dropped.on_drop(), begun.clone());
        let handle = runtime.handle().spawn(async move {
            let _witness = witness;
            polled.add();
            go.recv().unwrap(); // blocks inside the poll
            sleep(AGES).await;
        });
        let switch = handle.abort_handle();
        thread::scope(|scope| {
            scope.spawn(|| {
                begun.block_until(1);
                switch.abort();
                assert_eq!(dropped.get(), 0, "a future is not dropped under its poll");
                to.send(()).unwrap();
            });
            assert!(runtime.run(handle).unwrap_err().is_cancelled());
        });
        assert_eq!(dropped.get(), 1);
    });
}

// regress: tokio#3964
#[test]
fn abort_drops_the_future_of_a_task_that_nothing_will_ever_wake() {
    each(|runtime| {
        let dropped = Count::new();
        let witness = dropped.on_drop();
        runtime.run(async {
            let waits = crate::kitchen::event();
            let handle = spawn(crate::kitchen::telling(waits.clone(), async move {
                let _witness = witness;
                std::future::pending::<()>().await;
            }));
            waits.wait().await;
            let switch = handle.abort_handle();
            drop(handle);
            switch.abort();
            while !switch.is_finished() {
                sleep(Duration::from_micros(100)).await;
            }
        });
        assert_eq!(dropped.get(), 1);
    });
}
