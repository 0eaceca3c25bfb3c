//! The channel for one value: two halves, one word.

use std::pin::pin;

use loom::thread;
use pelmeni_loom_tests::{Alarm, Model, block_on, poll_once, reach};
use pelmeni_sync::oneshot;

use crate::support::Drops;

/// The value arrives and is dropped once, whoever is first.
#[test]
fn sent_to_whoever_waits() {
    Model::new("oneshot::sent_to_whoever_waits").check(|| {
        let drops = Drops::default();
        let (sender, receiver) = oneshot::channel();
        let value = drops.track();
        let send = thread::spawn(move || sender.send(value).map_err(drop).unwrap());
        drop(block_on(receiver).unwrap());
        send.join().unwrap();
        assert_eq!(drops.count(), 1);
    });
}

/// Whoever is dropped second frees what both share.
#[test]
fn both_are_dropped() {
    Model::new("oneshot::both_are_dropped").check(|| {
        let (sender, mut receiver) = oneshot::channel::<u8>();
        assert!(poll_once(&mut receiver, &Alarm::new()).is_pending());
        let gone = thread::spawn(move || drop(sender));
        drop(receiver);
        gone.join().unwrap();
    });
}

/// A receiver that moves to another task is woken there.
#[test]
fn waits_with_another_waker() {
    Model::new("oneshot::waits_with_another_waker").check(|| {
        let (sender, mut receiver) = oneshot::channel();
        let first = Alarm::new();
        assert!(poll_once(&mut receiver, &first).is_pending());
        let send = thread::spawn(move || sender.send(7).unwrap());
        assert_eq!(block_on(receiver), Ok(7));
        send.join().unwrap();
    });
}

/// The value comes back, or is received; never both.
#[test]
fn closed_while_sent() {
    let cases = &["came back", "was received"];
    Model::new("oneshot::closed_while_sent").reaches(cases).check(|| {
        let drops = Drops::default();
        let (sender, mut receiver) = oneshot::channel();
        let value = drops.track();
        let send = thread::spawn(move || sender.send(value).is_ok());
        receiver.close();
        let is_received = receiver.try_recv().is_ok();
        drop(receiver);
        assert_eq!(send.join().unwrap(), is_received);
        assert_eq!(drops.count(), 1);
        reach(if is_received { "was received" } else { "came back" });
    });
}

/// Each half waits for the other one's end; the one that does not end it hears of it.
#[test]
fn both_halves_wait_and_one_ends_it() {
    Model::new("oneshot::both_halves_wait_and_one_ends_it").check(|| {
        let (mut sender, mut receiver) = oneshot::channel::<u8>();
        assert!(poll_once(&mut receiver, &Alarm::new()).is_pending());
        let end = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert!(poll_once(&mut pin!(sender.closed()), &Alarm::new()).is_ready());
        assert_eq!(sender.send(7), Err(7));
        end.join().unwrap();
    });
}
