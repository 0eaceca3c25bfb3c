//! The clock and what is told in its place.

use std::thread;

use pelmeni_driver::clock;

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
                    assert!(before <= latest, "{before:?} is after {latest:?}");
                    assert!(earlier <= latest, "{earlier:?} was told before {latest:?}");
                    earlier = latest;
                }
            });
        }
    });
}
