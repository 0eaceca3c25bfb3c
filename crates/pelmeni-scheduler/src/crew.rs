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
//! C3. One thread that is coming, or runs a job of a short kind, is enough if all that wait are not [worth](crate::pace) a
//! wake, as far as it is known how long jobs of their kinds take, and if an idle thread is *on watch*: it naps, and if no
//! job was taken during a whole nap although there is one, it takes that job, and C2 holds again. So no job waits for
//! longer than two naps behind one that was expected to be short and blocks. Who was at work when a nap ended does not
//! count until he takes a job. Who is on watch is called when nobody else is idle, and nobody is on watch while there is
//! nothing to do.
//!
//! C4. A thread that has run a short job of a *lone caller*, who sends nothing else before that job is over, is *alert* for
//! as long as a wake takes if all others are idle or on watch: it counts as idle and is called first, but is awake, so that
//! the call costs no wake. It has [`Patience`]: whether it does so depends on whether that has paid before.
//!
//! Calling few at a time is what makes short jobs cheap: while one thread wakes up, those that are awake empty the queue,
//! and the thread that comes too late has cost one wake for many jobs. Each that comes calls the next, so that threads for
//! jobs that do block are still there about as soon as if the caller had woken them all. Where jobs are known to be short,
//! even the second one comes too late for most of them.
//!
//! Rejected: to hand the job itself to the idle thread. Nobody else can take it while that thread wakes up, so that each job
//! costs a wake (5.7 us for an empty one of 16 that each of 16 tasks sends, as with a queue and a wake for each; here 1.0).
//! Rejected: to be alert after every short job. Sixteen tasks that send empty jobs: 2.4 us for a job in place of 1.1, since
//! whoever is awake takes each job as it comes, and contends for the queue with those that send the next.
//! Rejected: one condition variable for all. It ends the longest wait first, so that every thread has its turn and none ever
//! ends; here the last one to be idle is the first to be called.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use pelmeni_core::park::{Parker, Unparked};
use pelmeni_core::primitive::{Arc, Condvar, Mutex, MutexGuard, seeded};

use crate::cost::pays;
use crate::pace::Paces;
use crate::patience::Patience;

/// One job in so many is timed, if its kind is a short one.
const SAMPLE_EVERY: usize = 16;

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
    jobs: VecDeque<Waiting<J>>,
    /// What all that wait may cost.
    load: u64,
    /// Threads that wait to be called, the one that has waited longest first.
    idle: Vec<Arc<Parker>>,
    /// Who is on watch, and not among the idle.
    watch: Option<Arc<Parker>>,
    /// Who is alert, and not among the idle.
    alert: Option<Arc<Parker>>,
    patience: Patience,
    /// The last job that was sent is a lone caller's, and nobody has been alert for its sake.
    is_lone: bool,
    /// Somebody would have been content with those at work, if there had been a watch.
    watch_wanted: bool,
    /// How many naps have ended.
    naps: usize,
    /// How many jobs were ever taken.
    taken: usize,
    /// The kind of the last one.
    last: usize,
    /// Threads that run a job of a short kind, which they have taken since the last nap ended.
    brisk: usize,
    paces: Paces,
    /// Threads that were called and have not come yet.
    coming: usize,
    threads: usize,
    /// Threads that take no more jobs and have not given back what they hold.
    leaving: usize,
    /// How many were ever called for, which gives them their numbers.
    started: usize,
    closed: bool,
}

/// A job in the queue.
#[derive(Debug)]
struct Waiting<J> {
    job: J,
    kind: usize,
    /// What it may cost.
    guess: u64,
}

/// Whom to call.
enum Call {
    Nobody,
    Idle(Arc<Parker>),
    /// A new thread, by its number.
    New(usize),
}

/// How a thread sleeps that has no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Awake, until it is called or as long as a wake takes.
    Alert,
    /// Until it is called, or has been idle for long enough.
    Idle,
    /// Until it is called, or for as long as jobs may wait behind one that was expected to be short.
    Nap,
}

