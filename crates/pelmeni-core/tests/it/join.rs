//! The handle: who is woken, what becomes of the output, in whatever order things end.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use crate::bench::{Bell, Bench, Count, Door, poll_once, poll_with, result};

#[test]
fn foreign_joiner_is_woken_once() {
    let bench = Bench::new();
    let door = Door::new();
    let mut handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let bell = Bell::new();
    assert!(poll_with(&mut handle, &Waker::from(bell.clone())).is_pending());
    door.open();
    bench.run();
    assert_eq!(bell.rings(), 1);
    assert!(poll_once(&mut handle).is_ready());
    assert_eq!(Arc::strong_count(&bell), 1);
}

#[test]
fn last_joiner_replaces_the_one_before() {
    let bench = Bench::new();
    let door = Door::new();
    let mut handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let (first, second) = (Bell::new(), Bell::new());
    assert!(poll_with(&mut handle, &Waker::from(first.clone())).is_pending());
    assert!(poll_with(&mut handle, &Waker::from(second.clone())).is_pending());
    assert_eq!(Arc::strong_count(&first), 1, "its waker is dropped at once");
    door.open();
    bench.run();
    assert_eq!((first.rings(), second.rings()), (0, 1));
}

#[test]
fn task_joins_task() {
    let bench = Bench::new();
    let door = Door::new();
    let inner = bench.start({
        let door = door.clone();
        async move {
            door.pass().await;
            6
        }
    });
    let outer = bench.start(async move { inner.await.unwrap() * 7 });
    door.open();
    assert_eq!(bench.run(), 2);
    assert_eq!(result(outer).unwrap(), 42);
    drop(door);
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn task_that_joins_polls_twice_and_registers_once() {
    let bench = Bench::new();
    let (inner_door, outer_door) = (Door::new(), Door::new());
    let mut inner = bench.start({
        let door = inner_door.clone();
        async move { door.pass().await }
    });
    let outer = bench.start({
        let door = outer_door.clone();
        async move {
            let mut pass = pin!(door.pass());
            // Both are polled at each wake, as in a race of two branches.
            poll_fn(|cx| {
                let _ = pass.as_mut().poll(cx);
                Pin::new(&mut inner).poll(cx)
            })
            .await
            .unwrap();
        }
    });
    outer_door.waker().wake();
    bench.run();
    inner_door.open();
    bench.run();
    result(outer).unwrap();
}

#[test]
fn handle_moves_to_another_joiner() {
    let bench = Bench::new();
    let door = Door::new();
    let mut inner = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let bell = Bell::new();
    assert!(poll_with(&mut inner, &Waker::from(bell.clone())).is_pending());
    let outer = bench.start(async move { inner.await.unwrap() });
    assert_eq!(Arc::strong_count(&bell), 1);
    door.open();
    bench.run();
    assert_eq!(bell.rings(), 0);
    result(outer).unwrap();
}

#[test]
fn handle_moves_from_task_to_task() {
    let bench = Bench::new();
    let door = Door::new();
    let inner = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    let shared = Arc::new(Mutex::new(inner));
    let [first, second] = [(), ()].map(|()| {
        let shared = shared.clone();
        bench.start(poll_fn(move |cx| Pin::new(&mut *shared.lock().unwrap()).poll(cx)))
    });
    door.open();
    assert_eq!(bench.run(), 2, "the inner task, and the one that asked last");
    assert!(!first.is_finished());
    result(second).unwrap().unwrap();
    first.abort();
    bench.run();
}

#[test]
fn handle_dropped_before_the_end() {
    let bench = Bench::new();
    let (door, outputs) = (Door::new(), Count::default());
    let output = outputs.live();
    let mut handle = bench.start({
        let door = door.clone();
        async move {
            door.pass().await;
            output
        }
    });
    let bell = Bell::new();
    assert!(poll_with(&mut handle, &Waker::from(bell.clone())).is_pending());
    drop(handle);
    assert_eq!(Arc::strong_count(&bell), 1);
    door.open();
    bench.run();
    assert_eq!((outputs.get(), bell.rings()), (0, 0));
    assert_eq!(bench.homes.get(), 0);
}

#[test]
fn handle_dropped_after_the_end() {
    let bench = Bench::new();
    let outputs = Count::default();
    let output = outputs.live();
    let handle = bench.start(async move { output });
    assert_eq!((outputs.get(), bench.homes.get()), (1, 1));
    drop(handle);
    assert_eq!((outputs.get(), bench.homes.get()), (0, 0));
}

#[test]
fn handle_dropped_by_its_own_task() {
    let bench = Bench::new();
    let place = Arc::new(Mutex::new(None));
    let outputs = Count::default();
    let output = outputs.live();
    let (runnable, handle) = bench.make({
        let place = place.clone();
        async move {
            drop(place.lock().unwrap().take());
            output
        }
    });
    *place.lock().unwrap() = Some(handle);
    runnable.run();
    assert_eq!((outputs.get(), bench.homes.get()), (0, 0));
}

#[test]
fn handle_dropped_by_its_joiner() {
    // The completing thread wakes somebody who drops the handle in that very call.
    struct Dropper(Mutex<Option<pelmeni_core::JoinHandle<crate::bench::Live>>>);

    impl std::task::Wake for Dropper {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
        }
    }

    let bench = Bench::new();
    let (door, outputs) = (Door::new(), Count::default());
    let output = outputs.live();
    let mut handle = bench.start({
        let door = door.clone();
        async move {
            door.pass().await;
            output
        }
    });
    let dropper = Arc::new(Dropper(Mutex::new(None)));
    assert!(poll_with(&mut handle, &Waker::from(dropper.clone())).is_pending());
    *dropper.0.lock().unwrap() = Some(handle);
    door.open();
    bench.run();
    assert_eq!((outputs.get(), bench.homes.get()), (0, 0));
}

