//! Tasks that all run on one thread, which counts for itself.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use pelmeni_core::coop::yield_now;
use pelmeni_core::list::Inbox;

use crate::bench::{Bench, Door, result};

/// Beyond what a poll or an owner may have on loan.
const MANY: usize = 5000;

/// A task of this bench's that waits at the door.
fn waiting(bench: &Bench) -> Door {
    let door = Door::new();
    let own = door.clone();
    drop(bench.start(async move { own.pass().await }));
    door
}

#[test]
fn wakers_that_are_cloned_here_and_dropped_elsewhere() {
    let bench = Bench::owned();
    let (door, clones) = bench.enter(|| {
        let door = waiting(&bench);
        let clones = vec![door.waker(); MANY];
        (door, clones)
    });
    thread::scope(|scope| scope.spawn(move || drop(clones)).join().unwrap());
    bench.enter(|| {
        door.open();
        assert_eq!((bench.run(), bench.homes.get()), (1, 0));
    });
}

#[test]
fn wakers_that_are_cloned_elsewhere_and_dropped_here() {
    let bench = Bench::owned();
    let door = bench.enter(|| waiting(&bench));
    let clones = vec![door.waker(); MANY];
    bench.enter(|| drop(clones));
    door.open();
    bench.enter(|| assert_eq!((bench.run(), bench.homes.get()), (1, 0)));
}

#[test]
fn wakers_that_outlive_their_task() {
    let bench = Bench::owned();
    let clones = bench.enter(|| {
        let door = waiting(&bench);
        let clones = vec![door.waker(); MANY];
        door.open();
        assert_eq!((bench.run(), bench.homes.get()), (1, 1));
        clones
    });
    drop(clones);
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn many_wakes_from_elsewhere_are_one_message() {
    let bench = Bench::owned();
    let door = bench.enter(|| waiting(&bench));
    let waker = door.waker();
    (0..MANY).for_each(|_| waker.wake_by_ref());
    bench.enter(|| assert_eq!((bench.run(), door.polls.get()), (1, 2)));
    waker.wake();
    door.open();
    bench.enter(|| assert_eq!((bench.run(), bench.homes.get()), (1, 0)));
}

#[test]
fn task_that_is_made_elsewhere_wakes_itself_in_its_first_poll() {
    let bench = Bench::owned();
    let mut polls = 0;
    let (runnable, handle) = bench.make(poll_fn(move |cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls < 3 { Poll::Pending } else { Poll::Ready(polls) }
    }));
    bench.submit(runnable);
    bench.enter(|| assert_eq!(bench.run(), 3));
    assert_eq!(result(handle).unwrap(), 3);
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn task_that_is_made_elsewhere_is_woken_without_end_before_it_waits() {
    let bench = Bench::owned();
    let mut polls = 0;
    let (runnable, handle) = bench.make(poll_fn(move |cx| {
        polls += 1;
        match polls {
            1 => {
                (0..40_000).for_each(|_| cx.waker().wake_by_ref());
                pin!(yield_now()).poll(cx)
            }
            2 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }));
    bench.submit(runnable);
    bench.enter(|| assert_eq!(bench.run(), 3));
    result(handle).unwrap();
    assert_eq!(bench.homes.get(), 0);
}

/// Clones its task's waker when it is dropped, and all others are dropped elsewhere meanwhile.
struct Output(Vec<Waker>);

impl Drop for Output {
    fn drop(&mut self) {
        let mut wakers = std::mem::take(&mut self.0);
        wakers.extend_from_within(..LEND);
        thread::scope(|scope| scope.spawn(move || drop(wakers)).join().unwrap());
    }
}

/// Nearly as many as a poll or an owner may have on loan.
const LEND: usize = 1000;

#[test]
fn references_of_the_last_poll_and_of_its_output_are_dropped_before_they_are_counted() {
    let bench = Bench::owned();
    bench.enter(|| {
        let door = Door::new();
        let own = door.clone();
        let clones = Arc::new(Mutex::new(Vec::new()));
        let theirs = clones.clone();
        drop(bench.start(async move {
            own.pass().await;
            let mut wakers: Vec<_> = std::mem::take(&mut *theirs.lock().unwrap());
            poll_fn(|cx| {
                wakers.extend(vec![cx.waker().clone(); LEND]);
                Poll::Ready(())
            })
            .await;
            Output(wakers)
        }));
        *clones.lock().unwrap() = vec![door.waker(); LEND];
        door.open();
        assert_eq!((bench.run(), bench.homes.get()), (1, 0));
    });
}

#[test]
fn polled_elsewhere_it_is_refused_and_dropped() {
    let bench = Bench::owned();
    let (runnable, handle) = bench.make(async {});
    let panic = catch_unwind(AssertUnwindSafe(|| runnable.run())).unwrap_err();
    assert!(panic.downcast::<&str>().unwrap().contains("on that thread only"));
    assert!(result(handle).unwrap_err().is_cancelled());
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn closed_inbox_drops_what_is_put_in() {
    let inbox = Inbox::default();
    drop(inbox.close());
    let bench = Bench::new();
    let (runnable, handle) = bench.make(async {});
    assert!(!inbox.push(runnable));
    assert!(result(handle).unwrap_err().is_cancelled());
    assert!(
        inbox.is_empty() && inbox.take_all().next().is_none() && inbox.close().next().is_none()
    );
}

#[test]
#[should_panic(expected = "one owner at a time")]
fn thread_is_one_owner_at_a_time() {
    let (one, other) = (Bench::owned(), Bench::owned());
    one.enter(|| other.enter(|| ()));
}
