//! Whole workers: the real loop, in a runtime whose threads, kernel, clock and monitor are the model's; and what happens to
//! them in the models of `worker`, `drive` and `sleep`.
//!
//! A task that is lost is a deadlock: the last one stops the runtime, and nobody else does.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use loom::thread;
use pelmeni_core::park::Parker;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::{Mutex, yield_now};
use pelmeni_scheduler::model::House;

/// As short as the clock can tell.
pub(crate) const MOMENT: Duration = Duration::from_nanos(1);

/// Starts a thread that works for the house.
pub(crate) fn open(
    house: &Arc<House>,
    work: impl FnOnce(&House) + 'static,
) -> thread::JoinHandle<()> {
    let house = house.clone();
    thread::spawn(move || work(&house))
}

/// Starts workers in seats 0 and 1.
pub(crate) fn two_workers(house: &Arc<House>) -> [thread::JoinHandle<()>; 2] {
    [0, 1].map(|seat| open(house, move |house| house.work(seat)))
}

/// Waits for the threads; nothing is left behind.
pub(crate) fn close(house: &House, threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    house.assert_settled();
}

/// Has the monitor look until the runtime stops, and a few times at most: each time but one, whoever could help may be
/// looking for work at that moment, and give up before it sees the mark.
pub(crate) fn watch(house: &House) {
    let mut monitor = house.monitor();
    for _ in 0..4 {
        if house.is_stopping() {
            return;
        }
        monitor.look_round();
        yield_now();
    }
}

/// Starts a worker in this seat, which may wait for the kernel until the function that comes with it has it stuck. It stops the
/// runtime when it is freed.
pub(crate) fn sticky_worker(
    house: &Arc<House>,
    seat: usize,
    freed: Arc<Parker>,
) -> (thread::JoinHandle<()>, impl FnOnce()) {
    let (gate, stuck) = (Gate::default(), Arc::new(Parker::new()));
    let worker = open(house, {
        let (theirs, stuck, gate) = (house.clone(), stuck.clone(), gate.clone());
        move |house| {
            house.work_on(seat, async move {
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
pub(crate) struct Left {
    house: Arc<House>,
    tasks: Arc<AtomicUsize>,
}

impl Left {
    pub(crate) fn new(house: &Arc<House>, tasks: usize) -> Left {
        Left { house: house.clone(), tasks: Arc::new(AtomicUsize::new(tasks)) }
    }

    pub(crate) fn done(&self) {
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
pub(crate) struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    pub(crate) async fn pass(&self) {
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

    pub(crate) fn open(&self) {
        let mut gate = self.0.lock();
        gate.0 = true;
        let waker = gate.1.take();
        drop(gate);
        waker.into_iter().for_each(Waker::wake);
    }
}
