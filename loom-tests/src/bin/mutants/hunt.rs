//! One model against one mutant, in a process of its own.

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The built models.
pub(crate) struct Binary {
    path: PathBuf,
}

/// How a hunt ended.
pub(crate) enum Outcome {
    /// The model failed and said why.
    Killed { why: String },
    /// The model passed.
    Survived,
    /// The model was cut short, ran for ever, or failed without a word of its own.
    Unclear { report: String },
}

/// What loom says of an execution that spins: perhaps the bug's doing, perhaps that of a model which is too large.
const ENDLESS: &str = "exceeded maximum number of branches";

/// How long a model may look for a bug, in seconds; the model itself sees to it.
const PATIENCE: Duration = Duration::from_secs(120);

impl Binary {
    /// Builds the models into the target directory that this program was built into; the flags come from the environment.
    pub(crate) fn build() -> io::Result<Binary> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let program = env::current_exe()?;
        let target = program.ancestors().nth(2).expect("cargo runs target/release/mutants");
        let output = Command::new(cargo)
            .args(["test", "-p", "pelmeni-loom-tests", "--release", "--test", "it", "--no-run"])
            .arg("--target-dir")
            .arg(target)
            .output()?;
        let report = String::from_utf8_lossy(&output.stderr);
        // The line reads: Executable tests/it/main.rs (target/release/deps/it-0123456789abcdef)
        let path = report
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Executable ")?.strip_suffix(')'))
            .find_map(|line| line.split_once('('))
            .map(|(_, path)| PathBuf::from(path));
        match path {
            Some(path) if output.status.success() => Ok(Binary { path }),
            _ => Err(io::Error::other(format!("the models do not build:\n{report}"))),
        }
    }

    /// The tests that are models: all but those of the detector.
    pub(crate) fn models(&self) -> BTreeSet<String> {
        let listed = Command::new(&self.path).args(["--list", "--format", "terse"]).output();
        let listed = listed.expect("the models were built").stdout;
        String::from_utf8_lossy(&listed)
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .filter(|name| !name.starts_with("detector::"))
            .map(str::to_owned)
            .collect()
    }

    /// Runs one model with one bug switched on.
    pub(crate) fn hunt(&self, mutant: u16, model: &str) -> Outcome {
        let mut process = Command::new(&self.path)
            .args(["--exact", model, "--nocapture", "--test-threads=1"])
            .env("PELMENI_MUTANT", mutant.to_string())
            .env("LOOM_MAX_DURATION", PATIENCE.as_secs().to_string())
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the models were built");
        let mut report = String::new();
        let mut stderr = process.stderr.take().expect("it is piped");
        let read = stderr.read_to_string(&mut report);
        let status = process.wait().expect("nobody else waits for it");
        let word = format!("model {model} fails in iteration ");
        match report.lines().position(|line| line.starts_with(&word)) {
            _ if status.success() => Outcome::Survived,
            _ if report.contains(ENDLESS) => Outcome::Unclear { report },
            Some(line) if read.is_ok() => {
                // The place is on the first line, what was said on those that follow.
                let mut said = report.lines().skip(line).map(str::trim);
                let first = said.next().unwrap_or_default().trim_start_matches(&word);
                let iteration = first.split(':').next().unwrap_or_default();
                let what = said.next().unwrap_or_default();
                Outcome::Killed { why: format!("iteration {iteration}, {what}") }
            }
            _ => Outcome::Unclear { report },
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Killed { why } => write!(f, "killed ({why:.90})"),
            Outcome::Survived => f.write_str("SURVIVED"),
            Outcome::Unclear { report } => write!(f, "UNCLEAR:\n{report}"),
        }
    }
}
