//! The page of results: `RESULTS.md`, with a table and a chart for each group of rows.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use pelmeni_benches::row::Group;

use crate::cell::{Cell, Column, Line};
use crate::{chart, machine};

/// Writes `RESULTS.md` and `charts/*.svg` into `directory`.
pub(crate) fn write(
    directory: &Path,
    lines: &[Line],
    threads: usize,
    rounds: usize,
    notes: &[String],
) -> io::Result<()> {
    let charts = directory.join("charts");
    fs::create_dir_all(&charts)?;
    let page = page(lines, threads, rounds, notes, &machine::describe());
    fs::write(directory.join("RESULTS.md"), page)?;
    for (group, lines) in groups(lines) {
        let file = charts.join(format!("{}.svg", group.name()));
        fs::write(file, chart::svg(group.name(), &lines))?;
    }
    Ok(())
}

/// Returns the groups that have lines, with these.
fn groups(lines: &[Line]) -> Vec<(Group, Vec<&Line>)> {
    let lines_of = |group| lines.iter().filter(|line| line.entry.group == group).collect();
    Group::ALL
        .into_iter()
        .map(|group| (group, lines_of(group)))
        .filter(|(_, lines): &(_, Vec<_>)| !lines.is_empty())
        .collect()
}

fn page(lines: &[Line], threads: usize, rounds: usize, notes: &[String], machine: &str) -> String {
    let mut page = format!(
        "# Results\n\nWritten by `make compare`. Medians of {rounds} rounds (Python: at most 3), each in a random order, every measurement \
         in a process of its\nown; what is counted is counted once.\n\n{machine}\n\
         - `/1` is one thread (tokio's `current_thread`), `/{threads}` {threads} threads (tokio's `multi_thread`); rows about \
         stalls have 4 workers there\n\
         - *vs/1* is pelmeni on one thread against the best peer on one, *vs/{threads}* many against many, *best/1* and \
         *best/{threads}* either against the\n  best peer in any mode; 2.00 is twice as good: half the time, bytes or count, or twice \
         the speed-up; below 1.00 pelmeni loses\n\
         - a ratio is the median of what each round says, which takes place at one speed of the machine more often than not; \
         `?` marks\n  one of which the rounds leave it open who is ahead: some say one thing and some another, as chance would have \
         it in one case\n  of fifty or more (a sign test)\n\
         - `~` marks rounds that lie more than a quarter apart\n\
         - ratios mean something; absolute numbers of two machines, or of two days, do not\n\
         - where memory is not the row's matter, glibc's `malloc` is told to keep what is freed, and to put it together at once\n"
    );
    if !notes.is_empty() {
        page.push('\n');
        for note in notes {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "- {note}");
        }
    }
    for (group, lines) in groups(lines) {
        let name = group.name();
        let _ = write!(page, "\n## {name}\n\n![bars of {name}](charts/{name}.svg)\n\n");
        page.push_str(&table(&lines, threads));
    }
    page
}

fn table(lines: &[&Line], threads: usize) -> String {
    let Some(first) = lines.first() else { return String::new() };
    let mut head: Vec<String> = vec!["workload".into(), "unit".into()];
    head.extend(first.cells.iter().map(|cell| label(&cell.column, threads)));
    let ratios = [("vs", 1), ("vs", threads), ("best", 1), ("best", threads)];
    head.extend(ratios.map(|(of, threads)| format!("{of}/{threads}")));
    let mut table = row(&head);
    let rule = (0..head.len()).map(|place| if place < 2 { "---" } else { "---:" }.to_owned());
    table.push_str(&row(&rule.collect::<Vec<_>>()));
    for line in lines {
        let mut cells = vec![line.entry.title.trim().to_owned(), line.entry.unit.to_owned()];
        cells.extend(line.cells.iter().map(Cell::text));
        cells.extend(line.ratios());
        table.push_str(&row(&cells));
    }
    table
}

/// Names a column as the page does.
fn label(column: &Column, threads: usize) -> String {
    match column.threads() {
        Some(1) => format!("{}/1", column.name()),
        // Rows with a number of workers of their own stand in the same column.
        Some(_) => format!("{}/{threads}", column.name()),
        None => column.name().to_owned(),
    }
}

/// Returns a line of a table in Markdown.
pub(crate) fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::cell::tests::line;

    #[test]
    fn the_page_has_a_table_and_a_chart_for_each_group_and_the_ratios() {
        let lines = [
            line("yield-1", [10.0, 30.0, 20.0, 50.0, 25.0, 100.0]),
            line("cpu", [1.0, 1.0, 1.0, 2.0, 1.6, 1.0]),
            line("lateness", [60.0; 6]),
        ];
        let page = page(&lines, 2, 5, &["without wrk".to_owned()], "- a machine\n");
        let has = |text: &str| assert!(page.contains(text), "{text}\n{page}");
        has("\n## tasks\n\n![bars of tasks](charts/tasks.svg)\n");
        has("\n## timers\n");
        has(
            "| workload | unit | pelmeni/1 | tokio/1 | smol/1 | pelmeni/2 | tokio/2 | smol/2 | vs/1 | vs/2 | best/1 |",
        );
        has(
            "| yield, 1 task | ns/yield | 10.0 | 30.0 | 20.0 | 50.0 | 25.0 | 100 | 2.00 | 0.50 | 2.00 | 0.40 |",
        );
        has(
            "| speed-up of 16 busy tasks | times | 1.00 | 1.00 | 1.00 | 2.00 | 1.60 | 1.00 | 1.00 | 1.25 |",
        );
        has("- a machine\n");
        has("- without wrk\n");
        assert!(!page.contains("## network"), "a group without lines\n{page}");
    }
}
