//! What workers do with tasks: queues, the next slot, pinned tasks; and who comes, goes and is stuck.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use loom::thread;
use pelmeni_core::park::Parker;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::{Mutex, yield_now};
use pelmeni_loom_tests::{Model, reach};
use pelmeni_scheduler::model::House;
use pelmeni_scheduler::{spawn, spawn_local};

use crate::house::{Gate, Left, close, open, two_workers, watch};

/// A task comes from outside while the only thread that searches has a task of its own to go on with.
#[test]
fn searcher_is_kept_from_what_it_saw() {
    Model::new("worker::searcher_is_kept_from_what_it_saw").bound(2).check(|| {
        let house = House::new(2);
        let worker = open(&house, |house| house.work(1));
        let (gate, ran) = (Gate::default(), Arc::new(Parker::new()));
        let caller = {
            let (gate, ran) = (gate.clone(), ran.clone());
            open(&house, move |house| {
                house.call(async move {
                    gate.pass().await;
                    ran.park(None); // blocks this thread
                });
            })
        };
        drop(house.deliver(1, async move { assert!(!ran.unpark().is_elsewhere()) }));
        gate.open();
        caller.join().unwrap();
        house.stop();
        close(&house, [worker]);
    });
}

/// However many tasks must run here, those that need not have their turns, too.
#[test]
fn pinned_tasks_let_others_go_first() {
    const YIELDS: usize = 20;
    Model::new("worker::pinned_tasks_let_others_go_first").check(|| {
        let house = House::new(2);
        let theirs = house.clone();
        house.work_on(0, async move {
            let polls = Rc::new(Cell::new(0));
            let pinned = [(); 3].map(|()| {
                let polls = polls.clone();
                spawn_local(async move {
                    for _ in 0..YIELDS {
                        polls.set(polls.get() + 1);
                        pelmeni_core::coop::yield_now().await;
                    }
                })
            });
            // The first one goes through the next slot.
            let others = [(); 3].map(|()| spawn(async {}));
            for other in others {
                other.await.unwrap();
            }
            assert!(polls.get() < YIELDS, "after {} polls", polls.get());
            for task in pinned {
                task.await.unwrap();
            }
            theirs.stop();
        });
    });
}

/// A poll that queues tasks is left alone, until it stops to do so.
#[test]
fn poll_that_queues_tasks_gets_on() {
    Model::new("worker::poll_that_queues_tasks_gets_on").check(|| {
        let house = House::new(2);
        let theirs = house.clone();
        house.work_on(0, async move {
            let mut monitor = theirs.monitor();
            monitor.look_round();
            // The first one stays in the next slot.
            let mut tasks = vec![spawn(async {})];
            for _ in 0..3 {
                tasks.push(spawn(async {}));
                monitor.look_round();
                assert!(!theirs.is_stuck(0));
            }
            monitor.look_round();
            assert!(theirs.is_stuck(0));
            for task in tasks {
                task.await.unwrap();
            }
            theirs.stop();
        });
    });
}

/// A task that must run here waits for others as if there was one queue for all: it is not polled after each of them.
#[test]
fn pinned_task_waits_for_many() {
    const TASKS: usize = 40;
    Model::new("worker::pinned_task_waits_for_many").check(|| {
        let house = House::new(2);
        let theirs = house.clone();
        house.work_on(0, async move {
            let mut polls = 0;
            let all = async {
                let tasks: Vec<_> = (0..TASKS).map(|_| spawn(async {})).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            };
            let mut all = pin!(all);
            poll_fn(|cx| {
                polls += 1;
                all.as_mut().poll(cx)
            })
            .await;
            assert!(polls < TASKS / 4, "{polls} polls");
            theirs.stop();
        });
        house.assert_settled();
    });
}

/// A task comes from outside while both workers fall asleep, one of them in the kernel.
#[test]
fn task_comes_from_outside() {
    Model::new("worker::task_comes_from_outside").bound(2).check(|| {
        let house = House::new(2);
        let workers = two_workers(&house);
        let left = Left::new(&house, 1);
        drop(house.deliver(1, async move { left.done() }));
        close(&house, workers);
    });
}

