//! A task seen through its handle: awaited, dropped, aborted, from wherever.

use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use futures::executor::block_on;
use pelmeni::{AbortHandle, Builder, Handle, JoinHandle, sleep, spawn, task, yield_now};

use crate::kitchen::{AGES, Count, counting, each, event, on, telling};

#[test]
fn a_dropped_handle_detaches() {
    each(|runtime| {
        let (to, from) = mpsc::channel();
        runtime.run(async {
            drop(spawn(async move {
                yield_now().await;
                sleep(Duration::from_millis(1)).await;
                to.send(5).unwrap();
            }));
            while from.try_recv().is_err() {
                yield_now().await;
            }
        });
    });
}

// regress: gh-88831
#[test]
fn tasks_without_handles_are_kept_until_they_end() {
    each(|runtime| {
        let ended = Count::new();
        runtime.run(async {
            for _ in 0..1000 {
                let ended = ended.clone();
                drop(spawn(async move {
                    sleep(Duration::from_millis(2)).await;
                    ended.add();
                }));
            }
            while ended.get() < 1000 {
                sleep(Duration::from_millis(1)).await;
            }
            // The last one may be on its way out still; then only the root is left.
            while Handle::current().stats().tasks > 1 {
                yield_now().await;
            }
        });
        assert_eq!((ended.get(), runtime.stats().tasks), (1000, 0));
    });
}

#[test]
fn is_finished_tells_when_awaiting_would_not_wait() {
    each(|runtime| {
        runtime.run(async {
            let (to, from) = pelmeni::sync::oneshot::channel::<()>();
            let mut handle = spawn(from);
            yield_now().await;
            assert!(!handle.is_finished());
            to.send(()).unwrap();
            while !handle.is_finished() {
                yield_now().await;
            }
            assert!((&mut handle).now_or_never().is_some());
        });
    });
}

#[test]
fn a_value_is_dropped_with_the_handle_that_does_not_take_it() {
    each(|runtime| {
        let dropped = Count::new();
        let value = dropped.on_drop();
        runtime.run(async {
            let handle = spawn(async move { value });
            while !handle.is_finished() {
                yield_now().await;
            }
            assert_eq!(dropped.get(), 0);
            drop(handle);
            assert_eq!(dropped.get(), 1);
        });
    });
}

// regress: tokio#6986
#[test]
fn whoever_waits_no_longer_is_forgotten() {
    each(|runtime| {
        struct Witness(
            #[expect(dead_code, reason = "it counts its drop")] super::kitchen::CountOnDrop,
        );
        impl Wake for Witness {
            fn wake(self: Arc<Self>) {}
        }
        runtime.run(async {
            let dropped = Count::new();
            let waker = |dropped: &Count| Waker::from(Arc::new(Witness(dropped.on_drop())));
            let (to, from) = pelmeni::sync::oneshot::channel::<()>();
            let mut handle = spawn(from);
            // A waker that another replaces.
            assert!(handle.poll_unpin(&mut Context::from_waker(&waker(&dropped))).is_pending());
            assert!(handle.poll_unpin(&mut Context::from_waker(&waker(&dropped))).is_pending());
            assert_eq!(dropped.get(), 1);
            to.send(()).unwrap();
            while !handle.is_finished() {
                yield_now().await;
            }
            // The waker goes when the task is complete, and not with the handle.
            while dropped.get() < 2 {
                yield_now().await;
            }
            drop(handle);
        });
    });
}

#[test]
fn the_last_waker_counts() {
    // regress: async-io 07b6cca
    each(|runtime| {
        runtime.run(async {
            let (to, from) = pelmeni::sync::oneshot::channel::<u8>();
            let mut handle = spawn(from);
            assert!((&mut handle).now_or_never().is_none());
            let other = spawn(handle);
            yield_now().await;
            to.send(3).unwrap();
            assert_eq!(other.await.unwrap().unwrap(), Ok(3));
        });
    });
}

#[test]
fn awaited_by_any_executor() {
    each(|runtime| {
        let other = Builder::new().threads(2).build().unwrap();
        let hello = |i: u32| {
            runtime.handle().spawn(async move {
                sleep(Duration::from_millis(1)).await;
                i
            })
        };
        let (one, two, three) = (hello(1), hello(2), hello(3));
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(block_on(one).unwrap(), 1));
            scope.spawn(|| assert_eq!(other.run(two).unwrap(), 2));
            scope.spawn(|| {
                let third = other.handle().spawn(three);
                assert_eq!(block_on(third).unwrap().unwrap(), 3);
            });
            // With one thread, tasks run only while somebody is inside.
            runtime.run(async {
                while runtime.stats().tasks > 1 {
                    sleep(Duration::from_micros(200)).await;
                }
            });
        });
        assert!(other.close().is_clean());
    });
}

