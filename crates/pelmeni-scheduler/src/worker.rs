//! A thread at work: what it looks for, in which order, and what it does when there is nothing.
//!
//! ```text
//!   next slot -> deque and own tasks (pinned), in turn -> inbox -> steal: deque, inbox, next slot of who is stuck -> sleep
//! ```
//! On one thread there is one queue, strictly first in, first out, and nothing to steal.
//!
//! The *next* slot holds the task that was woken last: it finds its data in the cache, and a message and its answer need
//! no other worker. A push to it wakes nobody; what it displaces goes into the deque, and wakes somebody if that
//! [pays](crate::cost). A run of tasks through the slot is bounded, so that two who talk do not starve the rest. If this
//! thread gets stuck in a poll, the [`monitor`](crate::monitor) has others take what is here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr;
use std::task::Waker;

use pelmeni_core::primitive::seeded;
use pelmeni_core::{Cause, Here, Runnable, thread_state};

use crate::cost::{Costs, pays, pays_for_events};
use crate::drive::{self, Deadline, Punctual};
use crate::errand::Errands;
use crate::lease::Lease;
use crate::misuse;
use crate::patience::Patience;
use crate::queue::Deque;
use crate::scheduler::Scheduler;
use crate::seat::Seat;
use crate::watch::While;

/// How many tasks in a row may come out of the next slot.
const CHAIN_MAX: u32 = 64;
/// How many tasks of the deque may come before the next of those that must run here.
const OTHERS_MAX: usize = 16;

/// A thread in a seat. It exists on that thread's stack only.
#[derive(Debug)]
pub(crate) struct Worker<'s> {
    pub(crate) scheduler: &'s Scheduler,
    pub(crate) lease: &'s Lease,
    pub(crate) seat: &'s Seat,
    /// Where its tasks and timers belong: its own seat, or that of whom it stands in for.
    pub(crate) home: &'s Seat,
    pub(crate) deque: Deque,
    /// On one thread: that this is the one.
    here: Option<Here<'s>>,
    /// Tasks that must run here; on one thread, all tasks.
    pub(crate) own: RefCell<VecDeque<Runnable>>,
    /// Leases that this thread has taken minus those it gave back.
    pub(crate) leases: Cell<i64>,
    costs: Costs,
    /// Wakes come from the driver or the wheel, many at once: one decision to notify follows.
    dispatching: Cell<bool>,
    /// What there is to gain from that.
    gain: Cell<u64>,
    pub(crate) searching: Cell<bool>,
    pub(crate) tick: Cell<u32>,
    /// How many polls since the last look have left their task ready.
    pub(crate) again: Cell<u32>,
    /// At the last look it would have paid to wake somebody.
    pub(crate) paid: Cell<bool>,
    /// At which tick to look around, and after how many more to do so again.
    pub(crate) look_at: Cell<u32>,
    pub(crate) look_every: Cell<u32>,
    /// When this worker last read the clock to look at its timers.
    pub(crate) looked: Cell<Deadline>,
    /// At which of these looks timers and events last had their turn.
    pub(crate) went_round: Cell<Deadline>,
    chain: Cell<u32>,
    /// How many tasks of the deque come before the next of those that must run here.
    others_first: Cell<usize>,
    pub(crate) random: Cell<u32>,
    pub(crate) wakers: RefCell<Vec<Waker>>,
    /// When to return from a sleep at the latest.
    pub(crate) limit: Cell<Deadline>,
    pub(crate) errands: Errands,
    /// Whether to stay awake for events.
    pub(crate) patience: Cell<Patience>,
}

thread_state! {
    static CURRENT: Cell<*const ()> = Cell::new(ptr::null())
}

