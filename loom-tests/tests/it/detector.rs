//! The detector itself: what the models rely on fails when it should.
//!
//! The failing programs are tests that are ignored; each is run by another one in a process of its own, because loom's
//! reports end the process as a rule (they panic again while a half-run program is cleaned up).

use std::env;
use std::future::pending;
use std::process::Command;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use pelmeni_core::primitive::atomic::{AtomicBool, AtomicUsize, Ordering};
use pelmeni_loom_tests::{Model, Queue, reach};

/// Runs one of the ignored tests and expects it to fail with this word in its report.
fn assert_fails(test: &str, expected: &str) {
    let program = env::current_exe().unwrap();
    let run = ["--ignored", "--nocapture", "--exact", test];
    let output = Command::new(program).args(run).output().unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{test} passes");
    assert!(report.contains(expected), "{test} fails without a word of {expected:?}: {report}");
}

/// Tasks are allocated where loom can see it.
#[test]
fn forgotten_task_is_reported() {
    assert_fails("detector::forgets_a_task", "leaked");
}

#[test]
#[ignore = "fails, as forgotten_task_is_reported expects"]
fn forgets_a_task() {
    Model::new("detector::forgets_a_task").check(|| {
        let (runnable, handle) = Queue::new().make(pending::<()>());
        std::mem::forget(runnable);
        drop(handle);
    });
}

#[test]
fn lost_wake_up_is_reported() {
    assert_fails("detector::loses_a_wake_up", "deadlock");
}

/// Looks at the flag and then sleeps, without holding the lock in between.
#[test]
#[ignore = "fails, as lost_wake_up_is_reported expects"]
fn loses_a_wake_up() {
    Model::new("detector::loses_a_wake_up").check(|| {
        let shared = Arc::new((AtomicBool::new(false), Mutex::new(()), Condvar::new()));
        let other = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.0.store(true, Ordering::SeqCst);
                shared.2.notify_one();
            }
        });
        if !shared.0.load(Ordering::SeqCst) {
            drop(shared.2.wait(shared.1.lock().unwrap()));
        }
        other.join().unwrap();
    });
}

#[test]
fn missing_fence_is_reported() {
    assert_fails("detector::misses_a_fence", "both came first");
}

/// Two threads raise a flag each and look at the other's: without fences between, both may see it down.
#[test]
#[ignore = "fails, as missing_fence_is_reported expects"]
fn misses_a_fence() {
    Model::new("detector::misses_a_fence").check(|| {
        let flags = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let other = thread::spawn({
            let flags = flags.clone();
            move || {
                flags[0].store(1, Ordering::Relaxed);
                flags[1].load(Ordering::Relaxed)
            }
        });
        flags[1].store(1, Ordering::Relaxed);
        let seen = flags[0].load(Ordering::Relaxed);
        assert!(seen + other.join().unwrap() > 0, "both came first");
    });
}

/// The runtime contains panics, and loom complains by panicking.
#[test]
fn panic_inside_a_task_is_reported() {
    assert_fails("detector::panics_inside_a_task", "caught inside the model");
}

#[test]
#[ignore = "fails, as panic_inside_a_task_is_reported expects"]
fn panics_inside_a_task() {
    Model::new("detector::panics_inside_a_task").check(|| {
        let queue = Queue::new();
        drop(queue.spawn(async { panic!("nobody joins this task") }));
        queue.run();
    });
}

/// Loom alone would not see that the first load can come last, because the other thread loads before it exchanges.
#[test]
fn load_before_an_exchange_hides_nothing() {
    let cases = &["before the exchange", "after the exchange"];
    Model::new("detector::load_before_an_exchange_hides_nothing").reaches(cases).check(|| {
        let number = Arc::new(AtomicUsize::new(0));
        let other = thread::spawn({
            let number = number.clone();
            move || {
                let seen = number.load(Ordering::Relaxed);
                let _ = number.compare_exchange(seen, 1, Ordering::Relaxed, Ordering::Relaxed);
            }
        });
        reach(match number.load(Ordering::Relaxed) {
            0 => "before the exchange",
            _ => "after the exchange",
        });
        other.join().unwrap();
    });
}

/// The driver keeps its models, and `driver.rs` must run them all: one that is added there is added here.
#[test]
fn no_model_of_the_driver_is_forgotten() {
    let source = include_str!("driver.rs");
    for model in pelmeni_driver::model::MODELS {
        assert!(
            source.contains(&format!("check(\"{}\")", model.name)),
            "{} is not run",
            model.name
        );
    }
}

/// A model that never gets into the race that it is about proves nothing.
#[test]
fn missed_case_is_reported() {
    assert_fails("detector::misses_a_case", "never came to these cases");
}

#[test]
#[ignore = "fails, as missed_case_is_reported expects"]
fn misses_a_case() {
    Model::new("detector::misses_a_case").reaches(&["never"]).check(|| {});
}

/// A model that is too large fails, instead of passing for what was seen of it.
#[test]
fn model_cut_short_is_reported() {
    assert_fails("detector::takes_too_long", "was cut short");
}

#[test]
#[ignore = "fails, as model_cut_short_is_reported expects"]
fn takes_too_long() {
    Model::new("detector::takes_too_long").budget(std::time::Duration::ZERO).check(|| {
        let number = Arc::new(AtomicUsize::new(0));
        let others = [(); 3].map(|()| {
            let number = number.clone();
            thread::spawn(move || {
                for _ in 0..4 {
                    number.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        for other in others {
            other.join().unwrap();
        }
    });
}
