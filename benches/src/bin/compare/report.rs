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
         ~ marks rounds that lie more than a quarter apart, and ? those that leave it open who is ahead; \
         rows about stalls have 4 workers.\n\n\
         {:40} |{:^30} |{:^30} | pelmeni is so many times better\n\
         {:29} {:>10}{names} |  1t/1t   nt/nt  1t/all  nt/all {loops}",
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
        let mark = if ratio.ends_with('?') { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{:>8}", format!("{ratio}{mark}"));
    }
    for cell in loops {
        put(&mut text, &cell.column, &cell.text());
    }
    text
}

/// Returns what all rows together say of pelmeni on one thread, or on many: who is ahead of it.
pub(crate) fn verdict(lines: &[Line], threads: usize) -> String {
    let behind = |line: &Line| Some((line.entry.key, line.behind(threads > 1)?));
    let rows: Vec<_> =
        lines.iter().filter_map(behind).map(|(key, ratio)| format!("{key} ({ratio:.2})")).collect();
    let rows = if rows.is_empty() { "none".to_owned() } else { rows.join(", ") };
    format!(
        "rows in which a peer on as many threads ({threads}) is ahead by what the rounds agree on: {rows}"
    )
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

#[cfg(test)]
mod tests {
    use super::verdict;
    use crate::cell::tests::line;

    #[test]
    fn verdict_names_the_rows_in_which_a_peer_is_ahead() {
        let lines = [
            line("yield-1", [10.0, 30.0, 20.0, 50.0, 25.0, 100.0]),
            line("lateness", [60.0, 60.0, 60.0, 59.9, 60.0, 60.0]),
        ];
        assert!(verdict(&lines, 1).ends_with("(1) is ahead by what the rounds agree on: none"));
        assert!(verdict(&lines, 2).ends_with("agree on: yield-1 (0.50)"), "and not by a hair");
    }
}
