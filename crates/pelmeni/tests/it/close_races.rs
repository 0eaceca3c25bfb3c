//! What goes on while a runtime closes: spawns, wakes, events, drops that do all of that, and other threads inside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pelmeni::net::TcpListener;
use pelmeni::{Builder, Handle, catch_cancel, sleep, spawn, with_cleanup, yield_now};

use crate::kitchen::{AGES, Count, Diary, each_number, event, telling};

// regress: tokio#3752
#[test]
fn spawns_while_it_closes_end_cancelled_or_run() {
    each_number(|threads| {
        for _ in 0..10 {
            let runtime = Builder::new().threads(threads).build().unwrap();
            let (begun, made, dropped) = (Count::new(), Count::new(), Count::new());
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                let handles: Vec<_> = (0..2)
                    .map(|_| {
                        let handle = runtime.handle().clone();
                        let (begun, made, dropped) = (&begun, &made, &dropped);
                        let stop = &stop;
                        scope.spawn(move || {
                            let mut tasks = Vec::new();
                            while !stop.load(Ordering::SeqCst) {
                                let witness = dropped.on_drop();
                                made.add();
                                tasks.push(handle.spawn(async move {
                                    let _witness = witness;
                                    sleep(Duration::from_micros(10)).await;
                                }));
                                begun.add();
                            }
                            tasks
                        })
                    })
                    .collect();
                begun.block_until(20);
                let report = runtime.close();
                assert!(report.is_clean(), "{report}");
                stop.store(true, Ordering::SeqCst);
                for handle in handles {
                    for task in handle.join().unwrap() {
                        if let Err(error) = futures::executor::block_on(task) {
                            assert!(error.is_cancelled(), "{error}");
                        }
                    }
                }
            });
            assert_eq!(dropped.get(), made.get());
        }
    });
}

// regress: tokio#2074, tokio rt_threaded wake_while_rt_is_dropping
#[test]
fn wakes_and_events_while_it_closes() {
    each_number(|threads| {
        for _ in 0..10 {
            let runtime = Builder::new().threads(threads).build().unwrap();
            let stop = Arc::new(AtomicBool::new(false));
            let (address, notify) = runtime.run(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                drop(spawn(async move {
                    loop {
                        let (mut stream, _) = listener.accept().await.unwrap();
                        drop(spawn(async move {
                            let mut byte = [0];
                            while let Ok(1..) = stream.read(&mut byte).await {}
                        }));
                    }
                }));
                let notify = Arc::new(pelmeni::sync::Notify::new());
                for _ in 0..4 {
                    let notify = notify.clone();
                    drop(spawn(async move {
                        loop {
                            notify.notified().await;
                            yield_now().await;
                        }
                    }));
                }
                (address, notify)
            });
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    use std::io::Write;
                    while !stop.load(Ordering::SeqCst) && stream.write_all(&[1]).is_ok() {}
                });
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        notify.notify_one();
                    }
                });
                if threads == 1 {
                    runtime.run(sleep(Duration::from_millis(1)));
                }
                let report = runtime.close();
                stop.store(true, Ordering::SeqCst);
                assert!(report.is_clean(), "{report}");
            });
        }
    });
}

// regress: tokio#2082
#[test]
fn drops_that_spawn_wake_and_abort() {
    struct Busy(Handle, pelmeni::AbortHandle, std::task::Waker, Count);
    impl Drop for Busy {
        fn drop(&mut self) {
            drop(self.0.spawn(async { sleep(AGES).await }));
            self.1.abort();
            self.2.wake_by_ref();
            let _ = self.0.stats();
            self.3.add();
        }
    }
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let dropped = Count::new();
        let switches: Vec<_> = runtime.run(async {
            let mut switches: Vec<pelmeni::AbortHandle> = vec![spawn(sleep(AGES)).abort_handle()];
            for _ in 0..50 {
                let previous = switches.last().unwrap().clone();
                let (dropped, waits) = (dropped.clone(), event());
                let handle = spawn(telling(waits.clone(), async move {
                    let waker =
                        std::future::poll_fn(|cx| std::task::Poll::Ready(cx.waker().clone())).await;
                    let _busy = Busy(Handle::current(), previous, waker, dropped);
                    sleep(AGES).await;
                }));
                waits.wait().await;
                switches.push(handle.abort_handle());
            }
            switches
        });
        let report = runtime.close();
        assert!(report.is_clean(), "{report}");
        assert_eq!(dropped.get(), 50);
        assert!(switches.iter().all(pelmeni::AbortHandle::is_finished));
    });
}

#[test]
fn closed_while_another_thread_is_inside() {
    // Tasks may clean up all the same, and whoever is inside comes out.
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let (diary, inside) = (Diary::new(), Count::new());
        thread::scope(|scope| {
            let handle = runtime.handle().clone();
            let (notes, count) = (diary.clone(), inside.clone());
            let other = scope.spawn(move || {
                handle.block_on(async {
                    let waits = event();
                    let cleaned = notes.clone();
                    drop(spawn(with_cleanup(
                        telling(waits.clone(), sleep(AGES)),
                        async move || {
                            sleep(Duration::from_millis(3)).await;
                            cleaned.note("task clean");
                        },
                    )));
                    waits.wait().await;
                    count.add();
                    let caught = catch_cancel(sleep(AGES)).await;
                    notes.note("root asked");
                    caught.is_err()
                })
            });
            inside.block_until(1);
            let report = runtime.close();
            assert!(report.is_clean(), "{report}");
            assert!(other.join().unwrap());
        });
        let mut pages = diary.pages();
        pages.sort_unstable();
        assert_eq!(pages, ["root asked", "task clean"]);
    });
}