/// A task spawns another one and ends, while another worker closes the runtime: when that has seen no task, there is none.
#[test]
fn worker_spawns_while_the_runtime_closes() {
    let model = Model::new("worker::worker_spawns_while_the_runtime_closes").bound(3);
    model.reaches(&["ran", "refused"]).check(|| {
        let house = House::new(2);
        let ran = Arc::new(AtomicUsize::new(0));
        let (handle, theirs) = (Arc::new(Mutex::new(None)), ran.clone());
        let worker = open(&house, {
            let handle = handle.clone();
            move |house| {
                house.work_on(1, async move {
                    let spawned = spawn(async move { theirs.fetch_add(1, Ordering::Relaxed) });
                    *handle.lock() = Some(spawned);
                });
            }
        });
        house.close();
        let spawned = handle.lock().take();
        if let Some(spawned) = spawned {
            let has_run = ran.load(Ordering::Relaxed) == 1; // and is complete any moment
            assert!(has_run || spawned.is_finished(), "a task was left behind");
            reach(if has_run { "ran" } else { "refused" });
        }
        house.stop();
        close(&house, [worker]);
    });
}

/// A worker is stuck until the task in its next slot has run.
#[test]
fn next_slot_of_a_stuck_worker() {
    Model::new("worker::next_slot_of_a_stuck_worker").bound(1).check(|| {
        let house = House::new(2);
        let workers = two_workers(&house);
        let stuck = Arc::new(Parker::new());
        let (theirs, says) = (house.clone(), stuck.clone());
        drop(house.deliver(1, async move {
            let freed = Arc::new(Parker::new());
            let frees = freed.clone();
            drop(spawn(async move {
                let _ = frees.unpark();
            }));
            let _ = says.unpark();
            freed.park(None);
            theirs.stop();
        }));
        stuck.park(None);
        watch(&house);
        close(&house, workers);
    });
}

/// A worker is stuck, and comes back while the other one comes for what is in its next slot.
#[test]
fn stuck_worker_comes_back() {
    let cases = &["the worker runs it", "the other one runs it"];
    Model::new("worker::stuck_worker_comes_back").bound(1).reaches(cases).check(|| {
        let house = House::new(2);
        let left = Left::new(&house, 1);
        let [stuck, freed] = [(); 2].map(|()| Arc::new(Parker::new()));
        let workers = two_workers(&house);
        drop(house.deliver(1, {
            let (stuck, freed) = (stuck.clone(), freed.clone());
            async move {
                let worker = thread::current().id();
                drop(spawn(async move {
                    let same = thread::current().id() == worker;
                    reach(if same { "the worker runs it" } else { "the other one runs it" });
                    left.done();
                }));
                let _ = stuck.unpark();
                freed.park(None);
            }
        }));
        stuck.park(None);
        let mut monitor = house.monitor();
        monitor.look_round();
        monitor.look_round();
        let _ = freed.unpark();
        close(&house, workers);
    });
}

/// A caller spawns a task and goes while another one comes for its seat.
#[test]
fn caller_goes() {
    Model::new("worker::caller_goes").bound(2).check(|| {
        let house = House::new(2);
        let left = Left::new(&house, 2);
        let worker = open(&house, |house| house.work(1));
        let caller = open(&house, {
            let left = left.clone();
            move |house| house.call(async move { drop(spawn(async move { left.done() })) })
        });
        drop(house.deliver(0, async move { left.done() }));
        close(&house, [worker, caller]);
    });
}

/// A spare comes for a worker that is stuck, and the worker comes back while the spare is at work or falls asleep: the spare
/// goes, and nothing stays behind.
#[test]
fn spare_comes_and_goes() {
    Model::new("worker::spare_comes_and_goes").bound(1).check(|| {
        let house = House::new(2);
        let [stuck, freed, ran] = [(); 3].map(|()| Arc::new(Parker::new()));
        let worker = open(&house, |house| house.work(1));
        drop(house.deliver(1, {
            let (stuck, freed) = (stuck.clone(), freed.clone());
            async move {
                let _ = stuck.unpark();
                freed.park(None);
            }
        }));
        stuck.park(None);
        let mut monitor = house.monitor();
        monitor.look_round();
        monitor.look_round();
        drop(house.deliver(1, {
            let ran = ran.clone();
            async move {
                let _ = ran.unpark();
            }
        }));
        let spare = open(&house, |house| house.spare(1));
        let _ = freed.unpark();
        for _ in 0..3 {
            yield_now();
            house.dismiss_spares();
        }
        spare.join().unwrap();
        ran.park(None);
        house.stop();
        close(&house, [worker]);
    });
}
