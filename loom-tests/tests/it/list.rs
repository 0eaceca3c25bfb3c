//! The inbox that any thread fills and the slot that anybody empties.

use loom::sync::Arc;
use loom::thread;
use pelmeni_core::list::{Inbox, Slot};
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::{JoinHandle, Runnable};
use pelmeni_loom_tests::{Model, Queue, reach};

/// Tasks that count their runs. Their memory stays, so that a task that is run twice can be told from freed memory.
struct Tasks {
    queue: Queue,
    runs: Arc<AtomicUsize>,
    handles: Vec<JoinHandle<()>>,
}

impl Tasks {
    fn new() -> Tasks {
        Tasks { queue: Queue::new(), runs: Arc::default(), handles: Vec::new() }
    }

    fn make(&mut self) -> Runnable {
        let runs = self.runs.clone();
        let (runnable, handle) = self.queue.make(async move {
            runs.fetch_add(1, Ordering::Relaxed);
        });
        self.handles.push(handle);
        runnable
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }
}

/// Two threads push and a third takes: every task comes out once, whole, and one push found the inbox empty for each
/// time that it was.
#[test]
fn two_push_and_one_takes() {
    let cases = &["before both", "between them", "after both"];
    Model::new("list::two_push_and_one_takes").reaches(cases).check(|| {
        let mut tasks = Tasks::new();
        let inbox = Arc::new(Inbox::default());
        let pushes = [tasks.make(), tasks.make()].map(|task| {
            let inbox = inbox.clone();
            thread::spawn(move || inbox.push(task))
        });
        let mut taken = 0;
        for task in inbox.take_all() {
            task.run();
            taken += 1;
        }
        let found_empty: usize =
            pushes.map(|push| push.join().unwrap()).map(usize::from).iter().sum();
        assert_eq!(found_empty, if taken == 1 { 2 } else { 1 });
        reach(match taken {
            0 => "before both",
            1 => "between them",
            _ => "after both",
        });
        inbox.take_all().for_each(Runnable::run);
        assert_eq!(tasks.runs(), 2);
    });
}

/// Those that one thread pushed come out in that order.
#[test]
fn inbox_keeps_the_order() {
    Model::new("list::inbox_keeps_the_order").check(|| {
        let order = Arc::new(AtomicUsize::new(0));
        let queue = Queue::new();
        let inbox = Arc::new(Inbox::default());
        let pushes = thread::spawn({
            let (order, queue, inbox) = (order.clone(), queue.clone(), inbox.clone());
            move || {
                for turn in 0..3 {
                    let order = order.clone();
                    let (runnable, handle) = queue.make(async move {
                        assert_eq!(order.fetch_add(1, Ordering::Relaxed), turn);
                    });
                    drop(handle);
                    inbox.push(runnable);
                }
            }
        });
        inbox.take_all().for_each(Runnable::run);
        pushes.join().unwrap();
        inbox.take_all().for_each(Runnable::run);
        assert_eq!(order.load(Ordering::Relaxed), 3);
    });
}

/// The owner puts and takes, a thief takes: each task is run once.
#[test]
fn slot_is_stolen_from() {
    let cases = &["stolen", "pushed out", "kept"];
    Model::new("list::slot_is_stolen_from").reaches(cases).check(|| {
        let mut tasks = Tasks::new();
        let slot = Arc::new(Slot::default());
        let thief = thread::spawn({
            let slot = slot.clone();
            move || {
                if let Some(task) = slot.take() {
                    reach("stolen");
                    task.run();
                }
            }
        });
        for task in [tasks.make(), tasks.make()] {
            if let Some(pushed_out) = slot.put(task) {
                reach("pushed out");
                pushed_out.run();
            }
        }
        if let Some(task) = slot.take() {
            reach("kept");
            task.run();
        }
        thief.join().unwrap();
        assert_eq!(tasks.runs(), 2);
    });
}

/// Whatever is in an inbox or a slot when it is dropped is cancelled, not forgotten.
#[test]
fn what_is_left_is_cancelled() {
    Model::new("list::what_is_left_is_cancelled").check(|| {
        let mut tasks = Tasks::new();
        let inbox = Arc::new(Inbox::default());
        let slot = Slot::default();
        assert!(slot.put(tasks.make()).is_none());
        let task = tasks.make();
        let push = thread::spawn({
            let inbox = inbox.clone();
            move || inbox.push(task)
        });
        drop(inbox);
        drop(slot);
        push.join().unwrap();
        assert_eq!(tasks.runs(), 0);
        assert!(tasks.queue.next().is_none(), "all tasks were released");
    });
}