/// Calls a function with this thread's worker, if it is one.
#[inline]
#[expect(unsafe_code, reason = "the thread-local keeps the worker's address")]
pub(crate) fn with_current<R>(f: impl FnOnce(Option<&Worker<'_>>) -> R) -> R {
    let worker: *const Worker<'_> = CURRENT.with(|current| current.get().cast());
    // SAFETY: `occupy` puts an address there for as long as the worker lives in its frame, on this very thread; the
    // lifetimes that it had are those of `occupy`'s arguments, which outlive that frame.
    f(unsafe { worker.as_ref() })
}

/// Takes a seat, works as `f` says, and leaves the seat.
#[expect(unsafe_code, reason = "one thread at a time is the owner")]
pub(crate) fn occupy<R>(lease: &Lease, seat: usize, f: impl FnOnce(&Worker<'_>) -> R) -> R {
    let seat = &lease.seats[seat];
    let deque = seat.owner.lock().take().expect("a seat is taken by one thread at a time");
    let worker = Worker {
        scheduler: lease,
        lease,
        seat,
        home: lease.home_of(seat.index),
        deque,
        // SAFETY: `leave` ends it before it gives the seat up, by way of a lock, and has put into the inbox by then what is in
        // the queues, to which only this thread has access. A task that is not complete keeps the scheduler, as a message does.
        here: lease.owner.as_ref().map(|owner| unsafe { owner.enter() }),
        own: RefCell::default(),
        leases: Cell::new(0),
        costs: Costs::default(),
        dispatching: Cell::new(false),
        gain: Cell::new(0),
        searching: Cell::new(false),
        tick: Cell::new(0),
        again: Cell::new(0),
        paid: Cell::new(false),
        look_at: Cell::new(1),
        look_every: Cell::new(1),
        looked: Cell::new(drive::now()),
        went_round: Cell::new(Deadline::ZERO),
        chain: Cell::new(0),
        others_first: Cell::new(0),
        random: Cell::new(seat.index as u32 * 2 + 1),
        wakers: RefCell::default(),
        limit: Cell::new(Deadline::NEVER),
        errands: Errands::default(),
        patience: Cell::default(),
    };
    lease.enter();
    seat.presence.enter();
    seat.presence.introduce(drive::this_thread());
    lease.watch.rouse(While::Idle);
    CURRENT.with(|current| current.set(ptr::from_ref(&worker).cast()));
    // A panic here is a bug of the runtime; tasks that must not leave this thread would be stranded.
    let punctual = Punctual::begin();
    let abort = AbortOnUnwind;
    let result = f(&worker);
    worker.drop_left();
    std::mem::forget(abort);
    drop(punctual);
    worker.leave();
    result
}

struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        misuse::say(format_args!("a worker panicked outside any task: aborting"));
        std::process::abort();
    }
}

