//! How a runtime ends: in order, in bounded time, and with a report of what did not end by itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::{Builder, catch_cancel, sleep, spawn, spawn_blocking, task, with_cleanup, yield_now};

use crate::kitchen::{AGES, Count, Diary, each_number, event, telling};

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn nothing_to_end() {
    each_number(|threads| {
        let report = Builder::new().threads(threads).build().unwrap().close();
        assert!(report.is_clean());
        assert_eq!((report.cancelled, report.to_string().as_str()), (0, "clean"));
    });
}

#[test]
fn tasks_that_no_worker_has_seen_are_counted_and_dropped() {
    let runtime = Builder::new().threads(1).build().unwrap();
    let dropped = Count::new();
    for _ in 0..10 {
        let witness = dropped.on_drop();
        drop(runtime.handle().spawn(async move {
            let _witness = witness;
            unreachable!("nobody calls run");
        }));
    }
    assert_eq!((runtime.stats().tasks, dropped.get()), (10, 0));
    let report = runtime.close();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.cancelled, dropped.get()), (10, 10));
}

// regress: tokio eagerly_drops_futures_on_shutdown
#[test]
fn every_future_is_dropped() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let dropped = Count::new();
        let handles: Vec<_> = (0..100)
            .map(|i| {
                let witness = dropped.on_drop();
                runtime.handle().spawn(async move {
                    let _witness = witness;
                    for _ in 0..i % 3 {
                        yield_now().await;
                    }
                    sleep(AGES).await;
                })
            })
            .collect();
        runtime.run(yield_now());
        let report = runtime.close();
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.cancelled, 100);
        assert_eq!(dropped.get(), 100);
        for handle in handles {
            assert!(futures::executor::block_on(handle).unwrap_err().is_cancelled());
        }
    });
}

// regress: tokio#3228
#[test]
fn tasks_that_wait_for_each_others_end() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let diary = Diary::new();
        runtime.run(async {
            let mut before = spawn(sleep(AGES));
            for i in 0..20 {
                let (diary, waits) = (diary.clone(), event());
                let cleanup = async move || {
                    before.await.unwrap_err();
                    diary.note(format!("{i} has seen the end of the one before"));
                };
                let inside = telling(waits.clone(), sleep(AGES));
                before = spawn(with_cleanup(inside, cleanup));
                waits.wait().await;
            }
        });
        let report = runtime.close();
        assert!(report.is_clean(), "{report}");
        assert_eq!(diary.pages().len(), 20);
    });
}

#[test]
fn a_cleanup_within_the_grace_ends_by_itself() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).grace(AGES).build().unwrap();
        let diary = Diary::new();
        runtime.run(async {
            for _ in 0..10 {
                let (notes, waits) = (diary.clone(), event());
                drop(spawn(with_cleanup(telling(waits.clone(), sleep(AGES)), async move || {
                    sleep(Duration::from_millis(3)).await;
                    // It can do whatever a task does, but start tasks.
                    spawn_blocking(|| ()).await.unwrap();
                    assert!(spawn(async {}).await.unwrap_err().is_cancelled());
                    notes.note("clean");
                })));
                waits.wait().await;
            }
        });
        let report = runtime.close();
        assert!(report.is_clean(), "{report}");
        assert_eq!(diary.pages().len(), 10);
    });
}

// regress: asyncio test_asyncio_run_reports_hanging_tasks_errors
#[test]
fn a_cleanup_that_panics_harms_nobody() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let diary = Diary::new();
        let value = runtime.run(async {
            for i in 0..6 {
                let (notes, waits) = (diary.clone(), event());
                drop(spawn(with_cleanup(telling(waits.clone(), sleep(AGES)), async move || {
                    yield_now().await;
                    assert!(i % 2 == 0, "burnt while cleaning");
                    notes.note("clean");
                })));
                waits.wait().await;
            }
            5
        });
        assert_eq!(value, 5);
        let report = runtime.close();
        assert!(report.is_clean(), "{report}");
        assert_eq!((report.cancelled, diary.pages().len()), (6, 3));
    });
}

