//! The blocking pool: which thread is called for a job, which of them end, and what becomes of jobs without a thread.
//!
//! Loom has no clock: a thread that is idle sleeps until it is called, or until something happens, or not at all. That
//! there are no more threads than there may be is asserted by the code itself.

use std::sync::Arc;

use loom::thread;
use pelmeni_loom_tests::{Model, reach};
use pelmeni_scheduler::model::Crew;

use crate::ship::{
    End, Event, Job, KIND, OTHER, Receipt, Ship, Sleep, always, call, never, submit, submit_as,
};

/// The only thread there may be is about to end when the second job comes: that one is run all the same.
#[test]
fn idle_thread_ends_as_a_job_comes() {
    let cases = &["one thread for both", "a thread for each"];
    Model::new("crew::idle_thread_ends_as_a_job_comes").reaches(cases).check(|| {
        let ship = Ship::new(Crew::new(1, 2), always, Sleep::NotAtAll);
        let (first, one) = Job::new();
        let (second, other) = Job::new();
        submit(&ship, first);
        submit(&ship, second);
        ship.await_all();
        assert_eq!((one.end(), other.end()), (Some(End::Ran), Some(End::Ran)));
        reach(cases[ship.started() - 1]);
    });
}

/// A thread that takes a job calls the next one before it runs that, for the job may block; also if others that were
/// called have found nothing left.
#[test]
fn jobs_block_on_those_behind_them() {
    Model::new("crew::jobs_block_on_those_behind_them").bound(2).check(|| {
        let ship = Ship::new(Crew::new(3, 1), always, Sleep::NotAtAll);
        let jobs: [_; 3] = std::array::from_fn(|_| Job::new());
        let [(mut first, one), (mut second, two), (third, three)] = jobs;
        first.blocks_on = Some(two.clone());
        second.blocks_on = Some(three.clone());
        [first, second, third].into_iter().for_each(|job| submit(&ship, job));
        ship.await_all();
        assert_eq!([one.end(), two.end(), three.end()], [Some(End::Ran); 3]);
    });
}

/// A thread that is idle is called, whether it lies down yet or sleeps, and ends when the crew is closed.
#[test]
fn closed_while_a_job_comes() {
    let cases = &["the job ran", "the job was dropped"];
    Model::new("crew::closed_while_a_job_comes").reaches(cases).check(|| {
        let ship = Ship::new(Crew::new(1, 2), always, Sleep::UntilCalled);
        let (job, receipt) = Job::new();
        let other = thread::spawn({
            let ship = ship.clone();
            move || submit(&ship, job)
        });
        ship.crew.close();
        let (late, too_late) = Job::new();
        submit(&ship, late);
        ship.await_all();
        assert_eq!(too_late.end(), Some(End::Dropped));
        other.join().unwrap();
        match receipt.end() {
            Some(End::Ran) => reach(cases[0]),
            end => {
                assert_eq!(end, Some(End::Dropped));
                reach(cases[1]);
            }
        }
    });
}

/// Two jobs, and the system has no threads.
#[test]
fn no_thread_can_be_started() {
    Model::new("crew::no_thread_can_be_started").check(|| {
        let ship = Ship::new(Crew::new(2, 2), never, Sleep::UntilCalled);
        let (first, one) = Job::new();
        let (second, other) = Job::new();
        let submits = thread::spawn({
            let ship = ship.clone();
            move || submit(&ship, first)
        });
        submit(&ship, second);
        assert_eq!((one.wait(), other.wait()), (End::Refused, End::Refused));
        submits.join().unwrap();
    });
}

/// Whoever waits for the end of all threads hears of one that cannot be started.
#[test]
fn closed_while_no_thread_can_be_started() {
    let cases = &["the job was refused", "the job was dropped"];
    Model::new("crew::closed_while_no_thread_can_be_started").reaches(cases).check(|| {
        let ship = Ship::new(Crew::new(1, 2), never, Sleep::UntilCalled);
        let (job, receipt) = Job::new();
        let other = thread::spawn({
            let ship = ship.clone();
            move || submit(&ship, job)
        });
        ship.crew.close();
        ship.await_all();
        match receipt.wait() {
            End::Refused => reach(cases[0]),
            end => {
                assert_eq!(end, End::Dropped);
                reach(cases[1]);
            }
        }
        other.join().unwrap();
    });
}

/// The system has no thread at first: the jobs that were there by then are refused, others are run.
#[test]
fn first_thread_cannot_be_started() {
    let cases = &["both were refused", "one ran"];
    Model::new("crew::first_thread_cannot_be_started").reaches(cases).check(|| {
        let ship = Ship::new(Crew::new(1, 2), |number| number > 1, Sleep::NotAtAll);
        let (first, one) = Job::new();
        let (second, other) = Job::new();
        let submits = thread::spawn({
            let ship = ship.clone();
            move || submit(&ship, first)
        });
        submit(&ship, second);
        match (one.wait(), other.wait()) {
            (End::Refused, End::Refused) => reach(cases[0]),
            ends => {
                assert!(matches!(ends, (End::Ran, End::Refused) | (End::Refused, End::Ran)));
                reach(cases[1]);
            }
        }
        ship.await_all();
        submits.join().unwrap();
    });
}

/// There is one thread, and the system has no others: it runs every job, also one that came as it lay down, for which the
/// thread that cannot be started was to come.
#[test]
fn only_the_first_thread_can_be_started() {
    Model::new("crew::only_the_first_thread_can_be_started").check(|| {
        let ship = Ship::new(Crew::new(2, 2), |number| number == 1, Sleep::UntilCalled);
        let jobs: [_; 3] = std::array::from_fn(|_| Job::new());
        let [(first, one), (second, two), (third, three)] = jobs;
        submit(&ship, first);
        let submits = thread::spawn({
            let ship = ship.clone();
            move || submit(&ship, third)
        });
        submit(&ship, second);
        assert_eq!([one.wait(), two.wait(), three.wait()], [End::Ran; 3]);
        submits.join().unwrap();
        ship.crew.close();
        ship.await_all();
    });
}

