//! The table of the workloads, each written once for every runtime.
//!
//! A workload is an `async fn` that runs as the root of a runtime and returns one number in the unit of its row.
//! To add one: write the function, and add a line to the `rows` of its file.
//!
//! What all of them hold to: the same futures for every runtime; channels that belong to no runtime
//! (`futures::channel::oneshot`, `async-channel`); the default allocator; a fresh process for each measurement (the
//! `compare` program sees to it), so that no runtime finds another's threads or heap.

use crate::rival::Rival;
use crate::row::{Group, Row};
use crate::{blocking, channels, echo, http, memory, outside, stalls, tasks, timers};

/// Returns every workload, for the runtime `R`, in the order of the report.
#[must_use]
pub fn table<R: Rival>() -> Vec<(Group, Row<R>)> {
    let groups = [
        (Group::Tasks, tasks::rows()),
        (Group::Outside, outside::rows()),
        (Group::Blocking, blocking::rows()),
        (Group::Channels, channels::rows()),
        (Group::Timers, timers::rows()),
        (Group::Memory, memory::rows()),
        (Group::Network, echo::rows()),
        (Group::Network, http::rows()),
        (Group::Stalls, stalls::rows()),
    ];
    groups
        .into_iter()
        .flat_map(|(group, rows)| rows.into_iter().map(move |row| (group, row)))
        .collect()
}
