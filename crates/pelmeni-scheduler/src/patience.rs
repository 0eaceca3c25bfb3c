//! Whether a thread with nothing to do stays awake for a moment: [`Patience`].
//!
//! What it would sleep for may come sooner than it could wake up. To be awake in vain costs as much as a wake; so it does
//! that the more rarely, the more often it was in vain: each time doubles how many occasions it lets pass, up to 256, and
//! each success halves what the next failure will cost.
//!
//! | who | waits awake for | if |
//! |---|---|---|
//! | a thread of the pool | the next job | one that was sent is awaited, and it is short: [`lookout`](crate::lookout) |
//! | a worker | the end of a job | a thread that is awake has taken it: [`errand`](crate::errand) |
//! | a worker with the turn at a driver | events | there are sources, and all other workers are asleep: [`drive`](crate::drive) |
//!
//! Rejected: *a `sched_yield` now and then, in case the one that will bring it waits for this very core*. It was no better on
//! an idle machine, and made the calls of a lone task slower by half beside two busy loops: each yield gives the slice away.

use std::time::Duration;

use pelmeni_core::primitive::spin_loop;

use crate::cores::IN_MODEL;
use crate::cost::WAKE;
use crate::drive::now;

/// How often what a failure costs can double.
const DOUBT_MAX: u32 = 8;
/// How often to look before a look at the clock, where each is a load.
pub(crate) const LOOKS: usize = 16;
/// How long to stay awake: half as long again as a wake takes. What is waited for is often the answer of somebody who has to
/// wake up for it, and so comes a little later than a wake takes.
const AT_MOST: Duration = Duration::from_nanos(WAKE + WAKE / 2);

/// What one thread, or one place where threads wait, has learnt.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    /// How many failures more than successes there were, within limits.
    doubt: u32,
    /// So many more times to sleep at once.
    skip: u32,
}

impl Patience {
    /// Says whether to stay awake on this occasion.
    pub(crate) fn is_left(&mut self) -> bool {
        let is_left = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        is_left
    }

    /// Stays awake until it has come, if that is likely to pay, and looks so often before a look at the clock. What is there
    /// already teaches nothing.
    pub(crate) fn wait(&mut self, looks: usize, mut has_come: impl FnMut() -> bool) {
        if self.is_left() && !has_come() {
            self.learn(stay_awake(looks, has_come));
        }
    }

    /// It has come in time, or has not.
    pub(crate) fn learn(&mut self, has_come: bool) {
        if has_come {
            self.doubt = self.doubt.saturating_sub(1);
        } else {
            self.skip = 1 << self.doubt;
            self.doubt = (self.doubt + 1).min(DOUBT_MAX);
        }
    }
}

/// Stays awake until it has come, or for [`AT_MOST`]; says whether it has. It looks so often before a look at the clock.
pub(crate) fn stay_awake(looks: usize, mut has_come: impl FnMut() -> bool) -> bool {
    let start = now();
    // In a model time stands still, and whoever stays awake looks once.
    let is_over = || IN_MODEL || now().until(start).unwrap_or_default() >= AT_MOST;
    loop {
        for _ in 0..looks {
            if has_come() {
                return true;
            }
            spin_loop();
        }
        if is_over() {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it stayed awake on so many occasions, where the outcome is the same each time.
    fn awake(patience: &mut Patience, occasions: usize, has_come: bool) -> usize {
        let stays = (0..occasions).filter(|_| {
            let stays = patience.is_left();
            if stays {
                patience.learn(has_come);
            }
            stays
        });
        stays.count()
    }

    #[test]
    fn who_waits_in_vain_soon_gives_up() {
        let mut patience = Patience::default();
        assert!((8..=16).contains(&awake(&mut patience, 1_000, false)));
        assert!(awake(&mut patience, 10_000, false) <= 10_000 / 250);
    }

    #[test]
    fn who_waited_in_vain_comes_back_when_it_pays_again() {
        let mut patience = Patience::default();
        awake(&mut patience, 1_000, false);
        assert!(awake(&mut patience, 1_000, true) > 700);
    }

    #[test]
    fn one_failure_among_successes_costs_one_occasion() {
        let mut patience = Patience::default();
        awake(&mut patience, 100, true);
        assert_eq!(awake(&mut patience, 1, false), 1);
        assert_eq!(awake(&mut patience, 101, true), 100);
    }

    #[test]
    fn what_is_there_already_teaches_nothing() {
        let mut patience = Patience::default();
        patience.learn(false);
        patience.learn(false);
        let before = patience;
        assert!(patience.skip > 0);
        patience.wait(LOOKS, || panic!("it lets this occasion pass"));
        while patience.skip > 0 {
            patience.wait(LOOKS, || panic!("and this one"));
        }
        patience.wait(LOOKS, || true);
        assert_eq!(patience.doubt, before.doubt);
        let mut looks = 0;
        patience.wait(LOOKS, || {
            looks += 1;
            looks == 3
        });
        assert_eq!((patience.doubt, looks), (before.doubt - 1, 3));
    }

    #[test]
    fn ends_when_it_comes_and_when_it_does_not() {
        assert!(stay_awake(LOOKS, || true));
        let start = now();
        assert!(!stay_awake(LOOKS, || false));
        assert!(now().until(start).unwrap() >= AT_MOST);
    }
}
