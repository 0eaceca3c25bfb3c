//! How far apart the cores are: what a line of the cache takes from one to the other.
//!
//! A virtual machine has its cores where its host puts them, and its host may move them. Between some it takes ten times as long
//! as between others, and a row whose tasks change cores then takes twice as long, on every runtime. A page that says how
//! far apart they were tells the reader why two pages differ.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{hint, thread};

use pelmeni_benches::clock::{nanoseconds, now};

/// How often a line goes from one to the other at a time; it is an even number.
const TURNS: u32 = 1_000;
/// The least of so many times counts: during the others, another program may have had one of the cores.
const TIMES: usize = 5;
/// After so many looks the other side is probably waiting for this very core.
const LOOKS: u32 = 10_000;

/// In nanoseconds, the least and the most that was found.
#[derive(Debug, Default)]
pub(crate) struct Distance(Option<(f64, f64)>);

impl Distance {
    /// Finds out how far apart two cores are now, if there are as many.
    pub(crate) fn look(&mut self) {
        if thread::available_parallelism().map_or(1, usize::from) > 1 {
            self.learn((0..TIMES).map(|_| crossing()).fold(f64::MAX, f64::min));
        }
    }

    fn learn(&mut self, found: f64) {
        let (least, most) = self.0.unwrap_or((found, found));
        self.0 = Some((least.min(found), most.max(found)));
    }

    /// Says what was found.
    pub(crate) fn note(&self) -> Option<String> {
        let (least, most) = self.0?;
        Some(format!(
            "a line of the cache went from one core to another in {least:.0} to {most:.0} ns; rows whose tasks change cores \
             follow that"
        ))
    }
}

/// What one way takes, in nanoseconds.
fn crossing() -> f64 {
    let line = AtomicU32::new(0);
    // Waits for its turn and passes it on, for each of these. Relaxed: nothing else travels with it.
    let play = |turns: Range<u32>| {
        for turn in turns.step_by(2) {
            let mut looks = 0;
            while line.load(Ordering::Relaxed) != turn {
                looks += 1;
                if looks < LOOKS { hint::spin_loop() } else { thread::yield_now() }
            }
            line.store(turn + 1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| play(1..2 * TURNS));
        play(0..TURNS); // the other thread has to start first
        let start = now();
        play(TURNS..2 * TURNS);
        nanoseconds(start.elapsed()) / f64::from(TURNS)
    })
}

#[cfg(test)]
mod tests {
    use super::Distance;

    #[test]
    fn the_least_and_the_most_are_said() {
        let mut distance = Distance::default();
        assert_eq!(distance.note(), None);
        [24.4, 208.3, 31.0].into_iter().for_each(|found| distance.learn(found));
        let note = distance.note().unwrap();
        assert!(note.contains("in 24 to 208 ns"), "{note}");
    }

    #[test]
    fn a_look_ends_and_finds_something() {
        let mut distance = Distance::default();
        distance.look();
        let cores = std::thread::available_parallelism().unwrap().get();
        assert_eq!(distance.0.is_some(), cores > 1);
        assert!(distance.0.is_none_or(|(least, _)| least > 0.0), "{distance:?}");
    }
}
