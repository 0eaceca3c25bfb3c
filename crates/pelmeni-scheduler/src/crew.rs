//! Which threads of a pool are idle, and which of them, or which new one, is called when there is a job: [`Crew`].
//!
//! ```text
//!          call (1): start           work (2)             no job is left (3)
//!   none ──────────────────> COMING ──────────> AT WORK ──────────────────────> IDLE
//!                              ^                   │ closed (3)                 │  │
//!                              │                   v        its time is over (4)│  │
//!                              │                LEAVING <───────────────────────┘  │
//!                              │                   │ end (5)                       │
//!                              │                   v                               │
//!                              │                 none         call (1): unpark     │
//!                              └───────────────────────────────────────────────────┘
//! ```
//! Jobs lie in one queue, and whoever is awake takes the first. A call is for a thread and not for a job: the thread that is
//! called finds a job in the queue, or finds that others have been faster, and is idle again.
//!
//! C1. Idle threads and those that are coming are threads, and there are at most `max` of these. A thread counts from when
//! it is called for, so that a thread that cannot be started has to be taken back.
//!
//! C2. While jobs wait, as many threads are coming as there are jobs, or `at_once`; unless nobody is left to call, because
//! none is idle and there are `max`, or because the system had no thread when it was last asked; or unless C3. Whatever
//! ends a thread's coming restores this: the thread itself calls the next before it runs its job. So no job waits behind
//! one that blocks.
//!
//! C3 and C4 in [`lookout`](crate::lookout): when those at work are enough, because one of the idle is *on watch*; and
//! which of the idle is awake.
//!
//! Calling few at a time is what makes short jobs cheap: while one thread wakes up, those that are awake empty the queue,
//! and the thread that comes too late has cost one wake for many jobs. Each that comes calls the next, so that threads for
//! jobs that do block are still there about as soon as if the caller had woken them all. Where jobs are known to be short,
//! even the second one comes too late for most of them.
//!
//! Rejected: to hand the job itself to the idle thread. Nobody else can take it while that thread wakes up, so that each job
//! costs a wake (5.7 us for an empty one of 16 that each of 16 tasks sends, as with a queue and a wake for each; here 1.0).
//! Rejected: one condition variable for all. It ends the longest wait first, so that every thread has its turn and none ever
//! ends; here the last one to be idle is the first to be called.

use std::io;
use std::time::Duration;

use pelmeni_core::park::Parker;
use pelmeni_core::primitive::{Arc, Condvar, Mutex, MutexGuard, seeded};

use crate::backlog::{Backlog, Stranded, Taken};
use crate::lookout::{Lookout, Rest};

/// The threads of a pool, and the jobs that none of them has taken.
#[derive(Debug)]
pub struct Crew<J> {
    state: Mutex<State<J>>,
    /// A thread has ended, or could not be started.
    ended: Condvar,
    max: usize,
    at_once: usize,
}

#[derive(Debug)]
struct State<J> {
    backlog: Backlog<J>,
    /// Threads that wait to be called, the one that has waited longest first.
    idle: Vec<Arc<Parker>>,
    lookout: Lookout,
    /// Threads that were called and have not come yet.
    coming: usize,
    threads: usize,
    /// Threads that take no more jobs and have not given back what they hold.
    leaving: usize,
    /// How many were ever called for, which gives them their numbers.
    started: usize,
    closed: bool,
}

/// Whom to call.
enum Call {
    Nobody,
    Idle(Arc<Parker>),
    /// A new thread, by its number.
    New(usize),
}

impl<J> Crew<J> {
    /// A pool of at most `max` threads, of which `at_once` are called at a time.
    pub fn new(max: usize, at_once: usize) -> Crew<J> {
        let state = State {
            backlog: Backlog::new(),
            idle: Vec::new(),
            lookout: Lookout::default(),
            coming: 0,
            threads: 0,
            leaving: 0,
            started: 0,
            closed: false,
        };
        Crew { state: Mutex::new(state), ended: Condvar::new(), max, at_once }
    }

    /// The same one, after it has seen many jobs of this kind that took no time.
    #[must_use]
    pub fn used_to_short_jobs(self, kind: usize) -> Crew<J> {
        (0..20).for_each(|_| self.state.lock().backlog.learn(kind, Duration::ZERO));
        self
    }

    /// How many threads there are, those included that are coming.
    pub fn threads(&self) -> usize {
        self.state.lock().threads
    }

