//! Who waits for the kernel: no event is without somebody who comes for it.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use pelmeni_core::park::Parker;
use pelmeni_core::primitive::yield_now;
use pelmeni_driver::Direction;
use pelmeni_loom_tests::Model;
use pelmeni_scheduler::model::House;

use crate::house::{Gate, Left, close, open, sticky_worker, watch};

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

/// A caller comes and goes while the thread that stands in for callers works or sleeps, in the kernel or elsewhere; whoever
/// waits for the kernel, there is somebody when it has something for a task.
#[test]
fn kernel_is_handed_on() {
    Model::new("drive::kernel_is_handed_on").bound(1).check(|| {
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

/// There is a core for one worker only. Another leaves the kernel to a caller, who goes: somebody comes for the event.
#[test]
fn kernel_is_left_to_a_caller_who_goes() {
    Model::new("drive::kernel_is_left_to_a_caller_who_goes").bound(1).check(|| {
        let house = House::new(2);
        house.limit(NonZeroUsize::MIN);
        let left = Left::new(&house, 1);
        let waits = Arc::new(Parker::new());
        let substitute = open(&house, |house| house.substitute());
        let worker = open(&house, |house| house.work(1));
        drop(house.deliver(1, {
            let (house, waits) = (house.clone(), waits.clone());
            async move {
                event(&house, 0, &waits).await;
                left.done();
            }
        }));
        house.call(async {});
        waits.park(None);
        house.kernel().report();
        close(&house, [substitute, worker]);
    });
}

/// A worker that may have waited for the kernel is stuck until somebody else does.
#[test]
fn kernel_of_a_stuck_worker() {
    Model::new("drive::kernel_of_a_stuck_worker").bound(1).check(|| {
        let house = House::new(2);
        take_the_kernel_from_a_stuck_worker(&house, 1, 0);
    });
}

/// There is a core for one worker only, and the one that has it is stuck: who would leave the kernel to it does not.
#[test]
fn kernel_of_a_stuck_worker_who_has_the_only_core() {
    Model::new("drive::kernel_of_a_stuck_worker_who_has_the_only_core").bound(1).check(|| {
        let house = House::new(2);
        house.limit(NonZeroUsize::MIN);
        take_the_kernel_from_a_stuck_worker(&house, 0, 1);
    });
}

fn take_the_kernel_from_a_stuck_worker(house: &Arc<House>, stuck: usize, helper: usize) {
    let [waits, freed] = [(); 2].map(|()| Arc::new(Parker::new()));
    let helper = open(house, {
        let (theirs, waits, freed) = (house.clone(), waits.clone(), freed.clone());
        move |house| {
            house.work_on(helper, async move {
                event(&theirs, helper, &waits).await;
                let _ = freed.unpark();
            })
        }
    });
    let (worker, stick) = sticky_worker(house, stuck, freed);
    waits.park(None);
    stick();
    house.kernel().report();
    watch(house);
    close(house, [helper, worker]);
}

/// The only worker that is there sleeps at the driver of another group, because its own has nothing to report.
#[test]
fn event_for_another_group() {
    Model::new("drive::event_for_another_group").check(|| {
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
    Model::new("drive::worker_changes_drivers_while_another_falls_asleep").check(|| {
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
    Model::new("drive::interrupted_with_another_group").check(|| {
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
    Model::new("drive::kernel_of_a_stuck_group").bound(1).check(|| {
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
        let (worker, stick) = sticky_worker(&house, 1, freed);
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
    Model::new("drive::driver_is_handed_on").bound(2).check(|| {
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
    Model::new("drive::two_drivers_are_handed_on").bound(1).check(|| {
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
    Model::new("drive::worker_changes_drivers_while_a_caller_leaves").bound(1).check(|| {
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
