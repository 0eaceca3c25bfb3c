//! How long the monitor pauses between two rounds: [`Alertness`].
//!
//! A round costs some ten microseconds of a core and, where all cores are in use, somebody's place on his. So there are none
//! while nobody works, few while nobody has time (see [`watch`](crate::watch)), and few while all goes well. But polls that
//! last long come in company, so the monitor is *alert* for a while after one, if that can help anybody: a worker sleeps,
//! or none gets on, and a spare may come. If all are at work and some get on, nobody has time; and often the long poll is none,
//! because there are fewer cores for them than workers, so that one waits while the other has its slice.

use std::time::Duration;

use crate::drive::Deadline;

/// How long the monitor pauses between two rounds while it is alert.
const ROUND: Duration = Duration::from_micros(500);
/// The same when nobody sleeps who could help. A spare can, and the second round that sees a poll may send it.
pub(crate) const ROUND_WHEN_BUSY: Duration = Duration::from_millis(5);
/// How long the pause becomes when it is not.
const ROUND_WHEN_CALM: Duration = Duration::from_millis(10);
/// How long it stays alert after a poll that was [`ALARMING`].
const ALERT: Duration = Duration::from_millis(200);
/// How long such a poll has lasted: longer than the kernel takes a thread off its core for, which looks the same from here.
pub(crate) const ALARMING: Duration = Duration::from_millis(4);
/// After how many rounds without anybody at work the monitor sleeps: having to wake it must be rare.
const IDLE: u32 = 16;

/// What the monitor has learnt from its rounds so far.
#[derive(Debug)]
pub(crate) struct Alertness {
    until: Deadline,
    /// The pause before the last round.
    pause: Duration,
    /// How many rounds in a row have found nobody at work.
    idle: u32,
}

/// What a round has found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// How long the poll has lasted that has lasted longest; `None` if nobody is at work.
    pub(crate) longest: Option<Duration>,
    /// A worker sleeps.
    pub(crate) anyone_sleeps: bool,
    /// A worker is at work and not stuck.
    pub(crate) anyone_gets_on: bool,
}

/// What comes before the next round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// So much time.
    For(Duration),
    /// A sleep, for as long as all workers sleep.
    WhileIdle,
    /// A sleep, for as long as no worker does, and for this time at most.
    WhileBusy(Duration),
}

impl Found {
    fn is_alarming(self) -> bool {
        self.longest >= Some(ALARMING) && (self.anyone_sleeps || !self.anyone_gets_on)
    }
}

impl Alertness {
    /// All is calm.
    pub(crate) fn new(now: Deadline) -> Alertness {
        Alertness { until: now, pause: ROUND, idle: 0 }
    }

    /// Says what comes after a round that has ended now.
    pub(crate) fn after(&mut self, found: Found, now: Deadline) -> Pause {
        if found.is_alarming() {
            self.until = now + ALERT;
        }
        let is_alert = !self.until.has_passed(now);
        self.pause = if is_alert { ROUND } else { (self.pause * 2).min(ROUND_WHEN_CALM) };
        self.idle = if found.longest.is_none() { self.idle + 1 } else { 0 };
        if self.idle == IDLE {
            self.idle = 0;
            Pause::WhileIdle
        } else if is_alert && !found.anyone_sleeps {
            Pause::WhileBusy(ROUND_WHEN_BUSY)
        } else {
            Pause::For(self.pause)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_millis(20);

    fn found(longest: Duration) -> Found {
        Found { longest: Some(longest), anyone_sleeps: true, anyone_gets_on: true }
    }

    /// What comes after so many rounds, each of which has found this.
    fn after(alertness: &mut Alertness, rounds: usize, found: Found, now: Deadline) -> Vec<Pause> {
        (0..rounds).map(|_| alertness.after(found, now)).collect()
    }

    #[test]
    fn rounds_become_rare_while_all_goes_well() {
        let now = Deadline::ZERO + LONG;
        let pauses = after(&mut Alertness::new(now), 6, found(SHORT), now);
        let millis = [1, 2, 4, 8, 10, 10].map(|millis| Pause::For(Duration::from_millis(millis)));
        assert_eq!(pauses, millis);
    }

    #[test]
    fn one_long_poll_makes_them_frequent_for_a_while() {
        let mut alertness = Alertness::new(Deadline::ZERO);
        let start = Deadline::ZERO + LONG;
        assert_eq!(alertness.after(found(LONG), start), Pause::For(ROUND));
        let last = start + (ALERT - Duration::from_micros(1));
        assert_eq!(after(&mut alertness, 3, found(SHORT), last), [Pause::For(ROUND); 3]);
        assert_eq!(alertness.after(found(SHORT), start + ALERT), Pause::For(ROUND * 2));
    }

    #[test]
    fn long_poll_alarms_only_if_there_is_help() {
        let now = Deadline::ZERO + LONG;
        let pause = |anyone_sleeps, anyone_gets_on| {
            let found = Found { longest: Some(LONG), anyone_sleeps, anyone_gets_on };
            Alertness::new(now).after(found, now)
        };
        assert_eq!(pause(true, true), Pause::For(ROUND), "who sleeps comes");
        assert_eq!(pause(true, false), Pause::For(ROUND));
        assert_eq!(pause(false, false), Pause::WhileBusy(ROUND_WHEN_BUSY), "a spare comes");
        assert_eq!(pause(false, true), Pause::For(ROUND * 2), "all are at work, and get on");
    }

    #[test]
    fn rounds_that_find_nobody_end_in_a_sleep() {
        let now = Deadline::ZERO + LONG;
        let mut alertness = Alertness::new(now);
        let nobody = Found { longest: None, anyone_sleeps: true, anyone_gets_on: false };
        let pauses = after(&mut alertness, 2 * IDLE as usize, nobody, now);
        let sleeps: Vec<_> =
            (1..).zip(pauses).filter(|(_, pause)| *pause == Pause::WhileIdle).collect();
        assert_eq!(sleeps, [(IDLE, Pause::WhileIdle), (2 * IDLE, Pause::WhileIdle)]);
    }
}
