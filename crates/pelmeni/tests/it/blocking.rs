//! Work that blocks: the pool, its limits, and what comes back from it.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use pelmeni::{Builder, Handle, JoinHandle, sleep, spawn, spawn_blocking, timeout, yield_now};

use crate::kitchen::{AGES, Count, alone_and_well, each, each_of, on};

#[test]
fn a_value_comes_back() {
    each(|runtime| {
        let value = runtime.run(async {
            let thread = spawn_blocking(|| thread::current().id()).await.unwrap();
            assert_ne!(thread, thread::current().id());
            spawn_blocking(|| 6 * 7).await.unwrap()
        });
        assert_eq!(value, 42);
    });
}

#[test]
fn tasks_go_on_meanwhile() {
    each(|runtime| {
        runtime.run(async {
            let (to, from) = mpsc::channel::<()>();
            let job = spawn_blocking(move || from.recv().unwrap());
            for _ in 0..10 {
                spawn(async { yield_now().await }).await.unwrap();
            }
            assert!(!job.is_finished());
            to.send(()).unwrap();
            job.await.unwrap();
        });
    });
}

// regress: tokio#8056
#[test]
fn many_more_jobs_than_threads() {
    each_of(
        || Builder::new().blocking_threads(2),
        |runtime| {
            let ended = Count::new();
            let sum: usize = runtime.run(async {
                let jobs: Vec<_> = (0..500)
                    .map(|i| {
                        let ended = ended.clone();
                        spawn_blocking(move || {
                            ended.add();
                            i
                        })
                    })
                    .collect();
                let mut sum = 0;
                for job in jobs {
                    sum += job.await.unwrap();
                }
                sum
            });
            assert_eq!((ended.get(), sum), (500, 499 * 250));
            assert!(runtime.stats().blocking_threads <= 2);
        },
    );
}

#[test]
fn threads_come_as_they_are_needed_and_go_when_they_are_not() {
    each_of(
        || Builder::new().blocking_keep_alive(Duration::from_millis(5)),
        |runtime| {
            runtime.run(async {
                // Twenty that only go on together.
                let together = Arc::new(Barrier::new(20));
                let jobs: Vec<_> = (0..20)
                    .map(|_| {
                        let together = together.clone();
                        spawn_blocking(move || together.wait().is_leader())
                    })
                    .collect();
                for job in jobs {
                    job.await.unwrap();
                }
                while Handle::current().stats().blocking_threads > 0 {
                    sleep(Duration::from_millis(1)).await;
                }
                assert_eq!(spawn_blocking(|| 3).await.unwrap(), 3);
            });
        },
    );
}

// regress: tokio#7910
#[test]
fn jobs_that_arrive_as_threads_leave() {
    each_of(
        || Builder::new().blocking_keep_alive(Duration::from_micros(50)),
        |runtime| {
            runtime.run(async {
                for i in 0..300_u64 {
                    assert_eq!(spawn_blocking(move || i).await.unwrap(), i);
                    sleep(Duration::from_micros(i % 7 * 20)).await;
                }
            });
        },
    );
}

#[test]
fn jobs_from_many_threads_at_once() {
    each_of(
        || Builder::new().blocking_threads(3).blocking_keep_alive(Duration::from_micros(50)),
        |runtime| {
            let ended = Count::new();
            let handle = runtime.handle();
            thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        for round in 0..20 {
                            let job = || {
                                let ended = ended.clone();
                                handle.spawn_blocking(move || ended.add())
                            };
                            let jobs: Vec<_> = (0..=round % 4).map(|_| job()).collect();
                            for job in jobs {
                                futures::executor::block_on(job).unwrap();
                            }
                        }
                    });
                }
            });
            assert_eq!(ended.get(), 16 * 50);
            assert!(runtime.stats().blocking_threads <= 3);
        },
    );
}

#[test]
fn a_job_that_has_not_begun_can_be_cancelled() {
    each_of(
        || Builder::new().blocking_threads(1),
        |runtime| {
            runtime.run(async {
                let (to, from) = mpsc::channel::<()>();
                let first = spawn_blocking(move || from.recv().unwrap());
                let (begun, dropped) = (Count::new(), Count::new());
                let never = || {
                    let (begun, witness) = (begun.clone(), dropped.on_drop());
                    spawn_blocking(move || {
                        let _witness = witness;
                        begun.add();
                    })
                };
                let (cancelled, aborted, kept) = (never(), never(), never());
                assert!(cancelled.cancel());
                aborted.abort();
                to.send(()).unwrap();
                first.await.unwrap();
                assert!(cancelled.await.unwrap_err().is_cancelled());
                assert!(aborted.await.unwrap_err().is_cancelled());
                kept.await.unwrap();
                assert_eq!((begun.get(), dropped.get()), (1, 3));
            });
        },
    );
}

#[test]
fn a_job_that_has_begun_ends_as_it_would() {
    each(|runtime| {
        runtime.run(async {
            let (to, from) = mpsc::channel::<()>();
            let begun = Count::new();
            let count = begun.clone();
            let job = spawn_blocking(move || {
                count.add();
                from.recv().unwrap();
                5
            });
            while begun.get() == 0 {
                sleep(Duration::from_micros(100)).await;
            }
            job.cancel();
            to.send(()).unwrap();
            assert_eq!(job.await.unwrap(), 5);
        });
    });
}

