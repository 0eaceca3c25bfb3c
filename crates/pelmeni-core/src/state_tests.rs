//! The steps of the state word one by one, and where its parts overflow.

use super::*;
use crate::context::LOANS_MAX;

#[test]
fn a_wake_of_an_idle_task_submits_it_once() {
    let state = State::new(false, Birth::Anywhere);
    let seen = state.start_poll();
    assert_eq!(state.finish_poll(seen, 0), Finish::Idle);
    assert_eq!(state.wake_by_ref(), Wake::Submit);
    assert_eq!(state.wake_by_ref(), Wake::Nothing);
}

#[test]
fn a_wake_during_the_poll_runs_the_task_again() {
    let state = State::new(false, Birth::Anywhere);
    let seen = state.start_poll();
    assert_eq!(state.wake_by_ref(), Wake::Nothing);
    assert_eq!(state.finish_poll(seen, 0), Finish::Again);
}

#[test]
fn too_many_wakes_are_taken_back_and_none_is_lost() {
    let state = State::new(false, Birth::Anywhere);
    for _ in 0..WAKES_MANY + 1000 {
        assert_eq!(state.wake_by_ref(), Wake::Nothing);
    }
    assert!(state.load().wakes() <= WAKES_MANY + 1);
    let mut polls = 0;
    while state.finish_poll(state.start_poll(), 0) == Finish::Again {
        polls += 1;
    }
    assert!((1..=3).contains(&polls), "{polls}");
    assert_eq!(state.wake_by_ref(), Wake::Submit);
}

#[test]
fn wakes_of_a_complete_task_overflow_into_nothing() {
    let state = State::new(false, Birth::Anywhere);
    state.clone_reference();
    assert_eq!(state.complete(0), Complete::Leave);
    for _ in 0..(1 << 21) {
        assert_eq!(state.wake_by_ref(), Wake::Nothing);
    }
    assert_eq!(state.load().references(), 1);
    assert_eq!(state.drop_handle(), Leave::Keep);
    assert_eq!(state.drop_reference(), Leave::Free);
}

#[test]
fn requests_saturate_and_are_taken_together() {
    let state = State::new(false, Birth::Anywhere);
    for _ in 0..300 {
        assert_eq!(state.cancel(false), Some(Wake::Nothing));
    }
    assert!(state.uncancel());
    assert_eq!(state.take_requests(), 254);
    assert!(!state.uncancel());
    assert_eq!(state.load().references(), 0);
}

#[test]
fn what_a_poll_has_on_loan_can_be_given_back_before_it_is_counted() {
    let state = State::new(false, Birth::Anywhere);
    let seen = state.start_poll();
    for _ in 0..LOANS_MAX {
        assert_eq!(state.drop_reference(), Leave::Keep);
    }
    assert_eq!(state.wake_by_ref(), Wake::Nothing);
    assert_eq!(
        (state.load().wakes(), state.load().requests()),
        (2, 0),
        "nothing is borrowed from the neighbours"
    );
    assert_eq!(state.finish_poll(seen, LOANS_MAX as i32), Finish::Again);
    assert_eq!((state.load().wakes(), state.load().references()), (1, 0));
}

#[test]
fn loans_of_the_last_poll_are_counted_with_its_end() {
    let state = State::new(false, Birth::Anywhere);
    state.clone_reference();
    assert_eq!(state.complete(2), Complete::Leave);
    assert_eq!(state.drop_handle(), Leave::Keep);
    assert_eq!(state.drop_reference(), Leave::Keep);
    assert_eq!(state.drop_reference(), Leave::Keep);
    assert_eq!(state.drop_reference(), Leave::Free);
}

#[test]
fn detached_task_whose_last_poll_drops_the_last_reference_is_freed() {
    let state = State::new(false, Birth::Anywhere);
    state.clone_reference();
    assert!(state.detach());
    assert_eq!(state.complete(-1), Complete::DropOutput);
    assert_eq!(state.complete_detached(-1), Leave::Free);
}

/// Run by itself in a process of its own, which it ends.
#[test]
fn references_without_end_end_the_process() {
    if std::env::var_os("WITHOUT_END").is_some() {
        let state = State::new(false, Birth::Anywhere);
        loop {
            state.settle(LOANS_MAX as i32);
        }
    }
    let own = std::env::current_exe().unwrap();
    let name = "state::tests::references_without_end_end_the_process";
    let mut child = std::process::Command::new(own);
    child.args(["--exact", name, "--nocapture"]);
    let output = child.env("WITHOUT_END", "1").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("references to one task"), "{said}");
}
