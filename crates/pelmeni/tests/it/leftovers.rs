//! What outlives its runtime: wakers, handles, sleeps in somebody's hands or in a thread-local, and the runtime itself there.

use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use pelmeni::net::TcpListener;
use pelmeni::{Builder, Runtime, sleep, spawn, spawn_blocking};

use crate::kitchen::{AGES, Count, each_number, event, telling};

thread_local! {
    static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps something until its thread's last breath.
fn keep(something: impl Any) {
    KEPT.with(|kept| kept.borrow_mut().push(Box::new(something)));
}

/// Calls its function when the thread-local is destroyed.
struct AtExit<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtExit<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs something on a thread of its own, which ends before this returns.
fn on_a_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join().unwrap())
}

/// A waker of a task that waits.
fn waker_of_a_task(runtime: &Runtime, dropped: &Count) -> Waker {
    let witness = dropped.on_drop();
    let (place, waits) = (Arc::new(Mutex::new(None)), event());
    let to = place.clone();
    runtime.run(async {
        drop(spawn(telling(waits.clone(), async move {
            let _witness = witness;
            poll_fn::<(), _>(|cx| {
                *to.lock().unwrap() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
        })));
        waits.wait().await;
    });
    place.lock().unwrap().take().unwrap()
}

// regress: RUSTSEC-2020-0060, tokio rt_threaded wake_during_shutdown
#[test]
fn a_waker_that_outlives_its_runtime() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let dropped = Count::new();
        let wakers: Vec<_> = (0..4).map(|_| waker_of_a_task(&runtime, &dropped)).collect();
        assert!(runtime.close().is_clean());
        assert_eq!(dropped.get(), 4);
        for waker in &wakers {
            waker.wake_by_ref();
            let other = waker.clone();
            on_a_thread(move || other.wake());
        }
        let other = Builder::new().threads(2).build().unwrap();
        other.run(async move {
            spawn(async move { wakers.into_iter().for_each(Waker::wake) }).await.unwrap();
        });
    });
}

// regress: tokio#593, tokio#631, tokio#4973, tokio#5162
#[test]
fn handles_and_wakers_in_a_thread_local() {
    each_number(|threads| {
        on_a_thread(|| {
            let runtime = Builder::new().threads(threads).build().unwrap();
            let dropped = Count::new();
            keep(waker_of_a_task(&runtime, &dropped));
            keep(runtime.handle().clone());
            keep(runtime.handle().spawn(sleep(AGES)));
            keep(runtime.handle().spawn(sleep(AGES)).abort_handle());
            keep(runtime.handle().call_later(AGES, || ()));
            let nap = runtime.run(async {
                let mut nap = Box::pin(sleep(AGES));
                assert!(futures::poll!(nap.as_mut()).is_pending());
                nap
            });
            keep(nap);
            keep(runtime.run(async { TcpListener::bind("127.0.0.1:0").await.unwrap() }));
            keep(runtime.run(async { spawn_blocking(|| 3) }));
            assert!(runtime.close().is_clean());
            assert_eq!(dropped.get(), 1);
        });
    });
}

#[test]
fn a_runtime_in_a_thread_local() {
    each_number(|threads| {
        let dropped = Count::new();
        on_a_thread(|| {
            let runtime = Builder::new().threads(threads).build().unwrap();
            let waker = waker_of_a_task(&runtime, &dropped);
            keep(runtime); // closes while the thread ends
            keep(waker);
        });
        assert_eq!(dropped.get(), 1);
    });
}

// regress: tokio#5902, tokio#6091
#[test]
fn used_while_a_thread_ends() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let done = Count::new();
        let handles = Arc::new(Mutex::new(Vec::new()));
        on_a_thread(|| {
            let (handle, count) = (runtime.handle().clone(), done.clone());
            let to = handles.clone();
            let waiting = runtime.handle().spawn(sleep(AGES));
            keep(AtExit(move || {
                // Spawns, aborts, wakes and runs in a destructor of a thread-local.
                let ended = count.clone();
                to.lock().unwrap().push(handle.spawn(async move { ended.add() }));
                waiting.abort();
                assert_eq!(handle.block_on(async { 5 }), 5);
                let _ = pelmeni::Handle::try_current();
                count.add();
            }));
        });
        runtime.run(async {
            let handles = std::mem::take(&mut *handles.lock().unwrap());
            for handle in handles {
                handle.await.unwrap();
            }
        });
        assert_eq!(done.get(), 2);
        assert!(runtime.close().is_clean());
    });
}

#[test]
fn thread_locals_of_workers_that_hold_what_is_theirs() {
    each_number(|threads| {
        on_a_thread(|| {
            let runtime = Builder::new().threads(threads).build().unwrap();
            let dropped = Count::new();
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let witness = dropped.on_drop();
                    runtime.handle().spawn(async move {
                        poll_fn(|cx| {
                            keep(cx.waker().clone());
                            Poll::Ready(())
                        })
                        .await;
                        keep(spawn(async {}));
                        keep(pelmeni::Handle::current());
                        keep(witness);
                    })
                })
                .collect();
            runtime.run(async {
                for task in tasks {
                    task.await.unwrap();
                }
            });
            assert!(runtime.close().is_clean());
            // On one thread that is this thread, whose end is yet to come.
            assert!(threads > 1 || dropped.get() == 0);
        });
    });
}

#[test]
fn a_join_handle_that_outlives_its_runtime_still_has_the_value() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let handle = runtime.run(async {
            let handle = spawn(async { String::from("soup") });
            while !handle.is_finished() {
                pelmeni::yield_now().await;
            }
            handle
        });
        assert!(runtime.close().is_clean());
        assert_eq!(futures::executor::block_on(handle).unwrap(), "soup");
    });
}

#[test]
fn a_sleep_dropped_elsewhere_and_late() {
    // regress: tokio#8252
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let naps: Vec<_> = runtime.run(async {
            let mut naps: Vec<_> =
                (0..100_u64).map(|i| Box::pin(sleep(AGES * (i as u32 + 1)))).collect();
            for nap in &mut naps {
                assert!(futures::poll!(nap.as_mut()).is_pending());
            }
            naps
        });
        let (mut early, late) = (naps, Vec::new());
        let mut late = late;
        late.extend(early.split_off(50));
        on_a_thread(move || drop(early));
        runtime.run(async { sleep(Duration::from_millis(1)).await });
        assert!(runtime.close().is_clean());
        on_a_thread(move || drop(late));
    });
}

#[test]
fn one_runtimes_tasks_hold_another_runtime() {
    each_number(|threads| {
        let inner = Rc::new(Builder::new().threads(threads).build().unwrap());
        let outer = Builder::new().threads(threads).build().unwrap();
        let kept = Rc::clone(&inner);
        let mut nap = Box::pin(sleep(AGES));
        inner.run(async { assert!(futures::poll!(nap.as_mut()).is_pending()) });
        drop(inner);
        // The inner runtime's last owner is a local task of the outer one; so is a timer of it.
        outer.run(async move {
            drop(pelmeni::spawn_local(async move {
                let _both = (kept, nap);
                sleep(AGES).await;
            }));
            pelmeni::yield_now().await;
        });
        assert!(outer.close().is_clean());
    });
}
