//! Whole workers: the real loop, in a runtime whose threads, kernel, clock and monitor are the model's.
//!
//! A task that is lost is a deadlock: the last one stops the runtime, and nobody else does.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use loom::thread;
use pelmeni_core::park::Parker;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::{Mutex, yield_now};
use pelmeni_driver::{Direction, clock};
use pelmeni_loom_tests::{Model, reach};
use pelmeni_scheduler::model::House;
use pelmeni_scheduler::{Sleep, spawn, spawn_local};

const MOMENT: Duration = Duration::from_nanos(1);

/// Starts a thread that works for the house.
fn open(house: &Arc<House>, work: impl FnOnce(&House) + 'static) -> thread::JoinHandle<()> {
    let house = house.clone();
    thread::spawn(move || work(&house))
}

/// Starts workers in seats 0 and 1.
fn two_workers(house: &Arc<House>) -> [thread::JoinHandle<()>; 2] {
    [0, 1].map(|seat| open(house, move |house| house.work(seat)))
}

fn close(house: &House, threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    house.assert_settled();
}

/// Has the monitor look until the runtime stops, and a few times at most: each time but one, whoever could help may be
/// looking for work at that moment, and give up before it sees the mark.
fn watch(house: &House) {
    let mut monitor = house.monitor();
    for _ in 0..4 {
        if house.is_stopping() {
            return;
        }
        monitor.look_round();
        yield_now();
    }
}

/// Starts a worker in seat 1, which may wait for the kernel until the function that comes with it has it stuck. It stops the
/// runtime when it is freed.
fn sticky_worker(
    house: &Arc<House>,
    freed: Arc<Parker>,
) -> (thread::JoinHandle<()>, impl FnOnce()) {
    let (gate, stuck) = (Gate::default(), Arc::new(Parker::new()));
    let worker = open(house, {
        let (theirs, stuck, gate) = (house.clone(), stuck.clone(), gate.clone());
        move |house| {
            house.work_on(1, async move {
                gate.pass().await;
                let _ = stuck.unpark();
                freed.park(None);
                theirs.stop();
            });
        }
    });
    let stick = move || {
        gate.open();
        stuck.park(None);
    };
    (worker, stick)
}

/// Tasks that have not run; the last one stops the runtime.
#[derive(Clone)]
struct Left {
    house: Arc<House>,
    tasks: Arc<AtomicUsize>,
}

impl Left {
    fn new(house: &Arc<House>, tasks: usize) -> Left {
        Left { house: house.clone(), tasks: Arc::new(AtomicUsize::new(tasks)) }
    }

    fn done(&self) {
        // AcqRel: whoever stops the runtime has seen all that ran.
        let before = self.tasks.fetch_sub(1, Ordering::AcqRel);
        assert!(before > 0, "a task ran twice");
        if before == 1 {
            self.house.stop();
        }
    }
}