impl Worker<'_> {
    /// Works until `done` says so; it is asked between any two polls. This loop is the scheduler.
    pub(crate) fn run_until(&self, done: impl Fn() -> bool) {
        while !done() {
            match self.find_task() {
                Some(task) => self.run(task),
                None => self.idle(),
            }
        }
        self.stop_searching(true);
    }

    /// As [`run_until`](Worker::run_until), and no longer than until the limit.
    pub(crate) fn run_until_or(&self, limit: Deadline, done: impl Fn() -> bool) {
        self.limit.set(limit);
        self.run_until(|| done() || limit.has_passed(drive::now()));
        self.limit.set(Deadline::NEVER);
    }

    #[inline]
    pub(crate) fn run(&self, task: Runnable) {
        if self.searching.get() {
            self.stop_searching(self.gain_of(&task) > 0);
        }
        self.seat.counters.polls.add(1);
        self.seat.presence.poll(task.address());
        if !self.scheduler.is_single() && self.costs.wants_to_know(self.tick.get()) {
            return self.run_timed(task);
        }
        task.run();
    }

    #[cold]
    fn run_timed(&self, task: Runnable) {
        let kind = task.kind();
        let start = drive::now();
        task.run();
        let took = drive::now().until(start).unwrap_or_default();
        self.costs.learn(kind, took, || self.scheduler.company());
    }

    /// Takes a task that became ready on this thread.
    #[inline]
    pub(crate) fn push(&self, task: Runnable, cause: Cause) {
        if self.scheduler.is_single() || task.is_local() {
            self.own.borrow_mut().push_back(task);
        } else if self.dispatching.get() {
            self.push_together(task);
        } else if cause == Cause::Again {
            self.again.set(self.again.get() + 1);
            self.deque.push(task);
        } else if let Some(displaced) = self.seat.next.put(task) {
            self.push_surplus(displaced);
        }
    }

    /// Queues one of many tasks; [`share`](Worker::share) follows.
    pub(crate) fn push_together(&self, task: Runnable) {
        self.gain.set(self.gain.get().saturating_add(self.gain_of(&task)));
        self.deque.push(task);
    }

    /// Queues a task that this worker does not run at once, and wakes somebody for it if that pays.
    fn push_surplus(&self, task: Runnable) {
        let gain = self.gain_of(&task);
        self.deque.push(task);
        if gain > 0 && pays(gain.saturating_mul(self.deque.len() as u64)) {
            self.scheduler.notify(self.seat.index);
        }
    }

    /// In nanoseconds: what there is to gain if another worker polls this task.
    fn gain_of(&self, task: &Runnable) -> u64 {
        self.costs.gain(task.kind(), || self.scheduler.is_full())
    }

    /// The next task of this worker's own.
    #[inline]
    fn find_task(&self) -> Option<Runnable> {
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        if tick == self.look_at.get() {
            self.look_around();
        }
        if self.scheduler.is_single() {
            let is_delivered = !self.seat.inbox.is_empty() || !self.seat.pinned.is_empty();
            return if is_delivered { self.take_delivered() } else { self.pop_own() };
        }
        self.find_among_many()
    }

    /// As `find_task`, on one of many threads.
    fn find_among_many(&self) -> Option<Runnable> {
        if self.chain.get() < CHAIN_MAX
            && let Some(task) = self.seat.next.take()
        {
            self.chain.set(self.chain.get() + 1);
            return Some(task);
        }
        self.chain.set(0);
        self.pop_own_in_turn()
            .or_else(|| self.deque.pop())
            .or_else(|| self.pop_own())
            .or_else(|| self.seat.next.take())
            .or_else(|| self.take_delivered())
    }

    /// Neither pinned nor free tasks may starve the others, and each should wait about as long as in one queue for all. The
    /// task that waits for many others is often a root; if it came after each of them, it would be polled as often.
    #[inline]
    fn pop_own_in_turn(&self) -> Option<Runnable> {
        if let Some(left) = self.others_first.get().checked_sub(1) {
            self.others_first.set(left);
            return None;
        }
        let mut own = self.own.borrow_mut();
        let task = own.pop_front()?;
        let others = if seeded(270) { 1 } else { self.deque.len() / (own.len() + 1) };
        let least = if seeded(258) { 0 } else { 1 };
        self.others_first.set(others.clamp(least, OTHERS_MAX));
        Some(task)
    }

    /// The first of the tasks that must run here.
    pub(crate) fn pop_own(&self) -> Option<Runnable> {
        self.own.borrow_mut().pop_front()
    }

    /// Empties the inbox into the queues.
    pub(crate) fn take_delivered(&self) -> Option<Runnable> {
        self.own.borrow_mut().extend(self.seat.pinned.take_all());
        if self.scheduler.is_single() {
            self.receive(&self.seat.inbox, |task| self.own.borrow_mut().push_back(task));
            return self.pop_own();
        }
        let mut first = None;
        self.receive(&self.home.inbox, |task| match first {
            None => first = Some(task),
            Some(_) => self.push_surplus(task),
        });
        first.or_else(|| self.pop_own())
    }

    /// Lets many wakes come at once, and decides after them whether somebody else is needed.
    pub(crate) fn dispatch(&self, wakes: impl FnOnce()) {
        self.collect(wakes);
        self.share(pays_for_events);
    }

    pub(crate) fn collect(&self, wakes: impl FnOnce()) {
        self.dispatching.set(true);
        wakes();
        self.dispatching.set(false);
    }

    /// Wakes somebody for the tasks that came with the one that this worker will run, if what there is to gain `pays`.
    pub(crate) fn share(&self, pays: impl FnOnce(u64) -> bool) {
        if pays(self.gain.take()) && self.deque.len() > 1 {
            self.scheduler.notify(self.seat.index);
        }
    }

    /// Ends the tasks that cannot leave this thread: asks them, and drops those that are still there after the grace.
    pub(crate) fn end_locals(&self) {
        let locals = &self.seat.locals;
        if locals.len() == 0 {
            return;
        }
        locals.close();
        locals.for_each(|task, _| {
            task.cancel();
        });
        let limit = Deadline::after(self.scheduler.grace);
        self.run_until_or(limit, || locals.len() == 0);
        locals.for_each(|task, _| task.abort());
        self.run_until(|| locals.len() == 0);
        if !self.scheduler.is_closing() {
            locals.reopen();
        }
    }

    /// Says whether nothing here needs this thread.
    pub(crate) fn has_no_tasks(&self) -> bool {
        self.own.borrow().is_empty()
            && self.seat.next.is_empty()
            && self.seat.thief.is_empty()
            && self.seat.pinned.is_empty()
            && self.seat.locals.len() == 0
    }

    /// Drops what is left after the runtime's end, when nobody comes for it: tasks that were stuck then, and those behind them.
    ///
    /// On one thread what others send from now on is dropped, too: messages would keep their tasks, and those the runtime.
    fn drop_left(&self) {
        if !self.scheduler.is_stopping() {
            return;
        }
        if self.here.is_some() && !seeded(286) {
            self.own.borrow_mut().extend(self.seat.inbox.close());
            self.own.borrow_mut().extend(self.seat.pinned.close());
            // No task waits for a message that is still on its way.
            self.seat.tasks.for_each(|task, _| {
                if !seeded(292) {
                    task.abort();
                }
            });
        }
        std::iter::from_fn(|| self.find_task()).for_each(drop);
    }

    /// Leaves the seat to whoever comes next, and what is in it to the others.
    fn leave(self) {
        CURRENT.with(|current| current.set(ptr::null()));
        // What is left goes home, to whoever sits there now or comes next. In the deque of an empty seat it would wait until
        // somebody has nothing else to do.
        self.own.borrow_mut().extend(self.home.inbox.take_all());
        let next = if seeded(213) { None } else { self.seat.next.take() };
        let own = self.own.take().into_iter().chain(next);
        for task in own.chain(std::iter::from_fn(|| self.deque.pop())) {
            self.home.inbox.push(task);
        }
        let Worker { scheduler, lease, seat, home, deque, leases, here, .. } = self;
        drop(here);
        *seat.owner.lock() = Some(deque);
        seat.presence.leave();
        lease.leave(leases.get());
        if !scheduler.is_single() {
            if home.has_work() && !seeded(209) {
                scheduler.notify(home.index);
            }
            // It may sleep for as long as its own timers said, while nobody waits for the kernel or minds ours any more.
            if !seeded(210) {
                scheduler.unpark_minders(home.index);
            }
            if !seeded(243) {
                scheduler.hand_on_drivers();
            }
        }
    }
}
