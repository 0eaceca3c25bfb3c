//! Timers in the wheels of workers: no sleep goes on because nobody minds it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pelmeni_core::park::Parker;
use pelmeni_core::primitive::Mutex;
use pelmeni_driver::clock;
use pelmeni_loom_tests::Model;
use pelmeni_scheduler::Sleep;
use pelmeni_scheduler::model::House;

use crate::house::{MOMENT, close, open, watch};

/// A stuck worker's timer is for a task that only the one who helps may run.
#[test]
fn timer_of_a_stuck_worker() {
    Model::new("sleep::timer_of_a_stuck_worker").bound(1).check(|| {
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

/// A timer is set to go off earlier, by another thread, while the worker that minds it falls asleep.
#[test]
fn timer_is_set_earlier() {
    Model::new("sleep::timer_is_set_earlier").bound(2).check(|| {
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
    Model::new("sleep::visitor_arms_a_timer").bound(2).check(|| {
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
