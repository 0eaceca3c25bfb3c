//! CPython's columns: asyncio, and uvloop where it is installed, by one script (`benches/asyncio_rows.py`).

use std::process::{Command, Stdio};

use pelmeni_benches::clock::Scale;

use crate::child::{Failure, PATIENCE, number_of, this_program};

const SCRIPT: &str = include_str!("../../../asyncio_rows.py");

/// What the `python3` of this machine can do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Python {
    /// Empty if there is no Python.
    pub(crate) version: String,
    /// The event loops, of `asyncio` and `uvloop`.
    pub(crate) loops: Vec<String>,
    /// The keys of the rows that the script has.
    rows: Vec<String>,
}

impl Python {
    /// Asks `python3`, if it is there.
    pub(crate) fn find() -> Self {
        let output = command().arg("--list").stderr(Stdio::null()).output();
        let output = output.ok().filter(|output| output.status.success());
        output.map_or_else(Self::default, |output| {
            Self::from_list(&String::from_utf8_lossy(&output.stdout))
        })
    }

    /// Reads the three lines that the script prints: its version, its loops, its rows.
    fn from_list(text: &str) -> Self {
        let mut lines = text.lines();
        let mut words =
            || lines.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let version: Vec<String> = words();
        Self { version: version.join(" "), loops: words(), rows: words() }
    }

    /// Returns whether the script has this row.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.rows.iter().any(|row| row == key)
    }
}

/// Measures a row on one of the loops.
pub(crate) fn measure(key: &str, event_loop: &str, scale: Scale) -> Result<f64, Failure> {
    number_of(command().args([key, event_loop, &scale.to_string()]).arg(this_program()), PATIENCE)
}

fn command() -> Command {
    let mut command = Command::new("python3");
    command.args(["-I", "-c", SCRIPT]);
    command
}

#[cfg(test)]
mod tests {
    use super::Python;
    use crate::entries::entries;

    #[test]
    fn the_scripts_list_is_read() {
        let python = Python::from_list("3.11.7\nasyncio uvloop\nchain echo-1\n");
        assert_eq!((python.version.as_str(), python.loops.len()), ("3.11.7", 2));
        assert!(python.has("echo-1") && !python.has("echo"));
    }

    #[test]
    fn the_script_has_no_row_that_the_report_has_not() {
        let keys: Vec<_> = entries().iter().map(|entry| entry.key).collect();
        // Where there is no Python the list is empty.
        for row in Python::find().rows {
            assert!(keys.contains(&row.as_str()), "{row}");
        }
    }
}