#[test]
fn a_cleanup_beyond_the_grace_is_dropped_and_named() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).grace(SHORT).build().unwrap();
        let diary = Diary::new();
        let line = line!() + 4;
        runtime.run(async {
            let (notes, waits) = (diary.clone(), event());
            let slow = with_cleanup(telling(waits.clone(), sleep(AGES)), async move || {
                let _witness = notes.on_drop("dropped");
                sleep(AGES).await;
            });
            drop(task::Builder::new().name("slow cook").spawn(slow));
            waits.wait().await;
        });
        let start = Instant::now();
        let report = runtime.close();
        assert!(start.elapsed() >= SHORT);
        assert!(!report.is_clean());
        assert_eq!((report.cancelled, report.dropped.len(), report.stuck.len()), (1, 1, 0));
        assert_eq!(report.dropped[0].name(), Some("slow cook"));
        assert_eq!(report.dropped[0].location().file(), file!());
        assert!(report.dropped[0].location().line() > line);
        assert!(report.to_string().contains("`slow cook`"), "{report}");
        assert_eq!(diary.pages(), ["dropped"]);
    });
}

#[test]
fn a_task_that_refuses_every_request_is_dropped() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).grace(SHORT).build().unwrap();
        let dropped = Count::new();
        let witness = dropped.on_drop();
        runtime.run(async {
            let waits = event();
            drop(spawn(telling(waits.clone(), async move {
                let _witness = witness;
                loop {
                    let _ = catch_cancel(sleep(AGES)).await;
                }
            })));
            waits.wait().await;
        });
        let report = runtime.close();
        assert_eq!((report.dropped.len(), report.stuck.len()), (1, 0), "{report}");
        assert_eq!(dropped.get(), 1);
    });
}

// regress: tokio rt_threaded shutdown_timeout
#[test]
fn a_task_that_is_stuck_in_a_poll_is_named_and_not_waited_for() {
    for threads in [2, 8] {
        let _watched = crate::kitchen::watch("ends::a_task_that_is_stuck_in_a_poll");
        let runtime = Builder::new().threads(threads).grace(SHORT).build().unwrap();
        let (to, from) = mpsc::channel::<()>();
        let (begun, dropped) = (Count::new(), Count::new());
        let (count, witness) = (begun.clone(), dropped.on_drop());
        let stuck = async move {
            let _witness = witness;
            count.add();
            from.recv().unwrap(); // blocks the worker
            sleep(AGES).await;
        };
        // Nobody is inside, so it is not this thread that is blocked.
        drop(
            runtime
                .handle()
                .spawn(async { drop(task::Builder::new().name("burnt on").spawn(stuck)) }),
        );
        begun.block_until(1);
        let report = runtime.close();
        assert_eq!((report.stuck.len(), report.dropped.len()), (1, 0), "{report}");
        assert_eq!(report.stuck[0].name(), Some("burnt on"));
        assert_eq!(report.threads.len(), 1);
        assert!(report.threads[0].starts_with("pelmeni-worker"), "{report}");
        assert!(report.to_string().contains("stuck in a poll: task `burnt on`"), "{report}");
        assert_eq!(dropped.get(), 0);
        // When it comes out of its poll at last, it ends as it should.
        to.send(()).unwrap();
        dropped.block_until(1);
    }
}

#[test]
fn tasks_of_a_caller_who_is_stuck_are_dropped_when_he_leaves() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).grace(SHORT).build().unwrap();
        let (to, from) = mpsc::channel::<()>();
        let (begun, dropped) = (Count::new(), Count::new());
        thread::scope(|scope| {
            let (handle, begun, dropped) = (runtime.handle().clone(), &begun, &dropped);
            let caller = scope.spawn(move || {
                handle.block_on(async {
                    for _ in 0..3 {
                        let witness = dropped.on_drop();
                        drop(spawn(async move {
                            let _witness = witness;
                            sleep(AGES).await;
                        }));
                    }
                    yield_now().await; // on one thread, all of them wait now
                    begun.add();
                    from.recv().unwrap(); // blocks the caller's thread
                    sleep(AGES).await;
                });
            });
            begun.block_until(1);
            let report = runtime.close();
            assert!(!report.stuck.is_empty(), "{report}");
            to.send(()).unwrap();
            assert!(caller.join().is_err(), "the root has no output");
        });
        assert_eq!(dropped.get(), 3);
    });
}

