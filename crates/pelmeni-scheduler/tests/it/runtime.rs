//! What a runtime shows of itself: counts, names, words.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use pelmeni_scheduler::{
    Builder, Handle, Runtime, Sleep, Stats, TaskBuilder, spawn, spawn_blocking,
};

use crate::watchdog::watch;

fn each(test: impl Fn(&Runtime, usize)) {
    let _watched = watch("runtime");
    for threads in [1, 2, 8] {
        let runtime = Builder::new().threads(threads).build().unwrap();
        test(&runtime, threads);
        let report = runtime.close();
        assert!(report.is_clean(), "{threads} threads: {report}");
    }
}

#[test]
fn a_seat_for_each_thread_and_one_for_the_substitute() {
    each(|runtime, threads| {
        let Stats { workers, tasks, blocking_threads, .. } = runtime.stats();
        assert_eq!(workers.len(), if threads == 1 { 1 } else { threads + 1 });
        assert_eq!((tasks, blocking_threads), (0, 0));
    });
}

#[test]
fn spawns_are_counted_where_they_happen() {
    each(|runtime, _| {
        runtime.run(async {
            for _ in 0..10 {
                spawn(async {}).await.unwrap();
            }
        });
        let outside = runtime.handle().spawn(async {}); // counted nowhere: no worker has spawned it
        runtime.run(async { outside.await.unwrap() });
        let spawns: u64 = runtime.stats().workers.iter().map(|worker| worker.spawns).sum();
        assert_eq!(spawns, 10 + 2, "the tasks and the two roots");
    });
}

#[test]
fn threads_have_the_names_that_the_builder_gave() {
    let _watched = watch("runtime::threads_have_the_names_that_the_builder_gave");
    let runtime = Builder::new().threads(3).name("cook").stack_size(256 * 1024).build().unwrap();
    let names: Vec<String> = (0..50)
        .map(|_| {
            let (to, from) = std::sync::mpsc::channel();
            drop(runtime.handle().spawn(async move {
                to.send(thread::current().name().unwrap().to_string()).unwrap();
            }));
            from.recv().unwrap()
        })
        .collect();
    assert!(names.iter().all(|name| name.starts_with("cook-worker-")), "{names:?}");
    assert!(runtime.close().is_clean());
}

#[test]
fn a_sleep_in_a_future_of_ones_own() {
    each(|runtime, _| {
        let start = Instant::now();
        runtime.run(async {
            let mut nap = pin!(Sleep::new(Duration::from_millis(3)));
            assert!(!nap.is_elapsed());
            poll_fn(|cx| nap.as_mut().poll(cx)).await;
            assert!(nap.is_elapsed());
            // Whatever the budget is, and again after its end.
            assert!(poll_fn(|cx| Poll::Ready(nap.as_mut().poll_deadline(cx))).await.is_ready());
            // Another deadline begins another sleep.
            let later = Instant::now() + Duration::from_millis(3);
            nap.as_mut().reset(later);
            nap.as_mut().await;
            assert!(Instant::now() >= later);
            // A sleep of one worker whose deadline a thread of the pool moves: that worker is woken for it.
            let mut far = Box::pin(Sleep::new(Duration::from_secs(3600)));
            assert!(poll_fn(|cx| Poll::Ready(far.as_mut().poll(cx))).await.is_pending());
            let mut near = spawn_blocking(move || {
                far.as_mut().reset(Instant::now() + Duration::from_millis(1));
                far
            })
            .await
            .unwrap();
            Pin::new(&mut near).await;
        });
        assert!(start.elapsed() >= Duration::from_millis(7));
    });
}

#[test]
fn calls_are_made_and_taken_back() {
    each(|runtime, _| {
        let calls = Arc::new(AtomicUsize::new(0));
        let call = || {
            let calls = calls.clone();
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        let handle = runtime.handle();
        let soon = handle.call_soon(call());
        let later = handle.call_later(Duration::from_millis(2), call());
        let at = handle.call_at(Instant::now() + Duration::from_millis(3), call());
        let never = handle.call_later(Duration::from_secs(3600), call());
        never.clone().cancel();
        runtime.run(async {
            while !(soon.is_finished() && later.is_finished() && at.is_finished()) {
                Sleep::new(Duration::from_micros(200)).await;
            }
            while !never.is_finished() {
                Sleep::new(Duration::from_micros(200)).await;
            }
        });
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn a_name_and_a_place_of_somebody_elses_choice() {
    each(|runtime, _| {
        runtime.run(async {
            #[track_caller]
            fn on_behalf_of_the_caller() -> TaskBuilder {
                TaskBuilder::new().location(std::panic::Location::caller())
            }
            let line = line!() + 1;
            let builder = on_behalf_of_the_caller();
            let burn = async { panic!("no") };
            let error = builder.name("soup").spawn(burn).await.unwrap_err();
            let task = error.task().unwrap();
            assert_eq!((task.name(), task.location().line()), (Some("soup"), line));
        });
    });
}

#[test]
fn a_runtime_says_what_it_is() {
    each(|runtime, threads| {
        let text = format!("{runtime:?}");
        assert!(text.starts_with("Runtime") && text.contains(&threads.to_string()), "{text}");
        let handle: Handle = runtime.handle().clone();
        assert!(format!("{handle:?}").starts_with("Handle"));
    });
}