/// Something that a task waits for, and that one waker is kept for.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    async fn pass(&self) {
        poll_fn(|cx| {
            let mut gate = self.0.lock();
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn open(&self) {
        let mut gate = self.0.lock();
        gate.0 = true;
        let waker = gate.1.take();
        drop(gate);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Waits until the kernel reports something to a seat's group, and says when it has begun to.
async fn event(house: &House, seat: usize, waits: &Parker) {
    let registration = house.registration(seat);
    let ready = poll_fn(|cx| {
        let state = registration.poll_ready(cx, &io::stderr(), Direction::Read);
        let _ = waits.unpark();
        state
    });
    ready.await.expect("nobody closes the driver");
}

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

/// A caller comes and goes while the thread that stands in for callers works or sleeps, in the kernel or elsewhere; whoever
/// waits for the kernel, there is somebody when it has something for a task.
#[test]
fn kernel_is_handed_on() {
    Model::new("worker::kernel_is_handed_on").bound(1).check(|| {
        let house = House::new(2);
        let left = Left::new(&house, 1);
        let (gate, waits) = (Gate::default(), Arc::new(Parker::new()));
        let substitute = open(&house, |house| house.substitute());
        let caller = open(&house, {
            let gate = gate.clone();
            move |house| house.call(gate.pass())
        });
        drop(house.deliver(0, {
            let (house, waits) = (house.clone(), waits.clone());
            async move {
                event(&house, 0, &waits).await;
                left.done();
            }
        }));
        waits.park(None);
        gate.open();
        caller.join().unwrap();
        house.kernel().report();
        close(&house, [substitute]);
    });
}

/// A worker that may have waited for the kernel is stuck until somebody else does.
#[test]
fn kernel_of_a_stuck_worker() {
    Model::new("worker::kernel_of_a_stuck_worker").bound(1).check(|| {
        let house = House::new(2);
        let [waits, freed] = [(); 2].map(|()| Arc::new(Parker::new()));
        let helper = open(&house, {
            let (theirs, waits, freed) = (house.clone(), waits.clone(), freed.clone());
            move |house| {
                house.work_on(0, async move {
                    event(&theirs, 0, &waits).await;
                    let _ = freed.unpark();
                })
            }
        });
        let (worker, stick) = sticky_worker(&house, freed);
        waits.park(None);
        stick();
        house.kernel().report();
        watch(&house);
        close(&house, [helper, worker]);
    });
}

/// The only worker that is there sleeps at the driver of another group, because its own has nothing to report.
#[test]
fn event_for_another_group() {
    Model::new("worker::event_for_another_group").check(|| {
        let house = House::grouped(2, 1);
        let waits = Arc::new(Parker::new());
        let worker = open(&house, {
            let (theirs, waits) = (house.clone(), waits.clone());
            move |house| {
                house.work_on(0, async move {
                    event(&theirs, 1, &waits).await;
                    theirs.stop();
                })
            }
        });
        waits.park(None);
        house.kernel_of(1).report();
        close(&house, [worker]);
    });
}

/// A worker that falls asleep finds both drivers taken, by one and the same who goes from the first to the second.
#[test]
fn worker_changes_drivers_while_another_falls_asleep() {
    Model::new("worker::worker_changes_drivers_while_another_falls_asleep").check(|| {
        let house = House::grouped(2, 1);
        let here = house.kernel_of(0).attend();
        let waits = Arc::new(Parker::new());
        let worker = open(&house, {
            let (theirs, waits) = (house.clone(), waits.clone());
            move |house| {
                house.work_on(0, async move {
                    event(&theirs, 0, &waits).await;
                    theirs.stop();
                })
            }
        });
        waits.park(None);
        drop(here);
        let there = house.kernel_of(1).try_attend();
        if there.is_some() {
            house.kernel_of(0).report();
        } else {
            // It waits there already, and the first is for who comes from there.
            house.stop();
        }
        close(&house, [worker]);
        drop(there);
    });
}

/// A worker that goes to sleep, or sleeps, at the driver of another group is woken for something else.
#[test]
fn interrupted_with_another_group() {
    Model::new("worker::interrupted_with_another_group").check(|| {
        let house = House::grouped(2, 1);
        let (gate, waits) = (Gate::default(), Arc::new(Parker::new()));
        let worker = open(&house, {
            let (theirs, gate, waits) = (house.clone(), gate.clone(), waits.clone());
            move |house| {
                house.work_on(0, async move {
                    let mut event = pin!(event(&theirs, 1, &waits));
                    let mut pass = pin!(gate.pass());
                    poll_fn(|cx| {
                        assert!(event.as_mut().poll(cx).is_pending(), "nothing is reported");
                        pass.as_mut().poll(cx)
                    })
                    .await;
                    theirs.stop();
                })
            }
        });
        waits.park(None);
        gate.open();
        close(&house, [worker]);
    });
}

/// A worker of another group is stuck, and whoever could wait for the kernel in its place waits there for its own group.
#[test]
fn kernel_of_a_stuck_group() {
    Model::new("worker::kernel_of_a_stuck_group").bound(1).check(|| {
        let house = House::grouped(2, 1);
        let [own, waits, freed] = [(); 3].map(|()| Arc::new(Parker::new()));
        let helper = open(&house, {
            let (theirs, waits, freed) = (house.clone(), waits.clone(), freed.clone());
            move |house| {
                house.work_on(0, async move {
                    let mut never = pin!(event(&theirs, 0, &own));
                    let mut event = pin!(event(&theirs, 1, &waits));
                    poll_fn(|cx| {
                        assert!(never.as_mut().poll(cx).is_pending(), "nothing is reported there");
                        event.as_mut().poll(cx)
                    })
                    .await;
                    let _ = freed.unpark();
                })
            }
        });
        let (worker, stick) = sticky_worker(&house, freed);
        waits.park(None);
        stick();
        house.kernel_of(1).report();
        watch(&house);
        close(&house, [helper, worker]);
    });
}

/// A caller waits for the only driver where nobody else does, until the worker has something for it: then that one falls
/// asleep while the caller comes back, ends its root, and leaves.
#[test]
fn driver_is_handed_on() {
    Model::new("worker::driver_is_handed_on").bound(2).check(|| {
        let house = House::grouped(2, 1);
        let _attendant = house.kernel_of(1).attend();
        let gate = Gate::default();
        let worker = open(&house, {
            let (theirs, gate) = (house.clone(), gate.clone());
            move |house| {
                house.work_on(1, async move {
                    gate.open();
                    event(&theirs, 0, &Parker::new()).await;
                    theirs.stop();
                });
            }
        });
        house.call(gate.pass());
        house.kernel_of(0).report();
        close(&house, [worker]);
    });
}

/// Two leave one after the other, each a driver, before the first whom they wake has said that it is awake: the second one
/// must wake somebody else.
#[test]
fn two_drivers_are_handed_on() {
    Model::new("worker::two_drivers_are_handed_on").bound(1).check(|| {
        let house = House::grouped(3, 2);
        let attendants = [0, 1].map(|group| house.kernel_of(group).attend());
        let [own, waits] = [(); 2].map(|()| Arc::new(Parker::new()));
        let mut never = pin!(event(&house, 0, &own));
        assert!(never.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let first = open(&house, |house| house.work(1));
        let second = open(&house, {
            let (theirs, waits) = (house.clone(), waits.clone());
            move |house| {
                house.work_on(2, async move {
                    event(&theirs, 2, &waits).await;
                    theirs.stop();
                });
            }
        });
        waits.park(None);
        for attendant in attendants {
            drop(attendant);
            house.call(async {});
        }
        yield_now();
        house.kernel_of(1).report();
        close(&house, [first, second]);
    });
}

/// While a caller leaves and looks whether somebody waits with each driver, a worker goes from one of them to the other: it is
/// seen at both, and there is one where nobody waits.
#[test]
fn worker_changes_drivers_while_a_caller_leaves() {
    Model::new("worker::worker_changes_drivers_while_a_caller_leaves").bound(1).check(|| {
        let house = House::grouped(3, 2);
        let attendant = house.kernel_of(1).attend();
        let [own, waits] = [(); 2].map(|()| Arc::new(Parker::new()));
        let mut never = pin!(event(&house, 2, &own));
        assert!(never.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let gate = Gate::default();
        let changes = open(&house, {
            let gate = gate.clone();
            move |house| house.work_on(2, async move { gate.pass().await })
        });
        let rests = open(&house, {
            let (theirs, waits) = (house.clone(), waits.clone());
            move |house| {
                house.work_on(1, async move {
                    event(&theirs, 1, &waits).await;
                    theirs.stop();
                });
            }
        });
        waits.park(None);
        drop(attendant);
        gate.open();
        house.call(async {});
        yield_now();
        house.kernel_of(0).report();
        close(&house, [changes, rests]);
    });
}

/// A stuck worker's timer is for a task that only the one who helps may run.
#[test]
fn timer_of_a_stuck_worker() {
    Model::new("worker::timer_of_a_stuck_worker").bound(1).check(|| {
        let house = House::new(2);
        let [waits, stuck, freed] = [(); 3].map(|()| Arc::new(Parker::new()));
        let waker = Arc::new(Mutex::new(None));
        let helper = open(&house, {
            let (waits, waker, freed) = (waits.clone(), waker.clone(), freed.clone());
            move |house| {
                house.work_on(0, async move {
                    let mut first = true;
                    poll_fn(|cx: &mut Context<'_>| {
                        if !std::mem::take(&mut first) {
                            return Poll::Ready(());
                        }
                        *waker.lock() = Some(cx.waker().clone());
                        let _ = waits.unpark();
                        Poll::Pending
                    })
                    .await;
                    let _ = freed.unpark();
                })
            }
        });
        let worker = open(&house, {
            let (theirs, says) = (house.clone(), stuck.clone());
            move |house| {
                house.work_on(1, async move {
                    waits.park(None);
                    let waker: Waker = waker.lock().take().expect("the task waits");
                    let mut sleep = pin!(Sleep::new(MOMENT));
                    assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                    let _ = says.unpark();
                    freed.park(None);
                    theirs.stop();
                })
            }
        });
        stuck.park(None);
        watch(&house);
        close(&house, [helper, worker]);
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

/// A timer is set to go off earlier, by another thread, while the worker that minds it falls asleep.
#[test]
fn timer_is_set_earlier() {
    Model::new("worker::timer_is_set_earlier").bound(2).check(|| {
        let house = House::new(2);
        let sleep: Arc<Mutex<Pin<Box<Sleep>>>> = Arc::new(Mutex::new(Box::pin(Sleep::never())));
        let set = Arc::new(Parker::new());
        let worker = open(&house, |house| house.work(1));
        drop(house.deliver(1, {
            let (house, sleep, set) = (house.clone(), sleep.clone(), set.clone());
            async move {
                poll_fn(|cx| {
                    let state = sleep.lock().as_mut().poll(cx);
                    let _ = set.unpark();
                    state
                })
                .await;
                house.stop();
            }
        }));
        set.park(None);
        sleep.lock().as_mut().reset(clock::instant());
        close(&house, [worker]);
    });
}

/// A thread that is no worker arms a timer in the wheel of a worker that falls asleep.
#[test]
fn visitor_arms_a_timer() {
    Model::new("worker::visitor_arms_a_timer").bound(2).check(|| {
        let house = House::new(2);
        let worker = open(&house, |house| house.work(1));
        let sleep = Sleep::new(MOMENT);
        let visitor = open(&house, move |house| {
            house.visit(sleep);
            house.stop();
        });
        house.kernel().pass(MOMENT);
        close(&house, [worker, visitor]);
    });
}
