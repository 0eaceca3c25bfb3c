//! Who sleeps and who searches: the idle protocol of pelmeni-scheduler, with workers as small as can be.
//!
//! A worker here does what `worker.rs` does when it has nothing to do, in the same order: its own queue, its inbox, a
//! search, the announcement that it sleeps, another look, the sleep. It knows no timers and no sockets.

use loom::thread;
use pelmeni_core::Runnable;
use pelmeni_core::list::Inbox;
use pelmeni_core::park::Parker;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::{Arc, yield_now};
use pelmeni_driver::model::Kernel;
use pelmeni_loom_tests::{Model, Queue, reach};
use pelmeni_scheduler::model::{Deque, Idle, Steal, Thief, search};

/// What workers share.
struct Kitchen {
    idle: Idle,
    seats: Vec<Seat>,
    /// Tasks that have not run yet.
    left: AtomicUsize,
}

struct Seat {
    thief: Thief,
    inbox: Inbox,
    parker: Parker,
}

impl Kitchen {
    /// So many seats, for so many tasks, and the owners' ends of the deques.
    fn new(seats: usize, tasks: usize) -> (Arc<Kitchen>, Vec<Deque>) {
        let deques: Vec<_> = (0..seats).map(|_| Deque::new()).collect();
        let seats = deques.iter().map(|deque| Seat {
            thief: deque.thief(),
            inbox: Inbox::default(),
            parker: Parker::new(),
        });
        let seats: Vec<_> = seats.collect();
        let idle = Idle::new(seats.len());
        (Arc::new(Kitchen { idle, seats, left: AtomicUsize::new(tasks) }), deques)
    }

    /// Starts a thread in each seat.
    fn open(kitchen: &Arc<Kitchen>, deques: Vec<Deque>) -> Vec<thread::JoinHandle<()>> {
        let start = |(seat, deque)| {
            let kitchen = Arc::clone(kitchen);
            thread::spawn(move || Worker { kitchen, seat, deque, searching: false }.work())
        };
        deques.into_iter().enumerate().map(start).collect()
    }

    /// A task from outside.
    fn deliver(&self, seat: usize, task: Runnable) {
        if self.seats[seat].inbox.push(task) {
            self.notify(seat);
        }
    }

    fn notify(&self, prefer: usize) {
        if let Some(worker) = self.idle.pick(prefer) {
            let _ = self.seats[worker].parker.unpark();
        }
    }

    /// A task has run; after the last one the workers go home.
    fn done(&self) {
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            self.seats.iter().for_each(|seat| {
                let _ = seat.parker.unpark();
            });
        }
    }

    fn is_over(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    fn has_work(&self) -> bool {
        self.seats.iter().any(|seat| !seat.thief.is_empty() || !seat.inbox.is_empty())
    }

    /// Nobody sleeps and nobody searches.
    fn assert_settled(&self) {
        assert!(!self.idle.anyone_sleeps(), "a worker that went home is counted as asleep");
        assert!(self.idle.start_search(1), "a worker that went home is counted as a searcher");
    }
}

struct Worker {
    kitchen: Arc<Kitchen>,
    seat: usize,
    deque: Deque,
    searching: bool,
}

impl Worker {
    fn work(mut self) {
        while !self.kitchen.is_over() {
            match self.deque.pop().or_else(|| self.delivered()) {
                Some(task) => self.run(task),
                None => self.idle(),
            }
        }
        self.stop_searching();
    }

    fn run(&mut self, task: Runnable) {
        self.stop_searching();
        task.run();
    }

    fn stop_searching(&mut self) {
        if std::mem::take(&mut self.searching)
            && self.kitchen.idle.found()
            && self.kitchen.has_work()
        {
            self.kitchen.notify(self.seat);
        }
    }

    fn delivered(&self) -> Option<Runnable> {
        let mut delivered = self.kitchen.seats[self.seat].inbox.take_all();
        let first = delivered.next();
        for task in delivered {
            self.deque.push(task);
            self.kitchen.notify(self.seat);
        }
        first
    }

