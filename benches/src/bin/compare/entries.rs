//! The rows of the report: every workload, measured by its own clock, and some of them once more, counted or with another
//! allocator.

use std::process::Command;

use pelmeni_benches::clock::Scale;
use pelmeni_benches::contender::{Contender, Runtime};
use pelmeni_benches::http::wrk_is_installed;
use pelmeni_benches::row::{Better, Group};
use pelmeni_benches::runtimes::Pelmeni;
use pelmeni_benches::workloads::table;

use crate::allocations::{self, Counted};
use crate::child::{ALLOCATOR, Failure, PATIENCE, number_of, this_program};
use crate::{args, callgrind, mimalloc};

/// A row of the report.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) group: Group,
    pub(crate) better: Better,
    how: How,
    /// The key of the workload that runs.
    workload: &'static str,
    workers: Option<usize>,
    needs_wrk: bool,
}

/// Where the number of a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Timed,
    WithMimalloc,
    Allocations(Counted),
    Instructions,
}

/// What may be missing on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tools {
    pub(crate) wrk: bool,
    pub(crate) valgrind: bool,
    pub(crate) mimalloc: bool,
}

impl Tools {
    pub(crate) fn find() -> Self {
        Self {
            wrk: wrk_is_installed(),
            valgrind: callgrind::is_installed(),
            mimalloc: mimalloc::is_installed(),
        }
    }
}

impl Entry {
    /// Returns what is missing for this row.
    pub(crate) fn missing(&self, tools: Tools) -> Option<&'static str> {
        match self.how {
            _ if self.needs_wrk && !tools.wrk => Some("wrk"),
            How::Instructions if !tools.valgrind => Some("valgrind"),
            How::WithMimalloc if !tools.mimalloc => Some("mimalloc"),
            _ => None,
        }
    }

    /// Returns whether it is a workload that measures itself, and none once more.
    pub(crate) fn is_timed(&self) -> bool {
        self.how == How::Timed
    }

    /// Returns whether the row makes sense with any number of workers.
    pub(crate) fn has_any_workers(&self) -> bool {
        self.workers.is_none()
    }

    /// Returns how many of so many rounds are worth their time: what is counted does not vary with the machine.
    pub(crate) fn rounds(&self, rounds: usize) -> usize {
        if matches!(self.how, How::Timed | How::WithMimalloc) { rounds } else { 1 }
    }

    /// Returns who runs in the column of `contender`: the one, the one with another number of workers, or nobody.
    pub(crate) fn runner(&self, contender: Contender) -> Option<Contender> {
        match self.workers {
            // Valgrind runs one thread at a time: what several do to each other is not seen.
            _ if self.how == How::Instructions && contender.threads > 1 => None,
            Some(_) if contender.threads == 1 => None,
            Some(threads) => Some(Contender { threads, ..contender }),
            None => Some(contender),
        }
    }

    /// Measures the row on a runtime, in processes of their own.
    pub(crate) fn measure(&self, runner: Contender, scale: Scale) -> Result<f64, Failure> {
        match self.how {
            How::Timed | How::WithMimalloc => {
                let mut command = Command::new(this_program());
                if self.how == How::WithMimalloc {
                    mimalloc::preload(&mut command);
                }
                if self.group == Group::Memory {
                    // They make malloc quicker and keep more than it does by itself.
                    for (name, _) in ALLOCATOR {
                        command.env_remove(name);
                    }
                }
                number_of(command.args(args::measure(self.workload, runner, scale)), PATIENCE)
            }
            How::Allocations(counted) => {
                allocations::per_operation(counted, self.workload, runner, scale)
            }
            How::Instructions => callgrind::per_operation(self.workload, runner, scale),
        }
    }
}

/// Returns the columns of the report: every runtime on one thread, then every runtime on `threads`.
pub(crate) fn contenders(threads: usize) -> Vec<Contender> {
    [1, threads]
        .into_iter()
        .flat_map(|threads| Runtime::ALL.map(|runtime| Contender { runtime, threads }))
        .collect()
}

/// Returns all rows, in the order of the report.
pub(crate) fn entries() -> Vec<Entry> {
    // Titles and units do not depend on the runtime.
    let timed = table::<Pelmeni>().into_iter().map(|(group, row)| Entry {
        key: row.key,
        title: row.title,
        unit: row.unit,
        group,
        better: row.better,
        how: How::Timed,
        workload: row.key,
        workers: row.workers,
        needs_wrk: row.needs_wrk,
    });
    timed.chain(once_more()).collect()
}

