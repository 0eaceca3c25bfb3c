//! When the monitor sleeps: it never does on what is not so any more.

use loom::thread;
use pelmeni_core::primitive::Arc;
use pelmeni_core::primitive::atomic::{AtomicBool, Ordering};
use pelmeni_loom_tests::Model;
use pelmeni_scheduler::model::{Watch, While};

/// A worker makes untrue what the monitor is about to rely on: the monitor sees it, or is roused.
#[test]
fn monitor_dozes_while_a_worker_wakes_up() {
    Model::new("watch::monitor_dozes_while_a_worker_wakes_up").check(|| {
        let watch = Arc::new(Watch::default());
        let at_work = Arc::new(AtomicBool::new(false));
        let worker = thread::spawn({
            let (watch, at_work) = (watch.clone(), at_work.clone());
            move || {
                at_work.store(true, Ordering::Relaxed);
                watch.rouse(While::Idle);
                // Nobody relies on this, and nobody is woken by it.
                watch.rouse(While::Busy);
            }
        });
        // Without end, unless it is roused.
        let held = watch.doze(While::Idle, None, || at_work.load(Ordering::Relaxed));
        assert!(!held, "the monitor goes on to rely on what is not so any more");
        worker.join().unwrap();
    });
}

/// Two workers do so at once: one of them rouses the monitor, which may doze again for the other reason.
#[test]
fn two_workers_rouse_the_monitor() {
    Model::new("watch::two_workers_rouse_the_monitor").bound(2).check(|| {
        let watch = Arc::new(Watch::default());
        let at_work = Arc::new(AtomicBool::new(false));
        let asleep = Arc::new(AtomicBool::new(false));
        let worker = |flag: &Arc<AtomicBool>, untrue| {
            let (watch, flag) = (watch.clone(), flag.clone());
            thread::spawn(move || {
                flag.store(true, Ordering::Relaxed);
                watch.rouse(untrue);
            })
        };
        let workers = [worker(&at_work, While::Idle), worker(&asleep, While::Busy)];
        watch.doze(While::Idle, None, || at_work.load(Ordering::Relaxed));
        watch.doze(While::Busy, None, || asleep.load(Ordering::Relaxed));
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}
