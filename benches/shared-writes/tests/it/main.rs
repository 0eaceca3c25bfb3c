//! What pelmeni's operations may do to memory that cores share. Empty unless built with `--cfg pelmeni_count`.
#![cfg(pelmeni_count)]

use pelmeni_shared_writes::course::{Cost, measure};
use pelmeni_shared_writes::operations::{
    AGAIN, ASLEEP, DETACHED, JOIN, Operation, READ, SLEEP, SPAWN, TIMER, WAKE, YIELD,
};
use pelmeni_shared_writes::report::{TIMES, places};

/// What happens once in a while, like the end of a loop or a look around, is spread over so many operations.
const RARE: f64 = 0.05;

fn cost(operation: &Operation) -> Cost {
    measure(operation, 2, TIMES)
}

/// Both workers write to lines of their own.
fn assert_apart(operation: &Operation) {
    let cost = cost(operation);
    let [_, shared, _] = cost.each();
    assert!(shared < RARE, "{operation:?} writes to {shared} lines of others:\n{}", listed(&cost));
}

fn assert_exchanges(operation: &Operation, at_most: f64) {
    let cost = cost(operation);
    let [exchanges, ..] = cost.each();
    let is_kept = exchanges < at_most + RARE;
    assert!(
        is_kept,
        "{operation:?} takes {exchanges} exchanges, not {at_most}:\n{}",
        listed(&cost)
    );
    assert!(exchanges > at_most - 1.1, "{operation:?}: {exchanges} exchanges are too few to be it");
}

fn listed(cost: &Cost) -> String {
    let mut list = String::new();
    places(cost, &mut list).expect("a string takes it");
    list
}

#[test]
fn spawn_poll_and_wake_write_to_no_line_of_another_worker() {
    for operation in [&SPAWN, &YIELD, &WAKE, &DETACHED, &JOIN] {
        assert_apart(operation);
    }
}

#[test]
fn timer_of_one_worker_is_not_the_other_ones_affair() {
    for operation in [&TIMER, &AGAIN, &SLEEP] {
        assert_apart(operation);
    }
}

#[test]
fn wake_to_poll_takes_three_exchanges() {
    assert_exchanges(&WAKE, 3.0);
}

/// That there was something to count is for the operations to see to.
#[test]
fn worker_that_is_alone_wakes_and_polls_without_an_exchange() {
    for operation in [&YIELD, &WAKE] {
        let cost = measure(operation, 1, TIMES);
        let [exchanges, ..] = cost.each();
        assert!(exchanges < RARE, "{operation:?} takes {exchanges}:\n{}", listed(&cost));
    }
}

#[test]
fn spawn_takes_two_exchanges_and_a_joined_task_nine() {
    assert_exchanges(&SPAWN, 2.0);
    assert_exchanges(&JOIN, 9.1);
}

#[test]
fn timer_that_is_dropped_takes_two_exchanges() {
    assert_exchanges(&TIMER, 2.0);
}

/// That there was something to count is for the operation to see to.
#[test]
fn timer_that_is_polled_again_takes_no_exchange() {
    assert_exchanges(&AGAIN, 0.0);
}

/// An event, a wake, a pop, a wait, the end of a poll; without one for each look around, whose number depends on what else
/// the machine does.
#[test]
fn socket_read_takes_five_exchanges() {
    let cost = cost(&READ);
    let [exchanges, ..] = cost.without(|file| file.ends_with("driver/src/driver.rs"));
    assert!(exchanges < 5.0 + RARE, "{exchanges}, not 5:\n{}", listed(&cost));
    assert!(exchanges > 2.9, "{exchanges} exchanges bring no byte to its task");
}

/// An event and a wait, the turn, and the next deadline of the wheel.
#[test]
fn socket_read_takes_four_exchanges_with_a_sleep_of_the_only_worker() {
    let cost = measure(&ASLEEP, 1, TIMES);
    let [exchanges, ..] = cost.each();
    assert!(exchanges < 4.0 + RARE, "{exchanges}, not 4:\n{}", listed(&cost));
    assert!(exchanges > 2.9, "{exchanges} exchanges bring no byte to its task");
}

/// Lines that both workers write to are found: either of them takes the events of all connections.
#[test]
fn socket_read_writes_to_shared_lines() {
    let cost = cost(&READ);
    let [_, shared, _] = cost.each();
    assert!(shared > 1.0, "{shared}:\n{}", listed(&cost));
}
