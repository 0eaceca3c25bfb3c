//! Places that hold tasks: the inbox and the slot.

use pelmeni_core::Runnable;
use pelmeni_core::list::{Inbox, Slot};

use crate::bench::{Bench, result};

#[test]
fn inbox_gives_tasks_in_the_order_in_which_they_came() {
    let bench = Bench::new();
    let inbox = Inbox::default();
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for number in 0..5 {
        let order = order.clone();
        let (runnable, handle) = bench.make(async move { order.lock().unwrap().push(number) });
        assert_eq!(inbox.push(runnable), number == 0, "only the first finds it empty");
        drop(handle);
    }
    assert!(!inbox.is_empty());
    inbox.take_all().for_each(Runnable::run);
    assert!(inbox.is_empty());
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn tasks_that_were_not_taken_out_are_cancelled() {
    let bench = Bench::new();
    let inbox = Inbox::default();
    let handles = [(), (), ()].map(|()| {
        let (runnable, handle) = bench.make(async {});
        inbox.push(runnable);
        handle
    });
    let mut taken = inbox.take_all();
    taken.next().expect("there are three").run();
    drop(taken);
    let [first, second, third] = handles;
    result(first).unwrap();
    assert!(result(second).unwrap_err().is_cancelled());
    assert!(result(third).unwrap_err().is_cancelled());
}

#[test]
fn dropped_inbox_cancels_its_tasks() {
    let bench = Bench::new();
    let inbox = Inbox::default();
    let (runnable, handle) = bench.make(async {});
    inbox.push(runnable);
    drop(inbox);
    assert!(result(handle).unwrap_err().is_cancelled());
}

#[test]
fn slot_gives_back_what_was_in_it() {
    let bench = Bench::new();
    let slot = Slot::default();
    assert!(slot.is_empty() && slot.take().is_none());
    let (first, first_handle) = bench.make(async {});
    let (second, second_handle) = bench.make(async {});
    assert!(slot.put(first).is_none());
    slot.put(second).expect("the first was there").run();
    assert!(first_handle.is_finished() && !second_handle.is_finished());
    drop(slot);
    assert!(result(second_handle).unwrap_err().is_cancelled());
    drop(first_handle);
    assert_eq!(bench.homes.get(), 0);
}
