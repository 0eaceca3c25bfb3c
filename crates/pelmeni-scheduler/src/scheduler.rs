//! What all workers of a runtime share.
//!
//! ```text
//!   seat 0: whoever calls run      seats 1 .. n-1: threads      seat n: a thread that works while nobody is in seat 0
//!   seats n+1 .. 2n+1: spares for seats 0 .. n
//! ```
//! With one thread there is only seat 0. The *home* of a seat is where its tasks and timers belong: itself; for the thread that
//! stands in for callers, theirs; for a spare, that of the seat which is stuck. Nothing here is written
//! when a worker spawns, wakes or polls a task.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use pelmeni_core::park::Unparked;
use pelmeni_core::primitive::atomic::{AtomicBool, Ordering};
use pelmeni_core::primitive::seeded;
use pelmeni_core::{Owner, TaskInfo};

use crate::callers::Callers;
use crate::cores::cores;
use crate::counters::Stats;
use crate::drive::{self, Drive, Registration};
use crate::idle::Idle;
use crate::lease::{Lease, Leases};
use crate::newcomers::Newcomers;
use crate::pool::Pool;
use crate::presence::InUse;
use crate::room::Room;
use crate::seat::Seat;
use crate::slow::Listener;
use crate::thread::Threads;
use crate::visitors::Visitors;
use crate::watch::Watch;
use crate::worker;

/// The shared part of a runtime.
#[derive(Debug)]
pub(crate) struct Scheduler {
    /// Threads from outside write these two with each task; what follows is read by all.
    pub(crate) leases: CachePadded<Leases>,
    pub(crate) newcomers: CachePadded<Newcomers>,
    pub(crate) threads: usize,
    /// On one thread: whose all tasks are.
    pub(crate) owner: Option<Owner>,
    pub(crate) seats: Box<[Seat]>,
    in_use: InUse,
    pub(crate) idle: Idle,
    /// How many workers have a core.
    pub(crate) room: Room,
    pub(crate) watch: Watch,
    pub(crate) drive: Drive,
    pub(crate) callers: Callers,
    pub(crate) visitors: Visitors,
    pub(crate) pool: Arc<Pool>,
    pub(crate) running: Arc<Threads>,
    /// What the names of its threads begin with, and their stack in bytes.
    pub(crate) name: String,
    pub(crate) stack: Option<usize>,
    /// How long tasks may clean up after they were asked to end.
    pub(crate) grace: Duration,
    /// Who hears of slow polls.
    pub(crate) slow: Option<Listener>,
    /// No task may be spawned any more.
    closing: AtomicBool,
    /// Workers return from their loops.
    stopping: AtomicBool,
}

impl Scheduler {
    /// What so many workers share.
    pub(crate) fn make(
        threads: usize,
        name: String,
        stack: Option<usize>,
        grace: Duration,
        pool: Pool,
        slow: Option<Listener>,
        drive: Drive,
    ) -> Lease {
        let (seats, in_use) = if threads == 1 { (1, 1) } else { (2 * (threads + 1), threads + 1) };
        Lease::new(Scheduler {
            leases: CachePadded::new(Leases::one()),
            newcomers: CachePadded::default(),
            threads,
            owner: if threads == 1 { Owner::new() } else { None },
            seats: (0..seats).map(Seat::new).collect(),
            in_use: InUse::new(in_use),
            idle: Idle::new(seats),
            room: Room::default(),
            watch: Watch::default(),
            drive,
            callers: Callers::default(),
            visitors: Visitors::default(),
            pool: Arc::new(pool),
            running: Arc::default(),
            name,
            stack,
            grace,
            slow,
            closing: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        })
    }

    /// All tasks run on the thread that calls `run`.
    #[inline]
    pub(crate) fn is_single(&self) -> bool {
        self.threads == 1
    }

    /// Says whether a monitor looks at the workers. On one thread, only if somebody wants to hear of slow polls.
    #[inline]
    pub(crate) fn is_monitored(&self) -> bool {
        !self.is_single() || self.slow.is_some()
    }

    /// Wakes a worker for work that was just published, unless somebody is looking for work already.
    pub(crate) fn notify(&self, prefer: usize) {
        if let Some(worker) = self.idle.pick(prefer) {
            self.unpark(worker);
        }
    }

    pub(crate) fn start_search(&self) -> bool {
        self.idle.start_search(self.threads)
    }

    /// Says whether any seat holds a task that anybody may take.
    pub(crate) fn has_work(&self) -> bool {
        self.seats_in_use().iter().any(Seat::has_work)
    }

    /// As [`has_work`](Scheduler::has_work), but what lies in the deque of a worker that is not stuck is left to it.
    pub(crate) fn has_work_left(&self) -> bool {
        let is_left = |seat: &Seat| !seat.inbox.is_empty() || (seat.is_stuck() && seat.has_work());
        self.seats_in_use().iter().any(is_left)
    }

    /// Ends the sleep of whoever sits there, or its next one.
    pub(crate) fn unpark(&self, seat: usize) {
        self.end_sleep(seat);
    }

    /// As [`unpark`](Scheduler::unpark). True: it slept, without waiting for the kernel, and nobody else has woken it.
    fn end_sleep(&self, seat: usize) -> bool {
        let unparked = self.seats[seat].parker.unpark();
        if let Unparked::Elsewhere(place) = unparked {
            self.drive.interrupt(place);
        }
        unparked == Unparked::Rung
    }

