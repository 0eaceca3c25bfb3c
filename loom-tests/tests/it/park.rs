//! The sleep token of a thread.

use loom::sync::Arc;
use loom::thread;
use pelmeni_core::park::{Parker, Unparked};
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_loom_tests::{Model, reach};

/// A parker and a number that is no synchronisation by itself.
#[derive(Default)]
struct Bed {
    parker: Parker,
    level: AtomicUsize,
}

impl Bed {
    /// Adds to the level, then unparks.
    fn add_and_unpark(&self) -> Unparked {
        self.level.fetch_add(1, Ordering::Relaxed);
        self.parker.unpark()
    }

    /// Parks until the level is reached.
    fn park_until(&self, level: usize) -> usize {
        let mut parks = 0;
        while self.level.load(Ordering::Relaxed) < level {
            self.parker.park(None);
            parks += 1;
        }
        parks
    }
}

/// An unpark ends the sleep whenever it comes: before, while the sleeper lies down, or after. Twice in a row.
#[test]
fn unpark_while_lying_down() {
    Model::new("park::unpark_while_lying_down").check(|| {
        let bed = Arc::new(Bed::default());
        let other = thread::spawn({
            let bed = bed.clone();
            move || {
                let _ = bed.add_and_unpark();
                let _ = bed.add_and_unpark();
            }
        });
        bed.park_until(1);
        bed.park_until(2);
        other.join().unwrap();
    });
}

/// Two unpark at once: tokens coalesce, what either has written is seen, and each sleep is ended by one of them.
#[test]
fn two_unpark_one() {
    let cases = &["one park for both", "one park for each", "rung"];
    Model::new("park::two_unpark_one").reaches(cases).check(|| {
        let bed = Arc::new(Bed::default());
        let others =
            [bed.clone(), bed.clone()].map(|bed| thread::spawn(move || bed.add_and_unpark()));
        let parks = bed.park_until(2);
        match parks {
            1 => reach("one park for both"),
            2 => reach("one park for each"),
            0 => {}
            parks => panic!("{parks} parks for two tokens"),
        }
        let found = others.map(|other| other.join().unwrap());
        let rung = found.iter().filter(|found| **found == Unparked::Rung).count();
        assert!(rung <= parks, "{rung} have ended {parks} sleeps");
        if rung > 0 {
            reach("rung");
        }
    });
}

/// A thread that waits elsewhere is either told so before it goes, or the caller is told to interrupt its wait.
#[test]
fn unpark_while_leaving_for_elsewhere() {
    let cases = &["kept from going", "interrupted", "too late"];
    Model::new("park::unpark_while_leaving_for_elsewhere").reaches(cases).check(|| {
        let bed = Arc::new(Bed::default());
        // Stands for the wait elsewhere: an interruption is a token of it.
        let elsewhere = Arc::new(Parker::new());
        let other = thread::spawn({
            let (bed, elsewhere) = (bed.clone(), elsewhere.clone());
            move || {
                if bed.add_and_unpark() == Unparked::Elsewhere(0) {
                    let _ = elsewhere.unpark();
                }
            }
        });
        if bed.level.load(Ordering::Relaxed) == 1 {
            reach("too late");
        } else if bed.parker.leave_for(0) {
            elsewhere.park(None);
            bed.parker.come_back();
            reach("interrupted");
        } else {
            reach("kept from going");
        }
        assert_eq!(bed.level.load(Ordering::Relaxed), 1);
        other.join().unwrap();
    });
}