#[test]
fn whoever_awaits_a_job_can_be_stopped() {
    each(|runtime| {
        let (to, from) = mpsc::channel::<()>();
        runtime.run(async {
            let mut job = spawn_blocking(move || from.recv().unwrap());
            assert!(timeout(Duration::from_millis(2), &mut job).await.is_err());
            to.send(()).unwrap();
            job.await.unwrap();
        });
    });
}

// regress: tokio#5837, async-std#798
#[test]
fn a_job_may_wait_for_a_future() {
    each(|runtime| {
        runtime.run(async {
            let handle = Handle::current();
            let jobs: Vec<JoinHandle<u64>> = (0..10)
                .map(|i| {
                    let handle = handle.clone();
                    spawn_blocking(move || {
                        handle.block_on(async {
                            sleep(Duration::from_millis(1)).await;
                            let inner = spawn(async move {
                                yield_now().await;
                                i
                            });
                            inner.await.unwrap() + spawn_blocking(|| 1).await.unwrap()
                        })
                    })
                })
                .collect();
            let mut sum = 0;
            for job in jobs {
                sum += job.await.unwrap();
            }
            assert_eq!(sum, 55);
        });
    });
}

#[test]
fn a_job_that_waits_goes_on_when_run_has_returned() {
    each(|runtime| {
        let (to, from) = mpsc::channel();
        let job = runtime.run(async {
            let handle = Handle::current();
            spawn_blocking(move || {
                from.recv().unwrap();
                handle.block_on(async {
                    sleep(Duration::from_millis(1)).await;
                    spawn(async { 5 }).await.unwrap()
                })
            })
        });
        to.send(()).unwrap();
        // Nobody but the job itself is inside.
        assert_eq!(futures::executor::block_on(job).unwrap(), 5);
    });
}

#[test]
fn a_job_belongs_to_its_runtime() {
    each(|runtime| {
        runtime.run(async {
            let inner = spawn_blocking(|| {
                assert!(Handle::try_current().is_some());
                spawn(async { 4 })
            })
            .await
            .unwrap();
            assert_eq!(inner.await.unwrap(), 4);
        });
    });
}

#[test]
fn a_job_may_run_another_runtime() {
    each(|runtime| {
        let value = runtime.run(async {
            spawn_blocking(|| {
                let inner = Builder::new().threads(2).build().unwrap();
                inner.run(async { spawn(async { 4 }).await.unwrap() })
            })
            .await
            .unwrap()
        });
        assert_eq!(value, 4);
    });
}

#[test]
fn a_job_may_wait_for_jobs() {
    each(|runtime| {
        let depth = runtime.run(async {
            fn deeper(handle: Handle, left: u32) -> u32 {
                if left == 0 {
                    return 0;
                }
                let next = handle.clone();
                let inner = handle.spawn_blocking(move || deeper(next, left - 1));
                futures::executor::block_on(inner).unwrap() + 1
            }
            let handle = Handle::current();
            spawn_blocking(move || deeper(handle, 20)).await.unwrap()
        });
        assert_eq!(depth, 20);
    });
}

#[test]
fn a_job_that_is_still_at_work_is_reported() {
    on(2, |_| {
        let runtime = Builder::new().threads(2).grace(Duration::from_millis(20)).build().unwrap();
        let (to, from) = mpsc::channel::<()>();
        let begun = Count::new();
        let count = begun.clone();
        let job = runtime.run(async {
            spawn_blocking(move || {
                count.add();
                from.recv().unwrap();
                5
            })
        });
        begun.block_until(1);
        let report = runtime.close();
        assert_eq!(report.blocking, 1);
        assert!(!report.is_clean() && report.to_string().contains("blocking"), "{report}");
        to.send(()).unwrap();
        assert_eq!(futures::executor::block_on(job).unwrap(), 5);
    });
}

/// No thread has a stack as large as this.
const NO_THREADS: (&str, &str) = ("RUST_MIN_STACK", "70368744177664");

// regress: tokio#2309, tokio#8406
#[test]
fn a_job_without_a_thread_is_refused() {
    alone_and_well(&[NO_THREADS], || {
        on(1, |runtime| {
            runtime.run(async {
                for _ in 0..3 {
                    let dropped = Count::new();
                    let witness = dropped.on_drop();
                    let error = spawn_blocking(move || drop(witness)).await.unwrap_err();
                    assert!(error.is_refused(), "{error}");
                    assert!(error.to_string().contains("no thread"), "{error}");
                    assert!(std::error::Error::source(&error).is_some());
                    assert_eq!(dropped.get(), 1);
                }
                // Everything that needs no thread goes on.
                assert!(timeout(Duration::from_millis(1), sleep(AGES)).await.is_err());
            });
        });
    });
}

#[test]
fn a_runtime_without_threads_is_an_error_and_not_half_a_runtime() {
    alone_and_well(&[NO_THREADS], || {
        for threads in [2, 8] {
            assert!(Builder::new().threads(threads).build().map(drop).is_err());
        }
        let runtime = Builder::new().threads(1).build().unwrap();
        assert_eq!(runtime.run(async { spawn(async { 3 }).await.unwrap() }), 3);
    });
}