    /// Somebody who sleeps without waiting for the kernel, so that no driver is left alone when it wakes up.
    pub(crate) fn rested(&self) -> Option<usize> {
        self.idle.find_sleeper(|seat| self.is_rested(seat))
    }

    fn is_rested(&self, seat: usize) -> bool {
        !self.seats[seat].parker.is_elsewhere()
    }

    /// Somebody leaves who may have been the last to come for some driver's events.
    pub(crate) fn hand_on_drivers(&self) {
        if !self.drive.is_one() && !self.drive.is_attended() {
            // It must be one worker more that is awake. Who still counts as asleep may have been woken by another who left.
            self.idle
                .find_sleeper(|seat| self.is_rested(seat) && (self.end_sleep(seat) || seeded(254)));
        }
    }

    /// How many workers are awake, and have a core to be so. The answer may be old.
    pub(crate) fn company(&self) -> usize {
        self.idle.count_awake(self.threads).clamp(1, cores())
    }

    /// As [`unpark`](Scheduler::unpark), for whoever minds the timers of a seat: its thread, or those that stand in for it.
    pub(crate) fn unpark_minders(&self, seat: usize) {
        let minds = |other: &&Seat| self.home_of(other.index).index == seat;
        self.seats_in_use().iter().filter(minds).for_each(|other| self.unpark(other.index));
    }

    /// The seats that a thread may sit in or have sat in.
    pub(crate) fn seats_in_use(&self) -> &[Seat] {
        &self.seats[..self.in_use.get()]
    }

    /// A thread is about to come to a seat that was not in use.
    pub(crate) fn use_seat(&self, seat: usize) {
        self.in_use.include(seat);
    }

    /// For which seat a thread in this one stands in, if it does.
    pub(crate) fn principal_of(&self, seat: usize) -> Option<&Seat> {
        match seat.checked_sub(self.threads)? {
            0 if self.is_single() => None,
            0 => Some(&self.seats[0]),
            after => Some(&self.seats[after - 1]),
        }
    }

    /// Where the tasks and timers of a seat belong.
    pub(crate) fn home_of(&self, seat: usize) -> &Seat {
        match self.principal_of(seat) {
            Some(principal) => self.home_of(principal.index),
            None => &self.seats[seat],
        }
    }

    /// The spare seat of a seat, if it is none itself.
    pub(crate) fn spare_of(&self, seat: usize) -> Option<&Seat> {
        if seat > self.threads { None } else { self.seats.get(self.threads + 1 + seat) }
    }

    /// Says whether any worker is awake.
    pub(crate) fn anyone_at_work(&self) -> bool {
        self.seats_in_use().iter().any(|seat| seat.presence.is_at_work())
    }

    /// Says whether the thread that sits there is stuck in a poll.
    pub(crate) fn is_stuck(&self, seat: usize) -> bool {
        self.seats[seat].presence.is_at_work() && self.seats[seat].is_stuck()
    }

    /// Tasks that have not ended.
    pub(crate) fn tasks(&self) -> usize {
        // In this order: a task goes from there to a registry.
        let newcomers = if seeded(239) { 0 } else { self.newcomers.count() };
        self.seats.iter().fold(newcomers, |sum, seat| sum + seat.tasks.len() + seat.locals.len())
    }

    /// What is known of the task at this address, if it has not ended. It takes long.
    pub(crate) fn find_task(&self, address: usize) -> Option<TaskInfo> {
        let registries = self.seats.iter().flat_map(|seat| [&seat.tasks, &seat.locals]);
        registries.filter(|registry| registry.len() > 0).find_map(|registry| registry.find(address))
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            workers: self.seats_in_use().iter().map(|seat| seat.counters.snapshot()).collect(),
            tasks: self.tasks(),
            blocking_threads: self.pool.threads(),
        }
    }

    /// Lets no more tasks in.
    pub(crate) fn close_registries(&self) {
        self.closing.store(true, Ordering::Release);
        self.newcomers.close();
        self.seats.iter().for_each(|seat| {
            seat.tasks.close();
            seat.locals.close();
        });
    }

    /// Says whether tasks are still let in.
    pub(crate) fn is_closing(&self) -> bool {
        // Acquire: pairs with the Release in close_registries.
        self.closing.load(Ordering::Acquire)
    }

    /// The last task of a closed registry has ended; whoever closes the runtime may wait for it.
    pub(crate) fn last_task_gone(&self) {
        // A seat's locals are closed for themselves, too.
        if self.is_closing() && !seeded(263) {
            self.unpark(0);
            self.callers.look_again();
        }
    }

    /// Has all workers return from their loops.
    pub(crate) fn stop(&self) {
        // Release: pairs with the Acquire in is_stopping.
        self.stopping.store(true, Ordering::Release);
        (0..self.seats.len()).for_each(|seat| self.unpark(seat));
        self.watch.wake();
        self.callers.look_again();
        self.visitors.wake_all();
    }

    #[inline]
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// After the last worker: nothing fires or becomes readable any more.
    pub(crate) fn close_drive(&self) {
        self.seats.iter().for_each(drive::stop_timers);
        self.drive.close();
    }

    /// A place for a descriptor, with the driver of the group of this thread, or of that to which its tasks go.
    pub(crate) fn registration(&self) -> Registration {
        if self.drive.is_one() {
            return self.drive.registration(0);
        }
        let home = worker::with_current(|worker| {
            let worker = worker.filter(|worker| std::ptr::eq(worker.scheduler, self))?;
            Some(worker.home.index)
        });
        self.drive.registration(home.unwrap_or_else(|| self.seat_for_outsider()))
    }
}
