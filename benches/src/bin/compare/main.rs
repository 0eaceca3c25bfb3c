//! Every workload on every runtime, side by side.
//!
//! For each workload, `rounds` times: each runtime once, in an order that begins one further every round. So a slow
//! minute of the machine, or the heat of the one before, falls on all of them and not on whoever comes last.
//! Progress goes to standard error, the table to standard output, a line as soon as it is known.
//!
//! Exit status: 0; 1 if a measurement failed; 2 if an argument was wrong.

mod args;
mod field;
mod report;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use pelmeni_benches::client::ran_as_client;
use pelmeni_benches::runtimes::Pelmeni;
use pelmeni_benches::workloads::Row;

use args::{Options, Task, USAGE};
use field::{Contender, contenders, measure_here, measure_in_child, rows};
use report::Cell;

/// More load than this, before anything is measured, is somebody else's.
const BUSY: f64 = 0.5;

fn main() -> ExitCode {
    if ran_as_client() {
        return ExitCode::SUCCESS;
    }
    match args::parse(std::env::args().skip(1)) {
        Ok(Task::Compare(options)) => compare(&options),
        Ok(Task::Measure { row, contender, scale }) => match measure_here(&row, contender, scale) {
            Some(value) => {
                println!("{value}");
                ExitCode::SUCCESS
            }
            None => usage_error(&format!("no row `{row}`")),
        },
        Ok(Task::List) => {
            for row in rows() {
                println!("{:16} {} ({})", row.key, row.title, row.unit);
            }
            ExitCode::SUCCESS
        }
        Ok(Task::Help) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(message) => usage_error(&message),
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprintln!("compare: {message}\n{USAGE}");
    ExitCode::from(2)
}

fn compare(options: &Options) -> ExitCode {
    let rows = match chosen(&options.only) {
        Ok(rows) => rows,
        Err(message) => return usage_error(&message),
    };
    if let Some(load) = load_of_the_machine().filter(|&load| load > BUSY) {
        eprintln!("compare: other programs keep this machine busy (load {load}); expect noise");
    }
    let contenders = contenders(options.threads);
    println!("{}", report::head(&contenders, options.rounds));
    let mut failed = false;
    for row in &rows {
        let cells = measure_row(row, &contenders, options);
        failed |= cells.iter().any(Cell::has_failed);
        println!("{}", report::line(row, &cells));
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Returns how many threads wanted to run during the last minute, where the system counts that.
fn load_of_the_machine() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Returns the rows that `only` names, or all of them if it names none.
fn chosen(only: &[String]) -> Result<Vec<Row<Pelmeni>>, String> {
    let mut rows = rows();
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    // A whole key means that row alone: `echo-1` is not `echo-1000`.
    let names = |part: &str, key: &str| {
        if keys.contains(&part) { key == part } else { key.contains(part) }
    };
    if let Some(unknown) = only.iter().find(|part| !keys.iter().any(|key| names(part, key))) {
        return Err(format!("no row has `{unknown}` in its key; --list prints the keys"));
    }
    rows.retain(|row| only.is_empty() || only.iter().any(|part| names(part, row.key)));
    Ok(rows)
}

fn measure_row(row: &Row<Pelmeni>, contenders: &[Contender], options: &Options) -> Vec<Cell> {
    let empty = |&contender| Cell { contender, rounds: Vec::new() };
    let mut cells: Vec<Cell> = contenders.iter().map(empty).collect();
    for round in 0..options.rounds {
        for turn in 0..cells.len() {
            let cell = &mut cells[(round + turn) % contenders.len()];
            let runtime = cell.contender.runtime.name();
            let threads = cell.contender.threads;
            progress(&format!("{}: round {}, {runtime} on {threads}", row.key, round + 1));
            cell.rounds.push(measure_in_child(row.key, cell.contender, options.scale));
        }
    }
    progress("");
    cells
}

/// Overwrites the last line of a terminal; a log gets nothing, the table is its progress.
fn progress(text: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::chosen;

    fn keys(only: &str) -> Vec<&'static str> {
        chosen(&[only.to_owned()]).expect("there is such a row").iter().map(|row| row.key).collect()
    }

    #[test]
    fn a_whole_key_means_one_row_and_a_part_every_row_with_it() {
        assert_eq!(keys("echo-1"), ["echo-1"]);
        assert_eq!(keys("echo-1-"), ["echo-1-core"]);
        assert_eq!(keys("bytes"), ["bytes-parked", "bytes-sleeping"]);
    }

    #[test]
    fn a_row_that_does_not_exist_is_named() {
        let message = chosen(&["tea".to_owned()]).expect_err("there is no such row");
        assert!(message.contains("tea"), "{message}");
    }

    #[test]
    fn keys_are_unique() {
        let mut keys: Vec<_> = super::rows().iter().map(|row| row.key).collect();
        keys.sort_unstable();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }
}
