//! The table on the terminal: a line for each row, as soon as it is known.
//!
//! ```text
//!                 |       1 thread         |       n threads        | pelmeni is so many times better | CPython
//!  workload, unit | pelmeni  tokio   smol  | pelmeni  tokio   smol  | 1t/1t   nt/nt   1t/all  nt/all  | asyncio
//! ```
//! "Better by" is 2.00 for half the time, half the bytes or twice the speed-up, and less than 1.00 where pelmeni loses.
//! `1t/1t` holds pelmeni on one thread against the best peer on one thread, `nt/nt` many against many, `1t/all` and
//! `nt/all` either against the best of all four peers. A `~` marks a median whose rounds lie more than a quarter apart.

use std::fmt::Write as _;

use pelmeni_benches::contender::Runtime;

use crate::cell::{Column, Line};

/// Returns what stands above the table.
pub(crate) fn head(columns: &[Column], threads: usize, rounds: usize) -> String {
    let many = format!("{threads} threads");
    let (mut names, mut loops) = (String::new(), String::new());
    for column in columns {
        let line = if column.threads().is_some() { &mut names } else { &mut loops };
        put(line, column, column.name());
    }
    format!(
        "Medians of {rounds} rounds; every measurement in a process of its own.\n\
         1t/1t   pelmeni on 1 thread against the best peer on 1 thread (tokio current_thread, smol)\n\
         nt/nt   pelmeni on {many} against the best peer on {many} (tokio multi_thread, smol)\n\
         ?t/all  either against the best peer in any mode\n\
         A ratio of 2.00 is twice as good: half the time or bytes, or twice the speed-up; \
         below 1.00 pelmeni loses.\n\
         It is the median of what each round says: one round takes place at one speed of the machine, more often than not.\n\
         ~ marks rounds that lie more than a quarter apart; rows about stalls have 4 workers.\n\n\
         {:40} |{:^30} |{:^30} | pelmeni is so many times better\n\
         {:29} {:>10}{names} |  1t/1t  nt/nt 1t/all nt/all{loops}",
        "", "1 thread", many, "workload", "unit",
    )
}

/// Returns one line of the table.
pub(crate) fn line(line: &Line) -> String {
    let mut text = format!("{:29} {:>10}", line.entry.title, line.entry.unit);
    let (runtimes, loops): (Vec<_>, Vec<_>) =
        line.cells.iter().partition(|cell| cell.column.threads().is_some());
    for cell in runtimes {
        put(&mut text, &cell.column, &cell.text());
    }
    text.push_str(" |");
    for ratio in line.ratios() {
        let _ = write!(text, "{ratio:>7}");
    }
    for cell in loops {
        put(&mut text, &cell.column, &cell.text());
    }
    text
}

/// Appends a cell, and before the first of a mode a bar. A mark takes the place behind the number.
fn put(line: &mut String, column: &Column, text: &str) {
    let is_first = match column {
        Column::Runtime(contender) => contender.runtime == Runtime::ALL[0],
        Column::Python(event_loop) => event_loop == "asyncio",
    };
    if is_first {
        line.push_str(" |");
    }
    let mark = if text.ends_with('~') { "" } else { " " };
    // Writing to a string cannot fail.
    let _ = write!(line, "{:>10}", format!("{text}{mark}"));
}
