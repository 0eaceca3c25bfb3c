//! Instructions per operation, counted by valgrind's callgrind.
//!
//! It runs the program on a processor of its own making and counts every instruction: a figure without noise, that no
//! other program on the machine moves. It knows nothing of caches, of system calls or of the cost of an atomic
//! instruction, and runs one thread at a time.
//!
//! The difference of two runs of different length, so that the start, the first body and the end cancel out; no symbols
//! are needed for that.

use std::process::{Command, Stdio};
use std::time::Duration;

use pelmeni_benches::clock::Scale;
use pelmeni_benches::contender::Contender;

use crate::args;
use crate::child::{Failure, output_of, this_program};

/// Callgrind takes fifty times as long as the program alone.
const PATIENCE: Duration = Duration::from_secs(300);

/// Returns whether valgrind is there.
pub(crate) fn is_installed() -> bool {
    Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok()
}

/// Returns how many instructions an operation of `workload` takes.
pub(crate) fn per_operation(
    workload: &str,
    runner: Contender,
    scale: Scale,
) -> Result<f64, Failure> {
    let bodies = if scale == Scale::Full { 5 } else { 1 };
    let short = run(workload, runner, bodies)?;
    let long = run(workload, runner, 2 * bodies)?;
    Ok((long.0 - short.0) / (long.1 - short.1))
}

/// Runs so many bodies, and returns the numbers of instructions and of operations.
fn run(workload: &str, runner: Contender, bodies: u32) -> Result<(f64, f64), Failure> {
    let mut command = Command::new("valgrind");
    // What valgrind has to say goes to where the program prints its number.
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"]);
    command.arg(this_program()).args(args::measure(workload, runner, Scale::Bodies(bodies)));
    let printed = output_of(&mut command, PATIENCE)?;
    counts(&printed).ok_or(Failure::Failed)
}

/// Finds the numbers of instructions and of operations in what both programs printed.
fn counts(printed: &str) -> Option<(f64, f64)> {
    let (valgrind, program): (Vec<_>, Vec<_>) =
        printed.lines().partition(|line| line.starts_with("=="));
    let collected = |line: &&str| line.split_once("Collected :")?.1.trim().parse().ok();
    let instructions = valgrind.iter().find_map(collected)?;
    let [operations] = program.as_slice() else { return None };
    Some((instructions, operations.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn both_numbers_are_found_among_the_lines() {
        let printed = "==7== Callgrind, a call-graph generating cache profiler\n==7== \n10000\n\
                       ==7== \n==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(counts(printed), Some((123_456.0, 10_000.0)));
        assert_eq!(counts("10000\n"), None);
        assert_eq!(counts("==7== Collected : 123456\n"), None);
    }
}
