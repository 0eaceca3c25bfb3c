//! Workloads whose load has a size: to see where a cost per task, timer or connection stops being flat.

use crate::echo::echo;
use crate::memory::{parked_bytes, sleeping_bytes};
use crate::rival::Rival;
use crate::row::Row;
use crate::tasks::{ping_pong, ring, spawn_join, yield_many};
use crate::timers::{dropped, many, sleepers};

/// What there is more and more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Tasks that live at once.
    Tasks,
    /// Timers that are armed at once.
    Timers,
    /// Connections that are open at once.
    Connections,
}

impl Axis {
    /// Returns the sizes to measure.
    #[must_use]
    pub const fn sizes(self) -> &'static [u32] {
        match self {
            Self::Tasks | Self::Timers => &[1_000, 10_000, 100_000, 1_000_000, 10_000_000],
            Self::Connections => &[1, 10, 100, 1_000, 10_000],
        }
    }
}

/// A workload with a size.
#[derive(Clone, Copy, Debug)]
pub struct Growing {
    /// Names it on the command line, as `KEY@SIZE`.
    pub key: &'static str,
    /// Names it in the report.
    pub title: &'static str,
    /// The unit of the number.
    pub unit: &'static str,
    /// What its size counts.
    pub axis: Axis,
    /// More than any runtime needs for each: what does not fit into memory is not tried.
    pub bytes_each: u64,
}

/// All workloads with a size.
pub const GROWING: [Growing; 10] = [
    grows("spawn-join", "spawn all, then join them", "ns/task", Axis::Tasks, 700),
    grows("yield", "yield 10 times in all tasks", "ns/yield", Axis::Tasks, 800),
    grows("ping-pong", "ping-pong over 2 oneshots", "ns/pair", Axis::Tasks, 2_000),
    grows("ring", "4 laps of a ring of all tasks", "ns/hop", Axis::Tasks, 1_000),
    grows("bytes-parked", "memory of a parked task", "bytes", Axis::Tasks, 600),
    grows("timers", "sleeps 100 ns apart", "ns/timer", Axis::Timers, 500),
    grows("sleepers", "tasks that sleep once", "ns/task", Axis::Timers, 800),
    grows("timer-drop", "armed and dropped beside others", "ns/timer", Axis::Timers, 700),
    grows("bytes-sleeping", "memory of a sleeping task", "bytes", Axis::Timers, 700),
    grows("echo", "TCP echo", "us/trip", Axis::Connections, 50_000),
];

const fn grows(
    key: &'static str,
    title: &'static str,
    unit: &'static str,
    axis: Axis,
    bytes_each: u64,
) -> Growing {
    Growing { key, title, unit, axis, bytes_each }
}

/// Returns the row of a workload at one size.
pub(crate) fn row<R: Rival>(key: &str, size: u32) -> Option<Row<R>> {
    let Growing { key, title, unit, .. } = *GROWING.iter().find(|growing| growing.key == key)?;
    Some(match key {
        "spawn-join" => Row::new(key, title, unit, move |scale| spawn_join::<R>(scale, size)),
        "yield" => Row::new(key, title, unit, move |scale| yield_many::<R>(scale, size, 10)),
        "ping-pong" => Row::new(key, title, unit, move |scale| ping_pong::<R>(scale, size)),
        "ring" => Row::new(key, title, unit, move |scale| ring::<R>(scale, size, 4)),
        "bytes-parked" => Row::new(key, title, unit, move |_| parked_bytes::<R>(size)),
        "timers" => Row::new(key, title, unit, move |scale| many::<R>(scale, size)),
        "sleepers" => Row::new(key, title, unit, move |scale| sleepers::<R>(scale, size)),
        "timer-drop" => Row::new(key, title, unit, move |scale| dropped::<R>(scale, size)),
        "bytes-sleeping" => Row::new(key, title, unit, move |_| sleeping_bytes::<R>(size)),
        "echo" => Row::new(key, title, unit, move |scale| echo::<R>(scale, size)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{GROWING, row};
    use crate::runtimes::Pelmeni;

    #[test]
    fn every_key_has_its_workload() {
        for growing in GROWING {
            let row = row::<Pelmeni>(growing.key, 1_000);
            assert_eq!(row.map(|row| row.title), Some(growing.title), "{}", growing.key);
        }
    }
}
