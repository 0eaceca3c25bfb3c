//! The field: which runtimes run, and one measurement of one of them in a process of its own.
//!
//! A process for each measurement, because a runtime leaves things behind: threads, a heap full of holes, a slab that
//! has grown. It also contains a runtime that panics or hangs: that cell of the table says so, and the others stand.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pelmeni_benches::clock::Scale;
use pelmeni_benches::rival::Rival;
use pelmeni_benches::runtimes::{Pelmeni, Smol, Tokio};
use pelmeni_benches::workloads::{Row, table};

use crate::args;

/// glibc's malloc, told to keep what it has.
///
/// By default it gives the top of the heap back as soon as 128 KiB of it are free. A process with nothing but one batch
/// of tasks in it then pays for page faults, up to half of the time, rather than for its runtime; the heap of a server
/// is never that empty. Other allocators ignore these names.
const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_TRIM_THRESHOLD_", "1073741824"), ("MALLOC_MMAP_THRESHOLD_", "33554432")];

/// A measurement that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A runtime, in either of its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    Pelmeni,
    Tokio,
    Smol,
}

impl Runtime {
    pub(crate) const ALL: [Self; 3] = [Self::Pelmeni, Self::Tokio, Self::Smol];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pelmeni => "pelmeni",
            Self::Tokio => "tokio",
            Self::Smol => "smol",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == name)
    }
}

/// A runtime in one of its modes: a column of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) runtime: Runtime,
    pub(crate) threads: usize,
}

/// Returns the columns of the report: every runtime on one thread, then every runtime on `threads`.
pub(crate) fn contenders(threads: usize) -> Vec<Contender> {
    [1, threads]
        .into_iter()
        .flat_map(|threads| Runtime::ALL.map(|runtime| Contender { runtime, threads }))
        .collect()
}

/// Returns the rows of the report. Their titles and units do not depend on the runtime.
pub(crate) fn rows() -> Vec<Row<Pelmeni>> {
    table::<Pelmeni>()
}

/// Measures a row on a runtime in this process; `None` if there is no such row.
pub(crate) fn measure_here(key: &str, contender: Contender, scale: Scale) -> Option<f64> {
    match contender.runtime {
        Runtime::Pelmeni => measure::<Pelmeni>(key, contender.threads, scale),
        Runtime::Tokio => measure::<Tokio>(key, contender.threads, scale),
        Runtime::Smol => measure::<Smol>(key, contender.threads, scale),
    }
}

fn measure<R: Rival>(key: &str, threads: usize, scale: Scale) -> Option<f64> {
    let row = table::<R>().into_iter().find(|row| row.key == key)?;
    Some(row.measure(threads, scale))
}

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The process ended without one; it has said why on standard error.
    Failed,
    /// The process did not end.
    Hung,
}

/// Measures a row on a runtime in a process of its own.
pub(crate) fn measure_in_child(
    key: &str,
    contender: Contender,
    scale: Scale,
) -> Result<f64, Failure> {
    let program = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(program)
        .args(args::measure(key, contender, scale))
        .envs(ALLOCATOR)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts a second time");
    let mut stdout = child.stdout.take().expect("a pipe");
    let (output, outputs) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut text = String::new();
            // An error leaves the text empty, which is no number. The receiver lives as long as the scope.
            let _ = stdout.read_to_string(&mut text);
            let _ = output.send(text);
        });
        let text = outputs.recv_timeout(PATIENCE);
        if text.is_err() {
            child.kill().expect("a child that is not waited for can be killed");
        }
        child.wait().expect("a child can be waited for");
        text.map_err(|_| Failure::Hung)?.trim().parse().map_err(|_| Failure::Failed)
    })
}