/// The same, but the only thread's time is over as soon as the third job has come: it does not leave that one behind. The
/// second may come after its end.
#[test]
fn only_thread_is_about_to_end() {
    let cases = &["the second ran", "the second was refused"];
    Model::new("crew::only_thread_is_about_to_end").reaches(cases).check(|| {
        let came = Arc::new(Event::default());
        let sleep = Sleep::UntilAfter(came.clone());
        let ship = Ship::new(Crew::new(2, 2), |number| number == 1, sleep);
        let jobs: [_; 3] = std::array::from_fn(|_| Job::new());
        let [(first, one), (second, two), (third, three)] = jobs;
        submit(&ship, first);
        let submits = thread::spawn({
            let ship = ship.clone();
            move || {
                submit(&ship, third);
                came.set();
            }
        });
        submit(&ship, second);
        ship.await_all();
        submits.join().unwrap();
        assert_eq!((one.end(), three.end()), (Some(End::Ran), Some(End::Ran)));
        match two.end() {
            Some(End::Ran) => reach(cases[0]),
            end => {
                assert_eq!(end, Some(End::Refused));
                reach(cases[1]);
            }
        }
    });
}

/// Jobs were short, so that one thread is thought to be enough for two of them. The first one blocks on the second all the
/// same: whoever is on watch sees to it, whether its nap ends before they come or after; if nobody is, both are called.
#[test]
fn short_jobs_block_on_those_behind_them() {
    Model::new("crew::short_jobs_block_on_those_behind_them").bound(1).check(|| {
        let crew = Crew::new(2, 2).used_to_short_jobs(KIND);
        let ship = Ship::new(crew, always, Sleep::UntilCalled);
        let jobs: [_; 4] = std::array::from_fn(|_| Job::new());
        let [(warm, one), (up, two), (mut first, three), (second, four)] = jobs;
        first.blocks_on = Some(four.clone());
        [warm, up].into_iter().for_each(|job| submit(&ship, job));
        assert_eq!([one.wait(), two.wait()], [End::Ran; 2]);
        [first, second].into_iter().for_each(|job| submit(&ship, job));
        assert_eq!([three.wait(), four.wait()], [End::Ran; 2]);
        ship.crew.close();
        ship.await_all();
    });
}

/// The only thread there may be is on watch, because the second job came before the first was over: it hears of the third,
/// and of the end.
#[test]
fn called_while_on_watch() {
    Model::new("crew::called_while_on_watch").check(|| {
        let crew = Crew::new(1, 2).used_to_short_jobs(KIND);
        let ship =
            Ship::with(crew, always, Sleep::UntilCalled, Sleep::UntilCalled, Sleep::NotAtAll);
        let jobs: [_; 3] = std::array::from_fn(|_| Job::new());
        let [(first, one), (second, two), (third, three)] = jobs;
        [first, second].into_iter().for_each(|job| submit(&ship, job));
        assert_eq!([one.wait(), two.wait()], [End::Ran; 2]);
        submit(&ship, third);
        assert_eq!(three.wait(), End::Ran);
        ship.crew.close();
        ship.await_all();
    });
}

/// Who is called from the watch wakes up late, when another has run the jobs that it comes for, and is on watch itself: it
/// is not taken for the other.
#[test]
fn another_is_on_watch_already() {
    Model::new("crew::another_is_on_watch_already").bound(1).check(|| {
        let crew = Crew::new(2, 2).used_to_short_jobs(KIND);
        let ship =
            Ship::with(crew, always, Sleep::UntilCalled, Sleep::UntilCalled, Sleep::NotAtAll);
        let (mut long, end) = Job::new();
        let is_enough = Receipt::default();
        long.blocks_on = Some(is_enough.clone());
        submit_as(&ship, OTHER, long, false);
        let jobs: [_; 4] = std::array::from_fn(|_| Job::new());
        let [(first, one), (second, two), (third, three), (fourth, four)] = jobs;
        [first, second].into_iter().for_each(|job| submit(&ship, job));
        assert_eq!([one.wait(), two.wait()], [End::Ran; 2]);
        [third, fourth].into_iter().for_each(|job| submit(&ship, job));
        is_enough.set();
        assert_eq!([end.wait(), three.wait(), four.wait()], [End::Ran; 3]);
        let (last, five) = Job::new();
        submit(&ship, last);
        assert_eq!(five.wait(), End::Ran);
        ship.crew.close();
        ship.await_all();
    });
}

/// The only thread there may be is alert: it hears of a job, and of the end.
#[test]
fn called_while_alert() {
    Model::new("crew::called_while_alert").check(|| {
        let crew = Crew::new(1, 1).used_to_short_jobs(KIND);
        let alert = Sleep::UntilCalled;
        let ship = Ship::with(crew, always, Sleep::UntilCalled, Sleep::NotAtAll, alert);
        call(&ship);
        call(&ship);
        ship.crew.close();
        ship.await_all();
    });
}

/// The only thread there may be ceases to be alert as the second job comes: it is called for the third all the same.
#[test]
fn called_when_no_longer_alert() {
    Model::new("crew::called_when_no_longer_alert").bound(2).check(|| {
        let crew = Crew::new(1, 1).used_to_short_jobs(KIND);
        let ship = Ship::new(crew, always, Sleep::UntilCalled);
        (0..3).for_each(|_| call(&ship));
        ship.crew.close();
        ship.await_all();
    });
}
