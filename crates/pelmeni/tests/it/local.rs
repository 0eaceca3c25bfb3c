//! Tasks that stay on their thread: they need not be `Send`, on one thread and on many.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use pelmeni::{
    Builder, catch_cancel, gather, sleep, spawn, spawn_blocking, spawn_local, yield_now,
};

use crate::kitchen::{AGES, Count, Diary, each, each_number, event, on, telling};

/// Counts its drop, and insists on the thread that made it.
struct Stays(ThreadId, Count, PhantomData<Rc<()>>);

impl Stays {
    fn new(dropped: &Count) -> Stays {
        Stays(thread::current().id(), dropped.clone(), PhantomData)
    }

    fn check(&self) {
        assert_eq!(thread::current().id(), self.0);
    }
}

impl Drop for Stays {
    fn drop(&mut self) {
        if thread::current().id() != self.0 {
            eprintln!("a local future was dropped on a thread that is not its own");
            std::process::abort();
        }
        self.1.add();
    }
}

#[test]
fn an_rc_lives_across_waits() {
    each(|runtime| {
        let sum = runtime.run(async {
            let shared = Rc::new(RefCell::new(0));
            let handles: Vec<_> = (0..20)
                .map(|i| {
                    let shared = shared.clone();
                    spawn_local(async move {
                        yield_now().await;
                        sleep(Duration::from_micros(i * 20)).await;
                        *shared.borrow_mut() += i;
                    })
                })
                .collect();
            for handle in handles {
                handle.await.unwrap();
            }
            *shared.borrow()
        });
        assert_eq!(sum, 190);
    });
}

#[test]
fn on_every_kind_of_worker_it_stays_where_it_was_spawned() {
    each(|runtime| {
        let dropped = Count::new();
        // Inside `run`, inside tasks of other workers, and between two runs.
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let dropped = dropped.clone();
                runtime.handle().spawn(async move {
                    let stays = Stays::new(&dropped);
                    let inner = spawn_local(async move {
                        for _ in 0..20 {
                            yield_now().await;
                            stays.check();
                            spawn(async {}).await.unwrap();
                            stays.check();
                            sleep(Duration::from_micros(50)).await;
                            stays.check();
                        }
                    });
                    inner.await
                })
            })
            .collect();
        runtime.run(async {
            for task in tasks {
                let ended = task.await.unwrap();
                assert!(ended.is_ok() || ended.unwrap_err().is_cancelled());
            }
        });
        assert_eq!(dropped.get(), 40);
    });
}

#[test]
fn woken_from_elsewhere_it_runs_at_home() {
    each(|runtime| {
        let dropped = Count::new();
        runtime.run(async {
            for _ in 0..50 {
                let (to, from) = pelmeni::sync::oneshot::channel();
                let stays = Stays::new(&dropped);
                let local = spawn_local(async move {
                    let value = from.await.unwrap();
                    stays.check();
                    value
                });
                // A task of whichever worker, or a thread of the pool, wakes it.
                let waker = async move { to.send(5_u8).unwrap() };
                spawn(waker).await.unwrap();
                assert_eq!(local.await.unwrap(), 5);

                let (to, from) = pelmeni::sync::oneshot::channel();
                let local = spawn_local(async move {
                    let keep = Rc::new(3_u8);
                    from.await.unwrap() + *keep
                });
                spawn_blocking(move || to.send(5_u8).unwrap()).await.unwrap();
                assert_eq!(local.await.unwrap(), 8);
            }
        });
        assert_eq!(dropped.get(), 50);
    });
}