/// Jobs that nobody will take, because there is no thread and the system has none.
#[derive(Debug)]
pub struct Stranded<J> {
    /// The jobs.
    pub jobs: VecDeque<J>,
    /// What the system said.
    pub error: io::Error,
}

impl<J> Crew<J> {
    /// A pool of at most `max` threads, of which `at_once` are called at a time.
    pub fn new(max: usize, at_once: usize) -> Crew<J> {
        let state = State {
            jobs: VecDeque::new(),
            load: 0,
            idle: Vec::new(),
            watch: None,
            alert: None,
            patience: Patience::default(),
            is_lone: false,
            watch_wanted: false,
            naps: 0,
            taken: 0,
            last: 0,
            brisk: 0,
            paces: Paces::default(),
            coming: 0,
            threads: 0,
            leaving: 0,
            started: 0,
            closed: false,
        };
        Crew { state: Mutex::new(state), ended: Condvar::new(), max, at_once }
    }

    /// The same one, after it has seen many jobs of this kind that took no time, and with a watch from the first thread that
    /// is idle.
    #[must_use]
    pub fn used_to_short_jobs(self, kind: usize) -> Crew<J> {
        let mut state = self.state.lock();
        (0..20).for_each(|_| state.paces.learn(kind, Duration::ZERO));
        state.watch_wanted = true;
        drop(state);
        self
    }

    /// How many threads there are, those included that are coming.
    pub fn threads(&self) -> usize {
        self.state.lock().threads
    }