/// Returns the rows that measure a workload once more in another way.
fn once_more() -> impl Iterator<Item = Entry> {
    let calls = [
        ("calls-spawn", "allocations, spawn and join", "per task", "spawn-join"),
        ("calls-chain", "allocations, chained spawn", "per link", "chain"),
        ("calls-pair", "allocations, ping-pong", "per pair", "ping-pong"),
        ("calls-outside", "allocations, from outside", "per task", "spawn-outside-1"),
        ("calls-blocking", "allocations, spawn_blocking", "per call", "blocking-1"),
        ("calls-sleep", "allocations, sleep dropped", "per timer", "timer-drop"),
    ];
    let bytes = [("asked-spawn", "bytes asked, spawn and join", "per task", "spawn-join")];
    let instructions = [
        ("count-spawn", "instructions, spawn and join", "per task", "spawn-join"),
        ("count-yield", "instructions, yield", "per yield", "yield-1"),
        ("count-pair", "instructions, ping-pong", "per pair", "ping-pong"),
        ("count-chain", "instructions, chained spawn", "per link", "chain"),
        ("count-sleep", "instructions, sleep dropped", "per timer", "timer-drop"),
        ("count-outside", "instructions, from outside", "per task", "spawn-outside-1"),
        ("count-message", "instructions, 1 producer, 1 consumer", "per message", "channel-1"),
    ];
    let with_mimalloc = [
        ("mi-spawn", "mimalloc, spawn and join", "ns/task", "spawn-join"),
        ("mi-pair", "mimalloc, ping-pong", "ns/pair", "ping-pong"),
        ("mi-chain", "mimalloc, chained spawn", "ns/link", "chain"),
        ("mi-skynet", "mimalloc, skynet", "ns/task", "skynet"),
        ("mi-outside", "mimalloc, from outside", "ns/task", "spawn-outside-1"),
        ("mi-timers", "mimalloc, 100k sleeps", "ns/timer", "timers"),
        ("mi-sleepers", "mimalloc, 100k tasks that sleep", "ns/task", "sleepers"),
    ];
    let entry = |group, how| {
        move |(key, title, unit, workload)| Entry {
            key,
            title,
            unit,
            group,
            better: Better::Lower,
            how,
            workload,
            workers: None,
            needs_wrk: false,
        }
    };
    calls
        .map(entry(Group::Allocations, How::Allocations(Counted::Calls)))
        .into_iter()
        .chain(bytes.map(entry(Group::Allocations, How::Allocations(Counted::Bytes))))
        .chain(instructions.map(entry(Group::Instructions, How::Instructions)))
        .chain(with_mimalloc.map(entry(Group::Mimalloc, How::WithMimalloc)))
}

/// Returns those of `all` that `only` names, or all of them if it names none.
pub(crate) fn chosen(mut all: Vec<Entry>, only: &[String]) -> Result<Vec<Entry>, String> {
    let keys: Vec<_> = all.iter().map(|entry| entry.key).collect();
    // A whole key means that row alone: `echo-1` is not `echo-1000`.
    let names = |part: &str, key: &str| {
        if keys.contains(&part) { key == part } else { key.contains(part) }
    };
    if let Some(unknown) = only.iter().find(|part| !keys.iter().any(|key| names(part, key))) {
        return Err(format!("no row has `{unknown}` in its key; --list prints the keys"));
    }
    all.retain(|entry| only.is_empty() || only.iter().any(|part| names(part, entry.key)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{Entry, Tools, chosen, contenders, entries};

    fn keys(only: &str) -> Vec<&'static str> {
        let chosen = chosen(entries(), &[only.to_owned()]).expect("there is such a row");
        chosen.iter().map(|entry| entry.key).collect()
    }

    fn entry(key: &str) -> Entry {
        entries().into_iter().find(|entry| entry.key == key).expect("there is such a row")
    }

    /// How many threads the runners of a row have, column by column.
    fn threads(key: &str) -> Vec<Option<usize>> {
        let runner = |contender| entry(key).runner(contender).map(|runner| runner.threads);
        contenders(2).into_iter().step_by(3).map(runner).collect()
    }

    #[test]
    fn a_whole_key_means_one_row_and_a_part_every_row_with_it() {
        assert_eq!(keys("echo-1"), ["echo-1"]);
        assert_eq!(keys("echo-1-"), ["echo-1-core"]);
        assert_eq!(keys("bytes"), ["bytes-parked", "bytes-sleeping"]);
    }

    #[test]
    fn a_row_that_does_not_exist_is_named() {
        let message = chosen(entries(), &["tea".to_owned()]).expect_err("there is no such row");
        assert!(message.contains("tea"), "{message}");
    }

    #[test]
    fn keys_are_unique_and_what_is_measured_once_more_has_its_workload() {
        let mut keys: Vec<_> = entries().iter().map(|entry| entry.key).collect();
        keys.sort_unstable();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        for entry in entries() {
            assert!(keys.binary_search(&entry.workload).is_ok(), "{entry:?}");
        }
    }

    #[test]
    fn rows_run_where_they_make_sense() {
        assert_eq!(threads("chain"), [Some(1), Some(2)]);
        assert_eq!(threads("stalled-all"), [None, Some(4)]);
        assert_eq!(threads("count-chain"), [Some(1), None]);
    }

    #[test]
    fn rows_that_need_a_program_say_which() {
        let nothing = Tools { wrk: false, valgrind: false, mimalloc: false };
        let missing = |key| entry(key).missing(nothing);
        let all = ["http", "count-yield", "mi-chain", "yield-1", "calls-spawn"].map(missing);
        assert_eq!(all, [Some("wrk"), Some("valgrind"), Some("mimalloc"), None, None]);
        assert_eq!(entry("http").missing(Tools { wrk: true, ..nothing }), None);
    }
}