#[test]
fn task_that_joins_itself_can_be_aborted() {
    let bench = Bench::new();
    let place = Arc::new(Mutex::new(None::<pelmeni_core::JoinHandle<()>>));
    let (runnable, handle) = bench.make({
        let place = place.clone();
        async move {
            let own = place.lock().unwrap().take().expect("it was put there");
            own.await.unwrap();
        }
    });
    let killer = handle.abort_handle();
    *place.lock().unwrap() = Some(handle);
    runnable.run();
    assert!(!killer.is_finished());
    killer.abort();
    bench.run();
    assert!(killer.is_finished());
    drop(killer);
    assert_eq!(bench.homes.get(), 0, "the slot does not keep its own task for ever");
}

#[test]
#[should_panic(expected = "awaited again")]
fn handle_is_awaited_once() {
    let bench = Bench::new();
    let mut handle = bench.start(async {});
    assert!(matches!(poll_once(&mut handle), Poll::Ready(Ok(()))));
    let _ = poll_once(&mut handle);
}

#[test]
fn large_future_and_large_output_go_through() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move {
            let before = [7_u8; 10_000];
            door.pass().await;
            before
        }
    });
    door.open();
    bench.run();
    assert_eq!(result(handle).unwrap(), [7; 10_000]);
}

#[test]
fn over_aligned_output_is_aligned() {
    #[repr(align(128))]
    struct Plate(u8);

    let bench = Bench::new();
    let plate = result(bench.start(async { Box::new(Plate(9)) })).unwrap();
    assert_eq!((plate.0, (&raw const *plate).addr() % 128), (9, 0));
    let plate = result(bench.start(async { Plate(9) })).unwrap();
    assert_eq!(plate.0, 9);
}

#[test]
fn task_of_nothing_is_a_task() {
    let bench = Bench::new();
    result(bench.start(std::future::ready(()))).unwrap();
    assert_eq!(bench.homes.get(), 0);
}
