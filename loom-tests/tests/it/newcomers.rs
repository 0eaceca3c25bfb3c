//! Tasks that come from outside while the runtime closes: each is refused, or waited for.

use loom::thread;
use pelmeni_core::JoinHandle;
use pelmeni_core::primitive::Arc;
use pelmeni_core::primitive::atomic::{AtomicBool, Ordering};
use pelmeni_loom_tests::Model;
use pelmeni_scheduler::model::{House, Newcomers};

/// A thread from outside spawns a task while the only worker closes the runtime: the task is refused, at once or when it
/// arrives, and it has ended when the worker is done.
#[test]
fn task_comes_while_the_runtime_closes() {
    Model::new("newcomers::task_comes_while_the_runtime_closes").check(|| {
        let house = House::new(1);
        let outside = thread::spawn({
            let house = house.clone();
            move || house.deliver(0, async { panic!("it must not run any more") })
        });
        house.close();
        let handle: JoinHandle<()> = outside.join().unwrap();
        assert!(handle.is_finished(), "the task was left behind");
    });
}

/// Whoever sees that a newcomer is none any more sees it registered.
#[test]
fn newcomer_is_counted_until_it_is_registered() {
    Model::new("newcomers::newcomer_is_counted_until_it_is_registered").check(|| {
        let newcomers = Arc::new(Newcomers::default());
        let registered = Arc::new(AtomicBool::new(false));
        assert!(newcomers.enter());
        let worker = thread::spawn({
            let (newcomers, registered) = (newcomers.clone(), registered.clone());
            move || {
                registered.store(true, Ordering::Relaxed);
                let _was_last = newcomers.leave(1);
            }
        });
        newcomers.close();
        if newcomers.count() == 0 {
            assert!(registered.load(Ordering::Relaxed), "the task is nowhere");
        }
        worker.join().unwrap();
    });
}
