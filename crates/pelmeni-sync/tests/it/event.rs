//! The event.

use crate::support::Task;
use pelmeni_sync::Event;

#[test]
fn set_ends_every_wait() {
    let event = Event::new();
    let line = [(); 3].map(|()| Task::waiting(event.wait()));
    event.set();
    assert_eq!(line.each_ref().map(Task::wakes), [1, 1, 1]);
    line.into_iter().for_each(Task::ready);
}

#[test]
fn set_already() {
    let event = Event::new();
    event.set();
    event.set();
    assert!(event.is_set());
    Task::new(event.wait()).ready();
}

#[test]
fn cleared_at_once_and_all_who_waited_go_on() {
    let event = Event::new();
    let line = [(); 3].map(|()| Task::waiting(event.wait()));
    event.set();
    event.clear();
    assert!(!event.is_set());
    let late = Task::waiting(event.wait());
    line.into_iter().for_each(Task::ready);
    assert!(!late.is_woken());
}

#[test]
fn one_who_gave_up_is_not_woken() {
    let event = Event::new();
    let mut gave_up = Some(Task::waiting(event.wait()));
    let stays = Task::waiting(event.wait());
    drop(gave_up.take());
    event.set();
    stays.ready();
    assert_eq!(format!("{event:?}"), "Event { set: true, waiting: 0 }");
}

#[test]
fn wait_begins_with_the_first_poll() {
    let event = Event::new();
    let mut task = Task::new(event.wait());
    event.set();
    event.clear();
    assert!(task.poll().is_pending());
}
