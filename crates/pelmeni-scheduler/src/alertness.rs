//! How long the monitor pauses between two rounds: [`Alertness`].
//!
//! A round costs some ten microseconds of a core and, where all cores are in use, somebody's place on his. So there are none
//! while nobody works, few while nobody has time (see [`watch`](crate::watch)), and few while all goes well. But polls that
//! last long come in company, so the monitor is *alert* for a while after one:
//!
//! | | pause | so a worker is found stuck after at most |
//! |---|---|---|
//! | alert, and a worker sleeps who could help | [`ROUND`] | the pause and [`CONFIRM`](crate::monitor::CONFIRM) |
//! | alert, and none does | [`ROUND_WHEN_BUSY`], or until one does | the same, or two pauses, if it takes a spare |
//! | not alert | up to [`ROUND_WHEN_CALM`], or [`ROUND_WHEN_BUSY`] while a poll lasts long | the same |
//!
//! It is alarmed only if that can help anybody: a worker sleeps, or none gets on. If all are at work and some get on, nobody has
//! time; and often the long poll is none, because there are fewer cores for them than workers, so that one waits while the other
//! has its slice. If one of them falls asleep, the next round is soon enough.

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
    /// How long the poll has lasted that has lasted longest, or shortest; `None` if nobody is at work.
    pub(crate) longest: Option<Duration>,
    pub(crate) shortest: Option<Duration>,
    /// A worker sleeps.
    pub(crate) anyone_sleeps: bool,
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
    /// Somebody may be stuck.
    fn is_suspicious(self) -> bool {
        self.longest >= Some(ALARMING)
    }

    /// Somebody may be stuck, and there is help: a worker that sleeps, or a spare, if none gets on.
    fn is_alarming(self) -> bool {
        self.is_suspicious() && (self.anyone_sleeps || self.shortest >= Some(ALARMING))
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
        let most = if found.is_suspicious() { ROUND_WHEN_BUSY } else { ROUND_WHEN_CALM };
        self.pause = if is_alert { ROUND } else { (self.pause * 2).min(most) };
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

    /// All workers but one, who sleeps, are at work in polls that have lasted as long.
    fn found(lasts: Duration) -> Found {
        Found { longest: Some(lasts), shortest: Some(lasts), anyone_sleeps: true }
    }

    /// All are at work, and somebody gets on.
    const BUSY: Found = Found { longest: Some(LONG), shortest: Some(SHORT), anyone_sleeps: false };

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
        let pause = |found| Alertness::new(now).after(found, now);
        assert_eq!(
            pause(Found { anyone_sleeps: true, ..BUSY }),
            Pause::For(ROUND),
            "who sleeps comes"
        );
        assert_eq!(pause(BUSY), Pause::For(ROUND * 2), "nobody has time");
        let all_stuck = Found { shortest: Some(LONG), ..BUSY };
        assert_eq!(pause(all_stuck), Pause::WhileBusy(ROUND_WHEN_BUSY), "a spare comes");
    }

    #[test]
    fn long_poll_that_does_not_alarm_is_kept_an_eye_on() {
        let now = Deadline::ZERO + LONG;
        let pauses = after(&mut Alertness::new(now), 6, BUSY, now);
        assert_eq!(pauses[4..], [Pause::For(ROUND_WHEN_BUSY); 2]);
    }

    #[test]
    fn alert_goes_on_for_its_time_while_nobody_has_time() {
        let mut alertness = Alertness::new(Deadline::ZERO);
        let start = Deadline::ZERO + LONG;
        alertness.after(found(LONG), start);
        assert_eq!(alertness.after(BUSY, start + LONG), Pause::WhileBusy(ROUND_WHEN_BUSY));
        assert_eq!(alertness.after(found(SHORT), start + LONG), Pause::For(ROUND));
        assert_eq!(
            alertness.after(BUSY, start + ALERT),
            Pause::For(ROUND * 2),
            "but is not renewed"
        );
    }

    #[test]
    fn rounds_that_find_nobody_end_in_a_sleep() {
        let now = Deadline::ZERO + LONG;
        let mut alertness = Alertness::new(now);
        let nobody = Found { longest: None, shortest: None, anyone_sleeps: true };
        let pauses = after(&mut alertness, 2 * IDLE as usize, nobody, now);
        let sleeps: Vec<_> =
            (1..).zip(pauses).filter(|(_, pause)| *pause == Pause::WhileIdle).collect();
        assert_eq!(sleeps, [(IDLE, Pause::WhileIdle), (2 * IDLE, Pause::WhileIdle)]);
    }
}
