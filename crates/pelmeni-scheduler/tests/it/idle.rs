//! The idle protocol under real threads: whatever is published is found, though workers sleep and wake all the time.
//!
//! What the loom models show for two or three threads and a few steps, this shows for many and long. The workers here do
//! what the runtime's do, in the same order, with numbers in place of tasks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

use pelmeni_scheduler::model::Idle;

use crate::watchdog::watch;

/// A sleep token: one unpark is kept.
#[derive(Default)]
struct Token(Mutex<bool>, Condvar);

impl Token {
    fn park(&self) {
        let mut unparked = self.0.lock().unwrap();
        while !*unparked {
            unparked = self.1.wait(unparked).unwrap();
        }
        *unparked = false;
    }

    fn unpark(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_one();
    }
}

/// A queue that can be looked at without its lock, as the runtime's can.
#[derive(Default)]
struct Queue {
    items: Mutex<VecDeque<usize>>,
    len: AtomicUsize,
}

impl Queue {
    /// True: it was empty.
    fn push(&self, item: usize) -> bool {
        let mut items = self.items.lock().unwrap();
        items.push_back(item);
        self.len.store(items.len(), Ordering::Relaxed);
        items.len() == 1
    }

    fn pop(&self) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        let mut items = self.items.lock().unwrap();
        let item = items.pop_front();
        self.len.store(items.len(), Ordering::Relaxed);
        item
    }

    fn is_empty(&self) -> bool {
        self.len.load(Ordering::Relaxed) == 0
    }
}

struct Kitchen {
    idle: Idle,
    queues: Vec<Queue>,
    tokens: Vec<Token>,
    /// How often each item was taken.
    taken: Vec<AtomicUsize>,
    left: AtomicUsize,
    closed: AtomicBool,
}

impl Kitchen {
    fn new(workers: usize, items: usize) -> Kitchen {
        Kitchen {
            idle: Idle::new(workers),
            queues: (0..workers).map(|_| Queue::default()).collect(),
            tokens: (0..workers).map(|_| Token::default()).collect(),
            taken: (0..items).map(|_| AtomicUsize::new(0)).collect(),
            left: AtomicUsize::new(items),
            closed: AtomicBool::new(false),
        }
    }

    /// As the runtime does: only the first of a queue rings.
    fn publish(&self, queue: usize, item: usize) {
        if self.queues[queue].push(item) {
            self.notify(queue);
        }
    }

    fn notify(&self, prefer: usize) {
        if let Some(worker) = self.idle.pick(prefer) {
            self.tokens[worker].unpark();
        }
    }

    fn has_work(&self) -> bool {
        self.queues.iter().any(|queue| !queue.is_empty())
    }

    fn take(&self, item: usize) {
        self.taken[item].fetch_add(1, Ordering::Relaxed);
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.closed.store(true, Ordering::Release);
            self.tokens.iter().for_each(Token::unpark);
        }
    }

    fn work(&self, me: usize) {
        let workers = self.queues.len();
        let mut searching = false;
        while !self.closed.load(Ordering::Acquire) {
            let own = self.queues[me].pop();
            let found = own.or_else(|| {
                searching = searching || self.idle.start_search(workers);
                let others = (1..workers).map(|i| (me + i) % workers);
                if searching { others.filter_map(|i| self.queues[i].pop()).next() } else { None }
            });
            if let Some(item) = found {
                if std::mem::take(&mut searching) && self.idle.found() && self.has_work() {
                    self.notify(me);
                }
                self.take(item);
                continue;
            }
            self.idle.sleep(me, std::mem::take(&mut searching));
            let resumes = self.has_work();
            if resumes {
                thread::yield_now();
            } else {
                self.tokens[me].park();
            }
            searching = self.idle.awake(me, resumes);
        }
    }
}

// regress: tokio#525, tokio#1768, tokio#4383, Go#45867
#[test]
fn whatever_is_published_from_outside_is_found_once() {
    let _watched = watch("idle::whatever_is_published_from_outside_is_found_once");
    for (workers, publishers) in [(2, 1), (2, 2), (4, 2), (8, 3), (70, 2)] {
        const EACH: usize = 4000;
        let kitchen = Kitchen::new(workers, publishers * EACH);
        thread::scope(|scope| {
            for worker in 0..workers {
                let kitchen = &kitchen;
                scope.spawn(move || kitchen.work(worker));
            }
            for publisher in 0..publishers {
                let kitchen = &kitchen;
                scope.spawn(move || {
                    for i in 0..EACH {
                        kitchen.publish((i + publisher) % workers, publisher * EACH + i);
                        if i % 16 == 0 {
                            thread::yield_now(); // lets them fall asleep
                        }
                    }
                });
            }
        });
        assert!(kitchen.taken.iter().all(|taken| taken.load(Ordering::Relaxed) == 1));
        assert!(!kitchen.has_work());
    }
}

#[test]
fn one_item_at_a_time_wakes_somebody_each_time() {
    let _watched = watch("idle::one_item_at_a_time_wakes_somebody_each_time");
    const ITEMS: usize = 2000;
    let kitchen = Kitchen::new(3, ITEMS);
    thread::scope(|scope| {
        for worker in 0..3 {
            let kitchen = &kitchen;
            scope.spawn(move || kitchen.work(worker));
        }
        for item in 0..ITEMS {
            kitchen.publish(item % 3, item);
            while kitchen.left.load(Ordering::Acquire) == ITEMS - item {
                thread::yield_now();
            }
        }
    });
    assert!(kitchen.taken.iter().all(|taken| taken.load(Ordering::Relaxed) == 1));
}
