//! The clock and what is told in its place.

use std::thread;
use std::time::Duration;

use pelmeni_driver::{Deadline, clock};

const LATE_MAX: Duration = Duration::from_micros(15);

#[test]
fn no_time_from_now_is_now() {
    for _ in 0..10 {
        let _ = Deadline::after(Duration::MAX); // from here on the time is an estimate
        assert!(Deadline::after(Duration::ZERO) <= clock::now());
    }
}

#[test]
fn latest_is_never_before_the_clock_whatever_core_a_thread_is_on() {
    const THREADS: usize = 8; // more than cores, so that they change places
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut earlier = clock::latest();
                for _ in 0..100_000 {
                    let before = clock::now();
                    let latest = clock::latest();
                    let after = clock::now();
                    assert!(before <= latest, "{before:?} is after {latest:?}");
                    assert!(latest <= after + LATE_MAX, "{latest:?} is late at {after:?}");
                    assert!(earlier <= latest, "{earlier:?} was told before {latest:?}");
                    earlier = latest;
                }
            });
        }
    });
}