    fn idle(&mut self) {
        let Kitchen { idle, seats, .. } = &*self.kitchen;
        self.searching = self.searching || idle.start_search(seats.len());
        if self.searching {
            match self.search() {
                Steal::Success(task) => return self.run(task),
                Steal::Retry => return yield_now(),
                Steal::Empty => {}
            }
        }
        let Kitchen { idle, seats, .. } = &*self.kitchen;
        idle.sleep(self.seat, std::mem::take(&mut self.searching));
        let resumes = self.kitchen.has_work();
        if resumes {
            // Whoever may search will take it. Loom is not fair, and must be told to let that one run.
            yield_now();
        } else {
            seats[self.seat].parker.park(None);
        }
        self.searching = idle.awake(self.seat, resumes);
    }

    fn search(&self) -> Steal<Runnable> {
        let seats = &self.kitchen.seats;
        search(seats.len(), 0, |seat| {
            if seat == self.seat {
                return Steal::Empty;
            }
            let stolen = seats[seat].thief.steal_into(&self.deque);
            if !matches!(stolen, Steal::Empty) {
                return stolen;
            }
            let mut inbox = seats[seat].inbox.take_all();
            match inbox.next() {
                Some(first) => {
                    inbox.for_each(|task| {
                        self.deque.push(task);
                    });
                    Steal::Success(first)
                }
                None => Steal::Empty,
            }
        })
    }
}

/// A task comes while the only worker falls asleep, or is woken for something else: it runs, and the books are right.
#[test]
fn task_comes_while_worker_falls_asleep() {
    Model::new("idle::task_comes_while_worker_falls_asleep").check(|| {
        let (kitchen, deques) = Kitchen::new(1, 1);
        let queue = Queue::new();
        let (task, handle) = queue.make({
            let kitchen = kitchen.clone();
            async move { kitchen.done() }
        });
        drop(handle);
        let workers = Kitchen::open(&kitchen, deques);
        // A timer, say: it ends the sleep and picks nobody.
        let timer = thread::spawn({
            let kitchen = kitchen.clone();
            move || {
                let _ = kitchen.seats[0].parker.unpark();
            }
        });
        kitchen.deliver(0, task);
        timer.join().unwrap();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        kitchen.assert_settled();
    });
}

/// Two threads bring a task each, to different seats, while the only worker goes to sleep or wakes by itself.
#[test]
fn two_bring_work_while_worker_wakes_by_itself() {
    Model::new("idle::two_bring_work_while_worker_wakes_by_itself").bound(2).check(|| {
        let (kitchen, mut deques) = Kitchen::new(2, 2);
        let queue = Queue::new();
        let tasks = [(), ()].map(|()| {
            let kitchen = kitchen.clone();
            let (task, handle) = queue.make(async move { kitchen.done() });
            drop(handle);
            task
        });
        let [first, second] = tasks;
        // Nobody sits in the second seat.
        deques.truncate(1);
        let workers = Kitchen::open(&kitchen, deques);
        let other = thread::spawn({
            let kitchen = kitchen.clone();
            move || {
                let _ = kitchen.seats[0].parker.unpark();
                kitchen.deliver(1, first);
            }
        });
        kitchen.deliver(0, second);
        other.join().unwrap();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        kitchen.assert_settled();
    });
}

/// Two tasks come for two sleepers, and the one blocks its worker until the other has run: whoever comes for one of them
/// sends the next worker for the other.
#[test]
fn last_searcher_passes_the_search_on() {
    let cases = &["in one batch", "one by one"];
    Model::new("idle::last_searcher_passes_the_search_on").bound(2).reaches(cases).check(|| {
        let (kitchen, deques) = Kitchen::new(2, 2);
        let queue = Queue::new();
        let freed = Arc::new(Parker::new());
        let (blocks, handle) = queue.make({
            let (kitchen, freed) = (kitchen.clone(), freed.clone());
            async move {
                // It blocks the thread, and not only the task.
                freed.park(None);
                kitchen.done();
            }
        });
        drop(handle);
        let (frees, handle) = queue.make({
            let kitchen = kitchen.clone();
            async move {
                let _ = freed.unpark();
                kitchen.done();
            }
        });
        drop(handle);
        let workers = Kitchen::open(&kitchen, deques);
        for task in [blocks, frees] {
            let first = kitchen.seats[0].inbox.push(task);
            if first {
                kitchen.notify(0);
            }
            reach(if first { "one by one" } else { "in one batch" });
        }
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        kitchen.assert_settled();
    });
}

