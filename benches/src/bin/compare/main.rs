//! Every workload on every runtime, side by side.
//!
//! For each row, `rounds` times: each runtime once, in an order that is drawn anew every round. So a slow minute of the
//! machine falls on all of them and not on whoever comes last, and nobody always comes after the same one, whose heat or
//! choice of a core would be part of what it measures.
//! Progress goes to standard error, the table to standard output, a line as soon as it is known.
//!
//! | what | where |
//! |---|---|
//! | the rows | `entries`; counted ones are measured by `allocations` and `callgrind`, some once more with `mimalloc` |
//! | a measurement | a process of its own (`child`): this program with `--measure`, or `python` |
//! | what comes of it | `cell`: medians and ratios; `report` on the terminal, `results` and `chart` as files |
//! | the machine | `machine`, and `distance`: how far apart its cores are |
//! | growth | `growth`: a plan, and a page of its own |
//!
//! Exit status: 0; 1 if a measurement failed; 2 if an argument was wrong.

mod allocations;
mod args;
mod callgrind;
mod cell;
mod chart;
mod child;
mod distance;
mod entries;
mod growth;
mod machine;
mod mimalloc;
mod python;
mod report;
mod results;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use pelmeni_benches::client::ran_as_client;
use pelmeni_benches::{contender, descriptors};

use args::{Options, Task, USAGE};
use cell::{Cell, Column, Line};
use distance::Distance;
use entries::{Entry, Tools, chosen, contenders, entries};
use python::Python;

/// More load than this, before anything is measured, is somebody else's.
const BUSY: f64 = 0.5;

fn main() -> ExitCode {
    if ran_as_client() {
        return ExitCode::SUCCESS;
    }
    match args::parse(std::env::args().skip(1)) {
        Ok(Task::Compare(options)) => compare(&options),
        Ok(Task::Growth(options)) => {
            warn_of_load();
            match growth::run(&options) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                Err(message) => usage_error(&message),
            }
        }
        Ok(Task::Measure { row, contender, scale }) => {
            descriptors::allow_all();
            match contender::measure(&row, contender, scale) {
                Some(value) => {
                    println!("{value}");
                    ExitCode::SUCCESS
                }
                None => usage_error(&format!("no row `{row}`")),
            }
        }
        Ok(Task::List) => {
            for entry in entries() {
                println!("{:16} {} ({})", entry.key, entry.title.trim(), entry.unit);
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

fn warn_of_load() {
    if let Some(load) = machine::load().filter(|&load| load > BUSY) {
        eprintln!("compare: other programs keep this machine busy (load {load}); expect noise");
    }
}

fn compare(options: &Options) -> ExitCode {
    let mut rows = match chosen(entries(), &options.only) {
        Ok(rows) => rows,
        Err(message) => return usage_error(&message),
    };
    warn_of_load();
    let (tools, python) = (Tools::find(), Python::find());
    let mut notes = notes(&rows, tools, &python);
    rows.retain(|entry| entry.missing(tools).is_none());
    let columns = columns(options.threads, &python);
    println!("{}", report::head(&columns, options.threads, options.rounds));
    let (mut lines, mut distance) = (Vec::new(), Distance::default());
    for entry in rows {
        distance.look();
        let line = measure_row(entry, &columns, &python, options);
        println!("{}", report::line(&line));
        lines.push(line);
    }
    notes.extend(distance.note());
    notes.extend([1, options.threads].map(|threads| report::verdict(&lines, threads)));
    println!();
    for note in &notes {
        println!("{note}");
    }
    if let Some(directory) = &options.write
        && let Err(error) =
            results::write(directory, &lines, options.threads, options.rounds, &notes)
    {
        eprintln!("compare: the results cannot be written to {}: {error}", directory.display());
        return ExitCode::FAILURE;
    }
    let failed = lines.iter().flat_map(|line| &line.cells).any(Cell::has_failed);
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Returns what the reader has to know about what is there and what is not.
fn notes(rows: &[Entry], tools: Tools, python: &Python) -> Vec<String> {
    let mut notes = Vec::new();
    for tool in ["wrk", "valgrind", "mimalloc"] {
        let left_out: Vec<_> = rows
            .iter()
            .filter(|entry| entry.missing(tools) == Some(tool))
            .map(|entry| entry.key)
            .collect();
        if !left_out.is_empty() {
            notes.push(format!("{tool} is not installed; left out: {}", left_out.join(", ")));
        }
    }
    if python.loops.is_empty() {
        notes.push("python3 3.11 or newer is not installed; asyncio is left out".to_owned());
    } else {
        let uvloop = if python.loops.len() > 1 { "" } else { "; uvloop is not installed" };
        notes.push(format!("CPython {}, with smaller loads{uvloop}", python.version));
    }
    notes
}

fn columns(threads: usize, python: &Python) -> Vec<Column> {
    let loops = python.loops.iter().cloned().map(Column::Python);
    contenders(threads).into_iter().map(Column::Runtime).chain(loops).collect()
}

fn measure_row(entry: Entry, columns: &[Column], python: &Python, options: &Options) -> Line {
    let empty = |column: &Column| Cell { column: column.clone(), rounds: Vec::new() };
    let mut cells: Vec<Cell> = columns.iter().map(empty).collect();
    let mut order: Vec<usize> = (0..columns.len()).collect();
    for round in 0..entry.rounds(options.rounds) {
        fastrand::shuffle(&mut order);
        for &place in &order {
            let cell = &mut cells[place];
            if round >= cell.column.rounds(options.rounds) {
                continue;
            }
            let name = cell.column.name();
            let threads = cell.column.threads().unwrap_or(1);
            progress(&format!("{}: round {}, {name} on {threads}", entry.key, round + 1));
            let result = match &cell.column {
                Column::Runtime(contender) => {
                    entry.runner(*contender).map(|runner| entry.measure(runner, options.scale))
                }
                Column::Python(event_loop) => python
                    .has(entry.key)
                    .then(|| python::measure(entry.key, event_loop, options.scale)),
            };
            cell.rounds.extend(result);
        }
    }
    progress("");
    Line { entry, cells }
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
    use super::{Tools, notes};
    use crate::entries::entries;
    use crate::python::Python;

    #[test]
    fn what_is_left_out_is_said() {
        let nothing = Tools { wrk: false, valgrind: false, mimalloc: false };
        let notes_then = notes(&entries(), nothing, &Python::default());
        assert!(notes_then[0].contains("wrk") && notes_then[0].contains("http"), "{notes_then:?}");
        assert!(notes_then[1].contains("valgrind") && notes_then[1].contains("count-yield"));
        assert!(notes_then[2].contains("mimalloc") && notes_then[2].contains("mi-spawn"));
        assert!(notes_then[3].contains("python3"));
        let all = Tools { wrk: true, valgrind: true, mimalloc: true };
        assert_eq!(notes(&entries(), all, &Python::default()).len(), 1);
    }
}
