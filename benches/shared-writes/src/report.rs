//! The table of all operations beside tokio's figures, and the places in the source behind each line of it.

use std::fmt::{self, Write};

use crate::course::{Cost, measure};
use crate::operations::{ALL, ASLEEP, Operation};

/// How often each operation is done on each worker.
pub const TIMES: usize = 10_000;

/// One operation, and what it costs on one worker and on two.
#[derive(Debug)]
pub struct Line {
    operation: &'static Operation,
    one: Cost,
    two: Option<Cost>,
}

/// Measures all operations.
pub fn lines() -> Vec<Line> {
    let line = |operation: &'static Operation| {
        let two = Some(measure(operation, 2, TIMES));
        Line { operation, one: measure(operation, 1, TIMES), two }
    };
    let mut lines: Vec<_> = ALL.into_iter().map(line).collect();
    // Two workers that sleep have no operation in common: one of them waits for the kernel, the other one is called by it.
    lines.push(Line { operation: &ASLEEP, one: measure(&ASLEEP, 1, TIMES), two: None });
    lines
}

/// The table, in Markdown.
///
/// # Errors
/// Those of `out`.
pub fn table(lines: &[Line], out: &mut impl Write) -> fmt::Result {
    writeln!(
        out,
        "| per operation | 1 worker: rmw | fences | 2 workers: rmw | shared | fences | tokio: rmw | shared |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    for Line { operation, one, two } in lines {
        let [exchanges, _, fences] = one.each();
        write!(out, "| {} | {exchanges:.2} | {fences:.2} |", operation.name)?;
        match two.as_ref().map(Cost::each) {
            Some([exchanges, shared, fences]) => {
                write!(out, " {exchanges:.2} | {shared:.2} | {fences:.2} |")?;
            }
            None => write!(out, " - | - | - |")?,
        }
        let [exchanges, shared] = operation.tokio;
        writeln!(out, " {exchanges} | {shared} |")?;
    }
    Ok(())
}

/// Where a cost comes from, the dearest place first.
///
/// # Errors
/// Those of `out`.
pub fn places(cost: &Cost, out: &mut impl Write) -> fmt::Result {
    let mut places: Vec<_> = cost
        .tally
        .places()
        .map(|(file, line, counts)| (cost.share(counts), format!("{file}:{line}")))
        .filter(|(share, _)| share.iter().any(|share| *share >= 0.005))
        .collect();
    places.sort_by(|(one, _), (other, _)| other.iter().sum::<f64>().total_cmp(&one.iter().sum()));
    for ([exchanges, shared, fences], place) in places {
        writeln!(out, "{exchanges:8.2} rmw {shared:8.2} shared {fences:8.2} fences  {place}")?;
    }
    Ok(())
}

/// The places of all lines.
///
/// # Errors
/// Those of `out`.
pub fn all_places(lines: &[Line], out: &mut impl Write) -> fmt::Result {
    for Line { operation, one, two } in lines {
        for (workers, cost) in [("1 worker", Some(one)), ("2 workers", two.as_ref())] {
            if let Some(cost) = cost {
                writeln!(out, "\n{}, {workers}", operation.name)?;
                places(cost, out)?;
            }
        }
    }
    Ok(())
}