    /// Queues a job of this kind, perhaps an awaited one, and sees to it that a thread comes for it; drops it if the crew is
    /// closed. True: it is short, as far as is known, and the thread is awake already.
    ///
    /// `start` starts a thread with this number, which then calls [`work`](Crew::work) and [`end`](Crew::end).
    ///
    /// # Errors
    /// The jobs that are stranded, perhaps others as well, if there is no thread and none can be started.
    pub fn submit(
        &self,
        kind: usize,
        job: J,
        is_awaited: bool,
        start: impl Fn(usize) -> io::Result<()>,
    ) -> Result<bool, Stranded<J>> {
        let mut state = self.state.lock();
        if state.closed && !seeded(237) {
            drop(state);
            drop(job);
            return Ok(false);
        }
        state.lookout.is_awaited |= is_awaited;
        let is_quick = !state.lookout.alert.is_empty() && state.backlog.is_short(kind);
        state.backlog.put(kind, job);
        let whom = self.whom(&mut state);
        drop(state);
        self.call(whom, start).map(|()| is_quick)
    }

    /// Restores C2, as far as one call does. Who is called counts as coming, and must be called.
    fn whom(&self, state: &mut State<J>) -> Call {
        debug_assert!(state.idle.len() + state.coming <= state.threads, "C1");
        debug_assert!(state.threads <= self.max, "C1");
        let State { backlog, idle, lookout, .. } = state;
        let most = backlog.len().min(self.at_once);
        if state.coming >= most || lookout.is_enough(state.coming, backlog) {
            return Call::Nobody;
        }
        let alert = if seeded(264) { None } else { lookout.alert.pop() };
        let on_watch = || if seeded(229) { None } else { lookout.watch.pop() };
        if let Some(parker) = alert.or_else(|| idle.pop()).or_else(on_watch) {
            state.coming += 1;
            return Call::Idle(parker);
        }
        if state.threads == self.max && !seeded(238) {
            return Call::Nobody;
        }
        state.coming += 1;
        state.threads += 1;
        state.started += 1;
        Call::New(state.started)
    }

    /// (1) Calls a thread, without the lock.
    fn call(
        &self,
        mut whom: Call,
        start: impl Fn(usize) -> io::Result<()>,
    ) -> Result<(), Stranded<J>> {
        loop {
            match whom {
                Call::Nobody => return Ok(()),
                Call::Idle(parker) => {
                    wake(&parker);
                    return Ok(());
                }
                Call::New(number) => match start(number) {
                    Ok(()) => return Ok(()),
                    Err(error) => whom = self.not_started(error)?,
                },
            }
        }
    }

    /// Takes back a thread that could not be started. Those that are idle by now were not called, because it was coming.
    fn not_started(&self, error: io::Error) -> Result<Call, Stranded<J>> {
        let mut state = self.state.lock();
        state.threads -= 1;
        state.coming -= 1;
        if state.threads == 0 && !seeded(233) {
            let jobs = state.backlog.take_all();
            drop(state);
            if !seeded(234) {
                self.ended.notify_all();
            }
            return Err(Stranded { jobs, error });
        }
        if !state.anyone_rests() || seeded(232) {
            return Ok(Call::Nobody); // those that are at work take the jobs when they are done
        }
        Ok(self.whom(&mut state))
    }

    /// (2) What a thread that was called does. It comes back when it is not needed any more, and must then give back what it
    /// holds and call [`end`](Crew::end).
    ///
    /// `run` is told whether to say how long the job took. `sleep` parks until there is a token, or for as long as it is
    /// told. It may end early: at worst the thread leaves early, and the next job starts another.
    pub fn work(
        &self,
        start: impl Fn(usize) -> io::Result<()>,
        run: impl Fn(J, bool) -> Option<Duration>,
        sleep: impl Fn(&Parker, Rest),
    ) {
        let parker = Arc::new(Parker::new());
        let mut state = self.state.lock();
        state.coming -= 1;
        loop {
            state = self.run_jobs(state, &start, &run);
            if state.closed {
                break;
            }
            let how = state.choose();
            let was_called;
            (state, was_called) = self.rest(state, how, &parker, &sleep);
            let leaves = match how {
                Rest::Idle if was_called => seeded(230),
                // (4) Not while jobs wait: the thread that comes for them may be one that cannot be started.
                Rest::Idle => state.backlog.is_empty() || seeded(235),
                Rest::Nap => seeded(228),
                Rest::Alert => false,
            };
            if leaves {
                break;
            }
        }
        // Under the same lock as the last look at the jobs: whoever submits one from now on does not count on us.
        state.threads -= 1;
        state.leaving += 1;
    }

