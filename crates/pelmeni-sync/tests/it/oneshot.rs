//! The channel for one value.

use crate::support::{Counter, Task};
use pelmeni_sync::oneshot;
use std::sync::Arc;
use std::task::Waker;

#[test]
fn sent_before_it_is_awaited() {
    let (sender, receiver) = oneshot::channel();
    sender.send(1).unwrap();
    assert_eq!(Task::new(receiver).ready(), Ok(1));
}

#[test]
fn sent_while_it_is_awaited() {
    let (sender, receiver) = oneshot::channel();
    let receiver = Task::waiting(receiver);
    sender.send(1).unwrap();
    assert_eq!((receiver.wakes(), receiver.wakers_kept()), (1, 0));
    assert_eq!(receiver.ready(), Ok(1));
}

#[test]
fn sender_is_dropped() {
    let (sender, receiver) = oneshot::channel::<u8>();
    let receiver = Task::waiting(receiver);
    drop(sender);
    assert!(receiver.is_woken());
    let error = receiver.ready().unwrap_err();
    assert_eq!(error.to_string(), "the channel is closed and has no value");
}

#[test]
fn receiver_is_dropped_and_the_value_comes_back() {
    let (sender, receiver) = oneshot::channel();
    drop(Task::waiting(receiver));
    assert!(sender.is_closed());
    assert_eq!(sender.send(1), Err(1));
}

#[test]
fn closed_and_the_value_comes_back() {
    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(sender.send(1), Err(1));
    assert!(receiver.try_recv().unwrap_err().is_closed());
    assert!(Task::new(receiver).ready().is_err());
}

#[test]
fn closed_with_the_sender_still_there() {
    let (_sender, mut receiver) = oneshot::channel::<u8>();
    receiver.close();
    assert!(Task::new(receiver).ready().is_err());
}

#[test]
fn sent_and_then_closed() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(receiver.try_recv().unwrap_err().is_closed());
}

#[test]
fn tried_at_every_stage() {
    let (sender, mut receiver) = oneshot::channel();
    let error = receiver.try_recv().unwrap_err();
    assert!(error.is_empty() && !error.is_closed());
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(receiver.try_recv().unwrap_err().is_closed());
}

#[test]
fn cancelled_receive_loses_nothing() {
    let (sender, mut receiver) = oneshot::channel();
    drop(Task::waiting(&mut receiver));
    sender.send(1).unwrap();
    drop(Task::new(&mut receiver));
    assert_eq!(Task::new(receiver).ready(), Ok(1));
}

#[test]
fn sender_waits_until_nobody_wants_the_value() {
    let (mut sender, mut receiver) = oneshot::channel::<u8>();
    let closed = Task::waiting(sender.closed());
    receiver.close();
    assert_eq!((closed.wakes(), closed.wakers_kept()), (1, 0));
    closed.ready();
    Task::new(sender.closed()).ready();

    let (mut sender, receiver) = oneshot::channel::<u8>();
    let closed = Task::waiting(sender.closed());
    drop(receiver);
    assert!(closed.is_woken());
}

#[test]
fn sending_forgets_the_wait_for_closed() {
    let (mut sender, _receiver) = oneshot::channel();
    let counter = Arc::new(Counter::default());
    let mut closed = Task::new(sender.closed());
    assert!(closed.poll_with(&Waker::from(counter.clone())).is_pending());
    drop(closed);
    assert_eq!(Arc::strong_count(&counter), 2);
    sender.send(1).unwrap();
    assert_eq!((Arc::strong_count(&counter), counter.wakes()), (1, 0));
}

#[test]
fn value_is_dropped_with_the_receiver() {
    let value = Arc::new(());
    let (sender, receiver) = oneshot::channel();
    sender.send(value.clone()).unwrap();
    assert_eq!(Arc::strong_count(&value), 2);
    drop(receiver);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn debug_says_what_was_sent() {
    let (sender, receiver) = oneshot::channel();
    assert_eq!(format!("{sender:?}"), "Sender { closed: false, .. }");
    sender.send(1).unwrap();
    assert_eq!(format!("{receiver:?}"), "Receiver { sent: true, closed: true, .. }");
}

#[test]
fn received_already() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    assert_eq!(Task::new(&mut receiver).ready(), Ok(1));
    assert!(receiver.try_recv().unwrap_err().is_closed());
    receiver.close();
    assert_eq!(format!("{receiver:?}"), "Receiver { sent: false, closed: true, .. }");
    assert!(Task::new(receiver).ready().is_err());
}