// regress: tokio#3159, tokio#3672
#[test]
fn aborted_from_everywhere() {
    each(|runtime| {
        let dropped = Count::new();
        let waiting = || {
            let witness = dropped.on_drop();
            let waits = event();
            let handle = runtime.handle().spawn(telling(waits.clone(), async move {
                let _witness = witness;
                sleep(AGES).await;
            }));
            runtime.run(async move { waits.wait().await });
            handle
        };
        // From a plain thread, from another task, from another runtime's task, by a clone of the switch.
        let first = waiting();
        thread::scope(|scope| drop(scope.spawn(|| first.abort())));
        let (second, third, fourth) = (waiting(), waiting(), waiting());
        let switch = second.abort_handle();
        runtime.run(async { spawn(async move { switch.abort() }).await.unwrap() });
        let switch = third.abort_handle();
        let other = Builder::new().threads(1).build().unwrap();
        other.run(async { spawn(async move { switch.abort() }).await.unwrap() });
        let switch: AbortHandle = fourth.abort_handle().clone();
        thread::spawn(move || switch.abort()).join().unwrap();
        for handle in [first, second, third, fourth] {
            assert!(runtime.run(handle).unwrap_err().is_cancelled());
        }
        assert_eq!(dropped.get(), 4);
    });
}

#[test]
fn aborted_while_queued_running_and_idle() {
    on(1, |runtime| {
        runtime.run(async {
            let polls = Count::new();
            // Queued: it is woken, and not polled any more.
            let (to, from) = pelmeni::sync::oneshot::channel::<()>();
            let queued = spawn(counting(polls.clone(), from));
            yield_now().await;
            to.send(()).unwrap();
            queued.abort();
            assert!(queued.await.unwrap_err().is_cancelled());
            assert_eq!(polls.get(), 1);
            // Idle.
            let idle = spawn(std::future::pending::<()>());
            yield_now().await;
            idle.abort();
            assert!(idle.await.unwrap_err().is_cancelled());
            // Running, by its own hand: what it computes in that poll counts no more if it waits once.
            let (to, switch) = pelmeni::sync::oneshot::channel::<AbortHandle>();
            let running = spawn(async move {
                switch.await.unwrap().abort();
                crate::kitchen::one_turn().await;
                unreachable!("aborted");
            });
            to.send(running.abort_handle()).unwrap();
            let outcome: Result<(), _> = running.await;
            assert!(outcome.unwrap_err().is_cancelled());
            // If it ends in that poll, it has ended.
            let (to, switch) = pelmeni::sync::oneshot::channel::<AbortHandle>();
            let ends = spawn(async move {
                switch.await.unwrap().abort();
                7
            });
            to.send(ends.abort_handle()).unwrap();
            assert_eq!(ends.await.unwrap(), 7);
        });
    });
}

// regress: tokio#4157
#[test]
fn one_poll_for_each_wake() {
    on(1, |runtime| {
        runtime.run(async {
            let polls = Count::new();
            let (to, from) = pelmeni::sync::oneshot::channel::<()>();
            let inner = spawn(from);
            let outer = spawn(counting(polls.clone(), inner));
            for _ in 0..10 {
                yield_now().await;
            }
            assert_eq!(polls.get(), 1);
            to.send(()).unwrap();
            outer.await.unwrap().unwrap().unwrap();
            assert_eq!(polls.get(), 2);
        });
    });
}

#[test]
fn a_name_is_only_a_name() {
    each(|runtime| {
        runtime.run(async {
            let named = |name: &str| task::Builder::new().name(name).spawn(async { 3 });
            for name in ["", "soup", "a name \u{1f95f} with everything\n"] {
                assert_eq!(named(name).await.unwrap(), 3);
            }
            assert_eq!(task::Builder::new().spawn_local(async { 4 }).await.unwrap(), 4);
            assert_eq!(task::Builder::new().name("b").spawn_blocking(|| 5).await.unwrap(), 5);
        });
    });
}

#[test]
fn a_chain_of_tasks_that_await_each_other() {
    each(|runtime| {
        let depth = runtime.run(async {
            fn link(left: u32) -> JoinHandle<u32> {
                spawn(async move { if left == 0 { 0 } else { link(left - 1).await.unwrap() + 1 } })
            }
            link(2000).await.unwrap()
        });
        assert_eq!(depth, 2000);
    });
}

#[test]
fn handles_are_send_and_sync_where_they_should_be() {
    fn send_sync<T: Send + Sync>() {}
    send_sync::<pelmeni::Handle>();
    send_sync::<pelmeni::Runtime>();
    send_sync::<JoinHandle<String>>();
    send_sync::<JoinHandle<std::cell::Cell<u8>>>();
    send_sync::<AbortHandle>();
    send_sync::<pelmeni::JoinError>();
    send_sync::<pelmeni::TimerHandle>();
    send_sync::<pelmeni::ShutdownReport>();
    send_sync::<pelmeni::time::Sleep>();
    send_sync::<pelmeni::net::TcpStream>();
    send_sync::<pelmeni::net::TcpListener>();
}
