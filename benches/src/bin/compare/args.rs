//! The command line of `compare`.
//!
//! Two forms: the one a person types, and the one with which the program starts itself for a single measurement.

use std::path::PathBuf;

use pelmeni_benches::clock::Scale;
use pelmeni_benches::contender::{Contender, Runtime};

/// What `--help` and a wrong argument print.
pub(crate) const USAGE: &str = "\
usage: compare [--growth] [--rounds N] [--threads N] [--only ROW] [--quick] [--write DIR] [--list]
  --growth      more and more workers, tasks, timers and connections, on pelmeni and tokio
  --rounds N    rounds over all runtimes for each workload; the medians are printed (default 9; growth: 1)
  --threads N   workers of the many-threaded modes, at least 2 (default 2)
  --only ROW    only this workload, or all with ROW in their key; may be given several times
  --quick       small loads and two rounds: a test of the instrument, not a measurement
  --write DIR   write RESULTS.md and charts/*.svg, or GROWTH.md, into this directory, too
  --list        print the keys of the workloads";

/// What this process is to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// Measure everything, in child processes, and report.
    Compare(Options),
    /// Measure how costs grow, and report.
    Growth(Options),
    /// Measure one row on one runtime, and print the number.
    Measure { row: String, contender: Contender, scale: Scale },
    /// Print the keys of the rows.
    List,
    /// Print how to use this program.
    Help,
}

/// What a person may choose.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) threads: usize,
    pub(crate) only: Vec<String>,
    pub(crate) scale: Scale,
    pub(crate) write: Option<PathBuf>,
}

/// Reads the arguments, or says which of them is wrong.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut arguments = arguments.peekable();
    if arguments.next_if(|first| first == "--measure").is_some() {
        return parse_measure(arguments);
    }
    let (mut rounds, mut threads, mut only, mut scale) = (None, 2, Vec::new(), Scale::Full);
    let (mut growth, mut write) = (false, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = Some(at_least(1, &argument, arguments.next())?),
            "--threads" => threads = at_least(2, &argument, arguments.next())?,
            "--only" => only.push(arguments.next().ok_or("--only takes the key of a row")?),
            "--growth" => growth = true,
            "--write" => {
                write = Some(arguments.next().ok_or("--write takes a directory")?.into());
            }
            "--quick" => scale = Scale::Quick,
            "--list" => return Ok(Task::List),
            "--help" | "-h" => return Ok(Task::Help),
            _ => return Err(format!("unknown argument `{argument}`")),
        }
    }
    let default = match scale {
        _ if growth => 1,
        Scale::Quick => 2,
        _ => 9,
    };
    let options = Options { rounds: rounds.unwrap_or(default), threads, only, scale, write };
    Ok(if growth { Task::Growth(options) } else { Task::Compare(options) })
}

/// Returns the arguments that [`parse`] turns into this measurement.
pub(crate) fn measure(row: &str, contender: Contender, scale: Scale) -> [String; 5] {
    let runtime = contender.runtime.name().to_owned();
    [
        "--measure".to_owned(),
        row.to_owned(),
        runtime,
        contender.threads.to_string(),
        scale.to_string(),
    ]
}

fn parse_measure(mut arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut next = || arguments.next().ok_or("--measure takes ROW RUNTIME THREADS SCALE");
    let (row, runtime, threads, scale) = (next()?, next()?, next()?, next()?);
    let runtime = Runtime::named(&runtime).ok_or_else(|| format!("no runtime `{runtime}`"))?;
    let threads = at_least(1, "--measure", Some(threads))?;
    let scale = scale.parse()?;
    Ok(Task::Measure { row, contender: Contender { runtime, threads }, scale })
}

fn at_least(least: usize, argument: &str, value: Option<String>) -> Result<usize, String> {
    let number = value.as_deref().and_then(|value| value.parse().ok());
    number.filter(|&number| number >= least).ok_or_else(|| {
        format!("{argument} takes a number of {least} or more, not `{}`", value.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::{Options, Task, measure, parse};
    use pelmeni_benches::clock::Scale;
    use pelmeni_benches::contender::{Contender, Runtime};

    fn parse_line(line: &str) -> Result<Task, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_have_defaults() {
        let options =
            |rounds| Options { rounds, threads: 2, only: vec![], scale: Scale::Full, write: None };
        assert_eq!(parse_line(""), Ok(Task::Compare(options(9))));
        assert_eq!(parse_line("--growth"), Ok(Task::Growth(options(1))));
    }

    #[test]
    fn options_are_read() {
        let only = vec!["echo".to_owned(), "cpu".to_owned()];
        let write = Some("there".into());
        let options = Options { rounds: 3, threads: 8, only, scale: Scale::Quick, write };
        let line = "--rounds 3 --threads 8 --only echo --quick --write there --only cpu";
        assert_eq!(parse_line(line), Ok(Task::Compare(options)));
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (line, named) in [
            ("--rounds none", "none"),
            ("--rounds 0", "--rounds"),
            ("--threads 1", "--threads"),
            ("--threads", "--threads"),
            ("--only", "--only"),
            ("--fast", "--fast"),
            ("--measure echo", "--measure"),
            ("--measure echo go 1 full", "go"),
            ("--measure echo smol 1 fast", "fast"),
            ("--write", "--write"),
        ] {
            let message = parse_line(line).expect_err(line);
            assert!(message.contains(named), "{line}: {message}");
        }
    }

    #[test]
    fn a_measurement_survives_the_way_to_the_child() {
        let contender = Contender { runtime: Runtime::Smol, threads: 3 };
        for scale in [Scale::Quick, Scale::Full, Scale::Bodies(7)] {
            let task = Task::Measure { row: "cpu".to_owned(), contender, scale };
            assert_eq!(parse(measure("cpu", contender, scale).into_iter()), Ok(task));
        }
    }
}