/// Blocks its thread when it is dropped.
struct Sticky(Arc<AtomicUsize>);

impl Drop for Sticky {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(20));
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn tasks_whose_drop_takes_long_are_dropped_all_the_same() {
    let _watched = crate::kitchen::watch("ends::tasks_whose_drop_takes_long");
    let runtime = Builder::new().threads(1).grace(SHORT).build().unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    runtime.run(async {
        for _ in 0..40 {
            let sticky = Sticky(dropped.clone());
            drop(spawn(async move {
                let _sticky = sticky;
                sleep(AGES).await;
            }));
        }
        yield_now().await;
    });
    drop(runtime.close());
    assert_eq!(dropped.load(Ordering::SeqCst), 40);
}

#[test]
fn a_runtime_that_is_dropped_closes() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let diary = Diary::new();
        runtime.run(async {
            let (notes, waits) = (diary.clone(), event());
            drop(spawn(with_cleanup(telling(waits.clone(), sleep(AGES)), async move || {
                sleep(Duration::from_millis(1)).await;
                notes.note("clean");
            })));
            waits.wait().await;
        });
        drop(runtime);
        assert_eq!(diary.pages(), ["clean"]);
    });
}

#[test]
fn a_runtime_that_is_dropped_inside_a_task_closes_in_the_background() {
    each_number(|threads| {
        // Its own task, and another runtime's.
        let inner = Builder::new().threads(threads).build().unwrap();
        let outer = Builder::new().threads(threads).build().unwrap();
        let (dropped, ended) = (Count::new(), Count::new());
        let (witness, last) = (dropped.on_drop(), ended.on_drop());
        let handle = inner.handle().clone();
        inner.run(async move {
            let waits = event();
            drop(spawn(telling(waits.clone(), async move {
                let _witness = witness;
                sleep(AGES).await;
            })));
            waits.wait().await;
        });
        outer.run(async move {
            spawn(async move {
                let _last = last;
                drop(inner);
            })
            .await
            .unwrap();
        });
        dropped.block_until(1);
        ended.block_until(1);
        assert!(futures::executor::block_on(handle.spawn(async {})).unwrap_err().is_cancelled());
        assert!(outer.close().is_clean());
    });
}

#[test]
fn a_runtime_that_is_dropped_inside_its_own_task() {
    for threads in [2, 8] {
        let _watched = crate::kitchen::watch("ends::a_runtime_that_is_dropped_inside_its_own_task");
        let runtime = Builder::new().threads(threads).build().unwrap();
        let handle = runtime.handle().clone();
        let (dropped, cleaned) = (Count::new(), Count::new());
        let (witness, count) = (dropped.on_drop(), cleaned.clone());
        let task = handle.spawn(async move {
            let _witness = witness;
            drop(runtime);
            // Its own end comes as a request like any other.
            assert!(catch_cancel(sleep(AGES)).await.is_err());
            count.add();
        });
        futures::executor::block_on(task).unwrap();
        assert_eq!((dropped.get(), cleaned.get()), (1, 1));
    }
}

#[test]
fn a_socket_after_the_end() {
    // regress: tokio#2903, tokio#6067
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let (listener, mut stream) = runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            (listener, stream)
        });
        assert!(runtime.close().is_clean());
        let other = Builder::new().threads(1).build().unwrap();
        other.run(async {
            // It waited for a driver that is gone: an error, or a connection that was there already; never a hang.
            let _connection = listener.accept().await;
            assert!(listener.accept().await.is_err());
            let mut byte = [0];
            assert!(stream.read(&mut byte).await.is_err());
        });
    });
}

#[test]
fn a_sleep_after_the_end() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let mut nap = Box::pin(sleep(Duration::from_millis(100)));
        runtime.run(async { assert!(futures::poll!(nap.as_mut()).is_pending()) });
        assert!(runtime.close().is_clean());
        // It never ends, and it can be dropped, here or inside another runtime.
        let other = Builder::new().threads(1).build().unwrap();
        let _ = other.run(pelmeni::timeout(Duration::from_millis(10), nap));
    });
}