// regress: RUSTSEC-2021-0072, tokio#3929
#[test]
fn aborted_from_elsewhere_it_is_dropped_at_home() {
    each(|runtime| {
        let dropped = Count::new();
        runtime.run(async {
            for round in 0..30 {
                let stays = Stays::new(&dropped);
                let waits = event();
                let local = spawn_local(telling(waits.clone(), async move {
                    let _stays = stays;
                    sleep(AGES).await;
                }));
                if round % 2 == 0 {
                    waits.wait().await;
                }
                let switch = local.abort_handle();
                match round % 3 {
                    0 => thread::spawn(move || switch.abort()).join().unwrap(),
                    1 => spawn(async move { switch.abort() }).await.unwrap(),
                    _ => spawn_blocking(move || switch.abort()).await.unwrap(),
                }
                assert!(local.await.unwrap_err().is_cancelled());
                assert_eq!(dropped.get(), round + 1);
            }
        });
    });
}

#[test]
fn what_is_left_is_cancelled_when_run_ends_and_may_clean_up() {
    each(|runtime| {
        let (diary, dropped) = (Diary::new(), Count::new());
        let handles = runtime.run(async {
            let (notes, waits) = (diary.clone(), event());
            let stays = Stays::new(&dropped);
            let cleans = spawn_local(telling(waits.clone(), async move {
                let _stays = stays;
                assert!(catch_cancel(sleep(AGES)).await.is_err());
                sleep(Duration::from_millis(1)).await;
                // A local task that is spawned now has come too late.
                let late = spawn_local(async {}).await;
                notes.note(format!("clean, too late: {}", late.is_err()));
            }));
            let stays = Stays::new(&dropped);
            let plain = spawn_local(async move {
                let _stays = stays;
                sleep(AGES).await;
            });
            let stays = Stays::new(&dropped);
            let from_local = spawn_local(async move {
                let _stays = stays;
                std::future::pending::<()>().await;
            });
            waits.wait().await;
            diary.note("root ended");
            vec![cleans, plain, from_local]
        });
        assert!(handles.iter().all(|handle| handle.is_finished()));
        assert_eq!(diary.pages(), ["root ended", "clean, too late: true"]);
        assert_eq!(dropped.get(), 3);
        // The next run takes local tasks again.
        assert_eq!(runtime.run(async { spawn_local(async { 4 }).await.unwrap() }), 4);
    });
}

#[test]
fn its_output_need_not_be_send() {
    each(|runtime| {
        let rc = runtime.run(async { spawn_local(async { Rc::new(Cell::new(5)) }).await.unwrap() });
        assert_eq!(rc.get(), 5);
    });
}

#[test]
fn a_local_task_of_a_task_lives_no_longer_than_the_runtime() {
    each_number(|threads| {
        let runtime = Builder::new().threads(threads).build().unwrap();
        let (to, from) = mpsc::channel();
        let dropped = Count::new();
        let count = dropped.clone();
        runtime.run(async {
            spawn(async move {
                let stays = Stays::new(&count);
                drop(spawn_local(async move {
                    stays.check();
                    to.send(()).unwrap();
                    sleep(AGES).await;
                }));
            })
            .await
            .unwrap();
            while from.try_recv().is_err() {
                sleep(Duration::from_micros(100)).await;
            }
        });
        assert!(runtime.close().is_clean());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn in_order_among_other_tasks_on_one_thread() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let note = |what: &str| {
                let (diary, what) = (diary.clone(), what.to_string());
                async move { diary.note(what) }
            };
            let a = spawn(note("free 1"));
            let b = spawn_local(note("local 1"));
            let c = spawn(note("free 2"));
            let d = spawn_local(note("local 2"));
            for handle in [a, b, c, d] {
                handle.await.unwrap();
            }
        });
        assert_eq!(diary.pages(), ["free 1", "local 1", "free 2", "local 2"]);
    });
}

#[test]
fn a_local_task_can_gather_free_ones() {
    each(|runtime| {
        let sum = runtime.run(async {
            spawn_local(async {
                let base = Rc::new(10);
                let parts = gather([std::future::ready(1), std::future::ready(2)]).await;
                *base + parts.into_iter().sum::<i32>()
            })
            .await
            .unwrap()
        });
        assert_eq!(sum, 13);
    });
}