    /// Runs jobs while there are any.
    fn run_jobs<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<J>>,
        start: impl Fn(usize) -> io::Result<()>,
        run: impl Fn(J, bool) -> Option<Duration>,
    ) -> MutexGuard<'a, State<J>> {
        while let Some(Taken { job, kind, is_short, is_timed }) = state.backlog.take() {
            let begun = state.lookout.begin(is_short);
            let whom = if seeded(231) { Call::Nobody } else { self.whom(&mut state) };
            drop(state);
            let called = self.call(whom, &start);
            debug_assert!(called.is_ok(), "no job is stranded, since we are a thread");
            let took = run(job, is_timed);
            state = self.state.lock();
            state.lookout.end(begun);
            if let Some(took) = took {
                state.backlog.learn(kind, took);
            }
        }
        state
    }

    /// (3) Rests until it is called, or its time is over; tells whether it was called.
    fn rest<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<J>>,
        how: Rest,
        parker: &Arc<Parker>,
        sleep: impl Fn(&Parker, Rest),
    ) -> (MutexGuard<'a, State<J>>, bool) {
        loop {
            let taken = state.backlog.taken();
            state.place(how).push(parker.clone());
            drop(state);
            sleep(parker, how);
            state = self.state.lock();
            let was_called = state.get_up(how, parker);
            let State { backlog, lookout, .. } = &mut *state;
            if !lookout.learn(how, was_called, taken, backlog) || state.closed {
                return (state, was_called);
            }
        }
    }

    /// (5) A thread has given back what it held.
    pub fn end(&self) {
        self.state.lock().leaving -= 1;
        self.ended.notify_all();
    }

    /// Drops the jobs that have not begun, and ends the idle threads: each finds that it was not called, and leaves.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let jobs = state.backlog.take_all();
        let mut resting = if seeded(236) { Vec::new() } else { state.idle.clone() };
        if !seeded(244) {
            resting.extend(state.lookout.watch.iter().cloned());
        }
        if !seeded(265) {
            resting.extend(state.lookout.alert.iter().cloned());
        }
        drop(state);
        resting.iter().for_each(|parker| wake(parker));
        drop(jobs);
    }

    /// Waits until all threads have ended, or no time is `left`; tells how many have not.
    pub fn await_all(&self, left: impl Fn() -> Duration) -> usize {
        let mut state = self.state.lock();
        loop {
            let (busy, left) = (state.threads + state.leaving, left());
            if busy == 0 || left.is_zero() {
                return busy;
            }
            state = self.ended.wait_timeout(state, left);
        }
    }
}

impl<J> State<J> {
    /// How to rest, for a thread that has found no job.
    fn choose(&mut self) -> Rest {
        let others = self.threads - 1 - self.idle.len() - self.lookout.watch.len();
        self.lookout.choose(others, &self.backlog)
    }

    /// Where a call finds those who rest like this.
    fn place(&mut self, how: Rest) -> &mut Vec<Arc<Parker>> {
        match how {
            Rest::Alert => &mut self.lookout.alert,
            Rest::Idle => &mut self.idle,
            Rest::Nap => &mut self.lookout.watch,
        }
    }

    /// Leaves its place; says whether it was called, and so has come.
    fn get_up(&mut self, how: Rest, parker: &Arc<Parker>) -> bool {
        let is_mine = |other: &Arc<Parker>| Arc::ptr_eq(other, parker) || seeded(220);
        let place = self.place(how);
        if let Some(mine) = place.iter().rposition(is_mine) {
            place.remove(mine);
            return false;
        }
        self.coming -= usize::from(!seeded(266));
        true
    }

    /// Says whether anybody could be called.
    fn anyone_rests(&self) -> bool {
        let Lookout { watch, alert, .. } = &self.lookout;
        [&self.idle, watch, alert].iter().any(|place| !place.is_empty())
    }
}

fn wake(parker: &Parker) {
    let unparked = parker.unpark();
    debug_assert!(!unparked.is_elsewhere(), "a thread of a pool sleeps on its parker only");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_awaited_job_among_others_has_a_thread_stay_alert_once() {
        let crew = Crew::new(1, 1).used_to_short_jobs(0);
        for is_awaited in [false, true, false] {
            crew.submit(0, (), is_awaited, |_| Ok(())).unwrap();
        }
        let mut state = crew.state.lock();
        while state.backlog.take().is_some() {}
        assert_eq!(state.choose(), Rest::Alert);
        assert_eq!(state.choose(), Rest::Idle);
    }

    #[test]
    fn last_to_be_idle_is_called_first() {
        let crew = Crew::new(3, 3);
        let parkers: [_; 3] = std::array::from_fn(|_| Arc::new(Parker::new()));
        let mut state = crew.state.lock();
        state.threads = 3;
        state.idle.extend(parkers.iter().cloned());
        drop(state);
        for called in (0..3).rev() {
            crew.submit(0, (), false, |_| unreachable!("there are idle threads")).unwrap();
            let awake = parkers.iter().position(|parker| !parker.leave_for(0));
            assert_eq!(awake, Some(called));
            parkers.iter().for_each(|parker| parker.come_back());
        }
    }
}
