//! Allocations per operation, from the program that counts them (`src/bin/allocations.rs`). What counts is a call to the
//! program's allocator, of which pelmeni takes memory for many tasks at once.

use std::process::Command;

use pelmeni_benches::clock::Scale;
use pelmeni_benches::contender::Contender;

use crate::child::{Failure, PATIENCE, output_of, this_program};

/// What the program counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Calls,
    Bytes,
}

/// Returns how many calls of the allocator, or bytes asked of it, an operation of `workload` takes.
///
/// The difference of two runs, so that all that a runtime allocates once cancels out.
pub(crate) fn per_operation(
    counted: Counted,
    workload: &str,
    runner: Contender,
    scale: Scale,
) -> Result<f64, Failure> {
    let bodies = if scale == Scale::Full { 100 } else { 1 };
    let short = run(counted, workload, runner, bodies)?;
    let long = run(counted, workload, runner, 2 * bodies)?;
    Ok((long.0 - short.0) / (long.1 - short.1))
}

/// Runs so many bodies, and returns the count and the number of operations.
fn run(
    counted: Counted,
    workload: &str,
    runner: Contender,
    bodies: u32,
) -> Result<(f64, f64), Failure> {
    // Cargo puts the programs of a package side by side.
    let mut command = Command::new(this_program().with_file_name("allocations"));
    command.args([workload, runner.runtime.name()]);
    command.args([runner.threads.to_string(), bodies.to_string()]);
    let printed = output_of(&mut command, PATIENCE)?;
    let numbers: Option<Vec<f64>> =
        printed.split_whitespace().map(|word| word.parse().ok()).collect();
    let Some([calls, bytes, operations]) = numbers.as_deref() else {
        return Err(Failure::Failed);
    };
    let count = if counted == Counted::Calls { calls } else { bytes };
    Ok((*count, *operations))
}