    /// Queues a job of this kind, perhaps of a lone caller, and sees to it that a thread comes for it; drops it if the crew is
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
        is_lone: bool,
        start: impl Fn(usize) -> io::Result<()>,
    ) -> Result<bool, Stranded<J>> {
        let mut state = self.state.lock();
        if state.closed && !seeded(237) {
            drop(state);
            drop(job);
            return Ok(false);
        }
        state.is_lone = is_lone && state.jobs.is_empty();
        let is_quick = state.alert.is_some() && !pays(state.paces.guess(kind));
        state.put(kind, job);
        let whom = self.whom(&mut state);
        drop(state);
        self.call(whom, start).map(|()| is_quick)
    }

    /// Restores C2, as far as one call does. Who is called counts as coming, and must be called.
    fn whom(&self, state: &mut State<J>) -> Call {
        debug_assert!(state.idle.len() + state.coming <= state.threads, "C1");
        debug_assert!(state.threads <= self.max, "C1");
        if state.coming >= state.jobs.len().min(self.at_once) || state.is_watched() {
            return Call::Nobody;
        }
        let on_watch = || if seeded(229) { None } else { state.watch.take() };
        let alert = if seeded(264) { None } else { state.alert.take() };
        if let Some(parker) = alert.or_else(|| state.idle.pop()).or_else(on_watch) {
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
            let jobs = state.take_all();
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
            if state.watch.is_none() && std::mem::take(&mut state.watch_wanted) {
                state = self.watch(state, &parker, &sleep);
                if !seeded(228) {
                    continue;
                }
            }
            if state.expects_another() {
                state = self.be_alert(state, &parker, &sleep);
                continue;
            }
            // (3)
            state.idle.push(parker.clone());
            drop(state);
            sleep(&parker, Rest::Idle);
            state = self.state.lock();
            let place = state.idle.iter().rposition(|other| Arc::ptr_eq(other, &parker));
            match place {
                None if seeded(230) => break,
                None => state.coming -= 1,
                Some(place) => {
                    // (4) Not while jobs wait: the thread that comes for them may be one that cannot be started.
                    state.idle.remove(place);
                    if state.jobs.is_empty() || seeded(235) {
                        break;
                    }
                }
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
        while let Some(Waiting { job, kind, guess }) = state.take() {
            let (naps, is_short) = (state.naps, !pays(guess));
            state.brisk += usize::from(is_short);
            let is_timed = !is_short || state.taken.is_multiple_of(SAMPLE_EVERY);
            let whom = if seeded(231) { Call::Nobody } else { self.whom(&mut state) };
            drop(state);
            let called = self.call(whom, &start);
            debug_assert!(called.is_ok(), "no job is stranded, since we are a thread");
            let took = run(job, is_timed);
            state = self.state.lock();
            if is_short && state.naps == naps {
                state.brisk -= 1;
            }
            if let Some(took) = took {
                state.paces.learn(kind, took);
            }
        }
        state
    }

    /// Is on watch until it is called, or no job was taken for a nap: because there is none, or because one is needed.
    fn watch<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<J>>,
        parker: &Arc<Parker>,
        sleep: impl Fn(&Parker, Rest),
    ) -> MutexGuard<'a, State<J>> {
        state.watch = Some(parker.clone());
        loop {
            let taken = state.taken;
            drop(state);
            sleep(parker, Rest::Nap);
            state = self.state.lock();
            if state.watch.is_none() {
                state.coming -= 1;
                return state;
            }
            state.naps += 1;
            state.brisk = 0;
            if state.taken == taken && !state.jobs.is_empty() {
                let last = state.last;
                state.paces.learn(last, Duration::MAX); // it is what the others wait for, if anything is
            }
            if state.closed || state.taken == taken {
                state.watch = None;
                return state;
            }
        }
    }

    /// Is alert until it is called, or a moment has passed.
    fn be_alert<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<J>>,
        parker: &Arc<Parker>,
        sleep: impl Fn(&Parker, Rest),
    ) -> MutexGuard<'a, State<J>> {
        state.alert = Some(parker.clone());
        drop(state);
        sleep(parker, Rest::Alert);
        state = self.state.lock();
        let was_called = state.alert.take().is_none();
        if was_called && !seeded(266) {
            state.coming -= 1;
        }
        state.patience.learn(was_called);
        state
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
        let jobs = state.take_all();
        let mut idle = if seeded(236) { Vec::new() } else { state.idle.clone() };
        if !seeded(244) {
            idle.extend(state.watch.clone());
        }
        if !seeded(265) {
            idle.extend(state.alert.clone());
        }
        drop(state);
        idle.iter().for_each(|parker| wake(parker));
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
    fn put(&mut self, kind: usize, job: J) {
        let guess = self.paces.guess(kind);
        self.load = self.load.saturating_add(guess);
        self.jobs.push_back(Waiting { job, kind, guess });
    }

    fn take(&mut self) -> Option<Waiting<J>> {
        let first = self.jobs.pop_front()?;
        self.load = self.load.saturating_sub(first.guess);
        self.last = first.kind;
        self.taken += 1;
        Some(first)
    }

    fn take_all(&mut self) -> VecDeque<J> {
        self.load = 0;
        self.jobs.drain(..).map(|waiting| waiting.job).collect()
    }

    /// Says whether a thread has something to wait for while it is awake (C4).
    fn expects_another(&mut self) -> bool {
        std::mem::take(&mut self.is_lone)
            && self.idle.len() + usize::from(self.watch.is_some()) + 1 == self.threads
            && !pays(self.paces.guess(self.last))
            && self.patience.is_left()
    }

    /// Says whether anybody could be called.
    fn anyone_rests(&self) -> bool {
        !self.idle.is_empty() || self.watch.is_some() || self.alert.is_some()
    }

    /// Says whether C3 holds; if only the watch is missing, has the next thread that finds no job keep it.
    fn is_watched(&mut self) -> bool {
        if self.coming + self.brisk == 0 || pays(self.load) {
            return false;
        }
        self.watch_wanted = self.watch.is_none();
        !self.watch_wanted || seeded(245)
    }
}

fn wake(parker: &Parker) {
    let unparked = parker.unpark();
    debug_assert_eq!(unparked, Unparked::Done, "a thread of a pool sleeps on its parker only");
}

#[cfg(test)]
mod tests {
    use super::*;

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
