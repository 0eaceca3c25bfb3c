//! Descriptors, timers and the sleep in the kernel. The programs stand in `pelmeni_driver::model`, where they can see inside;
//! what each of them shows is written there.

use pelmeni_driver::model::MODELS;
use pelmeni_loom_tests::Model;

/// Runs the driver's model of this name, with as many preemptions as it can bear in reasonable time.
fn check(name: &'static str) {
    let model = MODELS.iter().find(|model| model.name == name).expect("the driver has this model");
    // With a lock that spins, three threads at one source are too many for more.
    let bound = if name == "two_readers_share_a_source" { 1 } else { 3 };
    let report: &'static str = format!("driver::{name}").leak();
    Model::new(report).bound(bound).check(model.run);
}

#[test]
fn notification_reaches_the_sleeper() {
    check("notification_reaches_the_sleeper");
}

#[test]
fn notification_outlives_a_wait_that_ends_by_an_event() {
    check("notification_outlives_a_wait_that_ends_by_an_event");
}

#[test]
fn event_is_never_lost() {
    check("event_is_never_lost");
}

#[test]
fn short_read_loses_no_bytes() {
    check("short_read_loses_no_bytes");
}

#[test]
fn short_read_loses_no_end() {
    check("short_read_loses_no_end");
}

#[test]
fn directions_do_not_disturb_each_other() {
    check("directions_do_not_disturb_each_other");
}

#[test]
fn two_readers_share_a_source() {
    check("two_readers_share_a_source");
}

#[test]
fn first_wait_registers() {
    check("first_wait_registers");
}

#[test]
fn first_wait_after_a_try_registers() {
    check("first_wait_after_a_try_registers");
}

#[test]
fn reader_asks_while_a_writer_waits() {
    check("reader_asks_while_a_writer_waits");
}

#[test]
fn stale_event_finds_nobody() {
    check("stale_event_finds_nobody");
}

#[test]
fn leaving_wakes_whoever_waits() {
    check("leaving_wakes_whoever_waits");
}

#[test]
fn earlier_timer_ends_the_sleep() {
    check("earlier_timer_ends_the_sleep");
}

#[test]
fn last_waker_is_woken() {
    check("last_waker_is_woken");
}

#[test]
fn waker_is_looked_at_while_the_timer_fires() {
    check("waker_is_looked_at_while_the_timer_fires");
}

#[test]
fn timer_comes_while_the_wheel_grows_quiet() {
    check("timer_comes_while_the_wheel_grows_quiet");
}

#[test]
fn timer_is_dropped_while_it_fires() {
    check("timer_is_dropped_while_it_fires");
}

#[test]
fn neighbours_are_dropped_while_they_fire() {
    check("neighbours_are_dropped_while_they_fire");
}

#[test]
fn timer_is_reset_while_it_fires() {
    check("timer_is_reset_while_it_fires");
}

#[test]
fn timer_is_polled_while_its_wheel_closes() {
    check("timer_is_polled_while_its_wheel_closes");
}

#[test]
fn timers_come_and_go_while_others_move_down() {
    check("timers_come_and_go_while_others_move_down");
}
