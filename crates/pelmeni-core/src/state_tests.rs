//! The steps of the state word one by one, and where its parts overflow.

use super::*;

#[test]
fn a_wake_of_an_idle_task_submits_it_once() {
    let state = State::new(false);
    let seen = state.start_poll();
    assert_eq!(state.finish_poll(seen), Finish::Idle);
    assert_eq!(state.wake_by_ref(), Wake::Submit);
    assert_eq!(state.wake_by_ref(), Wake::Nothing);
}

#[test]
fn a_wake_during_the_poll_runs_the_task_again() {
    let state = State::new(false);
    let seen = state.start_poll();
    assert_eq!(state.wake_by_ref(), Wake::Nothing);
    assert_eq!(state.finish_poll(seen), Finish::Again);
}

#[test]
fn too_many_wakes_are_taken_back_and_none_is_lost() {
    let state = State::new(false);
    for _ in 0..WAKES_MANY + 1000 {
        assert_eq!(state.wake_by_ref(), Wake::Nothing);
    }
    assert!(state.load().wakes() <= WAKES_MANY + 1);
    let mut polls = 0;
    while state.finish_poll(state.start_poll()) == Finish::Again {
        polls += 1;
    }
    assert!((1..=3).contains(&polls), "{polls}");
    assert_eq!(state.wake_by_ref(), Wake::Submit);
}

#[test]
fn wakes_of_a_complete_task_overflow_into_nothing() {
    let state = State::new(false);
    state.clone_reference();
    assert_eq!(state.complete(), Complete::Leave);
    for _ in 0..(1 << 21) {
        assert_eq!(state.wake_by_ref(), Wake::Nothing);
    }
    assert_eq!(state.load().references(), 1);
    assert_eq!(state.drop_handle(), Leave::Keep);
    assert_eq!(state.drop_reference(), Leave::Free);
}

#[test]
fn requests_saturate_and_are_taken_together() {
    let state = State::new(false);
    for _ in 0..300 {
        assert_eq!(state.cancel(), Some(Wake::Nothing));
    }
    assert!(state.uncancel());
    assert_eq!(state.take_requests(), 254);
    assert!(!state.uncancel());
    assert_eq!(state.load().references(), 0);
}