/// A worker that falls asleep sees that somebody waits with the driver, and that one leaves: it sees who sleeps.
///
/// The real driver, and the rest as small as can be: between these steps whole workers take the locks that a model has in
/// place of a deque, and would see each other without any fence.
#[test]
fn driver_is_left_while_worker_falls_asleep() {
    let cases = &["it waits there", "it is woken"];
    Model::new("idle::driver_is_left_while_worker_falls_asleep").reaches(cases).check(|| {
        let (driver, kernel) = Kernel::new();
        let shared = Arc::new((Idle::new(1), Parker::new()));
        let worker = thread::spawn({
            let (driver, shared) = (driver.clone(), shared.clone());
            move || {
                let (idle, parker) = &*shared;
                loop {
                    idle.sleep(0, false);
                    let turn = loop {
                        match (driver.try_claim(), driver.is_attended()) {
                            (None, false) => yield_now(), // it has just gone, or not come yet
                            (turn, _) => break turn,
                        }
                    };
                    if turn.is_none() {
                        parker.park(None);
                    }
                    assert!(!idle.awake(0, false), "nobody picks it");
                    match turn {
                        Some(_) => break reach("it waits there"),
                        None => reach("it is woken"),
                    }
                }
            }
        });
        let (idle, parker) = &*shared;
        drop(kernel.try_attend());
        if idle.find_sleeper(|_| true).is_some() {
            let _ = parker.unpark();
        }
        worker.join().unwrap();
    });
}

/// A thief looks while the owner is at its queue and another thief takes half of it: each task is taken once, and the
/// answer "nothing" means that there was nothing.
#[test]
fn search_that_finds_nothing_has_seen_every_queue_empty() {
    let model = Model::new("idle::search_that_finds_nothing_has_seen_every_queue_empty").bound(2);
    model.reaches(&["found", "somebody was faster"]).check(|| {
        let owner = Deque::new();
        let queue = Queue::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let task = || {
            let runs = runs.clone();
            let count = async move {
                runs.fetch_add(1, Ordering::Relaxed);
            };
            let (task, handle) = queue.make(count);
            drop(handle);
            task
        };
        // Two are there before anybody looks, and the other thief never takes all: one of two, or two of three.
        owner.push(task());
        owner.push(task());
        let last = task();
        let rival = thread::spawn({
            let thief = owner.thief();
            move || {
                let own = Deque::new();
                if let Steal::Success(task) = thief.steal_into(&own) {
                    task.run();
                }
                while let Some(task) = own.pop() {
                    task.run();
                }
            }
        });
        let looker =
            thread::spawn({
                let thief = owner.thief();
                move || {
                    let own = Deque::new();
                    // Loom's `try_lock` waits for a lock that another thread takes first, so that one is faster must be
                    // scripted: once, and then the queue itself answers.
                    for is_slower in [true, false] {
                        let found = search(1, 0, |_| {
                            if is_slower { Steal::Retry } else { thief.steal_into(&own) }
                        });
                        match found {
                            Steal::Success(task) => {
                                reach("found");
                                task.run();
                            }
                            Steal::Retry => reach("somebody was faster"),
                            Steal::Empty => panic!("there was a task all the time"),
                        }
                    }
                    while let Some(task) = own.pop() {
                        task.run();
                    }
                }
            });
        owner.push(last);
        rival.join().unwrap();
        looker.join().unwrap();
        while let Some(task) = owner.pop() {
            task.run();
        }
        assert_eq!(runs.load(Ordering::Relaxed), 3, "each task runs once");
    });
}
