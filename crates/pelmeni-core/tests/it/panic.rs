//! Panics in everything that is the user's: they end the task and not the thread that runs it.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use crate::bench::{Bench, Bomb, Count, Door, explode, poll_with, result};

#[test]
fn panic_in_a_poll_is_the_tasks_result() {
    let bench = Bench::new();
    let futures = Count::default();
    let live = futures.live();
    let handle = bench.start(async move {
        let _live = live;
        explode("boiled over")
    });
    assert_eq!((futures.get(), bench.released.get()), (0, 1));
    let error = result::<()>(handle).unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled());
    assert_eq!(error.task().unwrap().name(), Some("soup"));
    assert!(error.to_string().starts_with("task `soup` spawned at "), "{error}");
    assert!(error.to_string().ends_with(" panicked: boiled over"), "{error}");
    assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "boiled over");
    assert!(bench.reports().is_empty(), "whoever joined knows");
}

#[test]
fn panic_that_nobody_joins_is_reported() {
    let bench = Bench::new();
    drop(bench.start(async { explode("late") }));
    let (runnable, handle) = bench.make(async { explode("early") });
    drop(handle);
    runnable.run();
    let reports = bench.reports();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].ends_with("panicked: late") && reports[1].ends_with("panicked: early"));
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn panic_in_the_drop_of_the_future_is_the_tasks_result() {
    let bench = Bench::new();
    let futures = Count::default();
    let bomb = Bomb::new(futures.live(), true);
    let outputs = Count::default();
    let mut output = Some(outputs.live());
    let handle = bench.start(poll_fn(move |_| {
        let _in_the_future = &bomb;
        Poll::Ready(output.take())
    }));
    assert!(result(handle).unwrap_err().is_panic());
    assert_eq!((futures.get(), outputs.get()), (0, 0));
    assert_eq!(bench.released.get(), 1);
}

#[test]
fn panic_in_the_drop_of_an_aborted_future_is_the_tasks_result() {
    let bench = Bench::new();
    let futures = Count::default();
    let bomb = Bomb::new(futures.live(), true);
    let handle = bench.start(async move {
        let _bomb = bomb;
        std::future::pending::<()>().await;
    });
    handle.abort();
    bench.run();
    assert!(result(handle).unwrap_err().is_panic());
    assert_eq!(futures.get(), 0);
}

#[test]
fn panic_in_the_drop_of_an_output_that_was_taken_is_its_takers() {
    let bench = Bench::new();
    let outputs = Count::default();
    let bomb = Bomb::new(outputs.live(), true);
    let bomb = result(bench.start(async move { bomb })).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(bomb))).is_err());
    assert_eq!((outputs.get(), bench.homes.get()), (0, 0));
}

#[test]
fn panic_in_the_drop_of_an_output_that_the_handle_drops_is_contained() {
    let bench = Bench::new();
    let outputs = Count::default();
    let bomb = Bomb::new(outputs.live(), true);
    let handle = bench.start(async move { bomb });
    drop(handle);
    assert_eq!((outputs.get(), bench.homes.get()), (0, 0));
}

#[test]
fn panic_in_the_drop_of_an_output_that_nobody_wants_is_contained() {
    let bench = Bench::new();
    let outputs = Count::default();
    let bomb = Bomb::new(outputs.live(), true);
    let (runnable, handle) = bench.make(async move { bomb });
    drop(handle);
    runnable.run();
    assert_eq!((outputs.get(), bench.homes.get()), (0, 0));
}

#[test]
fn panic_in_the_drop_of_an_output_that_a_request_discards_is_contained() {
    let bench = Bench::new();
    let outputs = Count::default();
    let bomb = Bomb::new(outputs.live(), true);
    let (runnable, handle) = bench.make(async move { bomb });
    handle.cancel();
    runnable.run();
    assert_eq!(outputs.get(), 0);
    assert!(result(handle).unwrap_err().is_cancelled());
}

#[test]
fn payload_that_panics_in_its_drop_is_contained() {
    let bench = Bench::new();
    let payloads = Count::default();
    let bomb = Bomb::new(payloads.live(), true);
    let handle = bench.start(async move { std::panic::resume_unwind(Box::new(bomb)) });
    drop(handle);
    assert_eq!((payloads.get(), bench.homes.get()), (0, 0));
    assert_eq!(bench.reports().len(), 1);
}

#[test]
fn drop_that_panics_with_a_payload_that_panics_is_contained() {
    struct Chain;

    impl Drop for Chain {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(Bomb::new(Count::default().live(), true)));
        }
    }

    let bench = Bench::new();
    drop(bench.start(async { Chain }));
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn joiner_that_panics_is_contained() {
    struct Hostile;

    impl Wake for Hostile {
        fn wake(self: Arc<Self>) {
            let payload = Bomb::new(Count::default().live(), true);
            std::panic::resume_unwind(Box::new(payload));
        }
    }

    let bench = Bench::new();
    let door = Door::new();
    let mut handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    assert!(poll_with(&mut handle, &Waker::from(Arc::new(Hostile))).is_pending());
    door.open();
    bench.run();
    result(handle).unwrap();
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn next_task_runs_after_a_panic() {
    let bench = Bench::new();
    drop(bench.start(async { explode("first") }));
    assert_eq!(result(bench.start(async { 2 })).unwrap(), 2);
    // Nothing of the poll that unwound is left behind: no request travels, no budget is spent.
    assert!(pelmeni_core::cancel::Held::take().is_none());
}

#[test]
fn errors_that_are_no_panic_give_themselves_back() {
    let bench = Bench::new();
    let handle = bench.start(std::future::pending::<()>());
    handle.abort();
    bench.run();
    let error = result(handle).unwrap_err();
    let error = error.try_into_panic().unwrap_err();
    assert!(error.is_cancelled() && error.task().is_none());
    assert_eq!(error.to_string(), "task was cancelled");
}
