//! Who takes part: a runtime in one of its modes, and one measurement of it in this process.

use crate::clock::Scale;
use crate::growth;
use crate::rival::Rival;
use crate::row::Row;
use crate::runtimes::{Pelmeni, Smol, Tokio};
use crate::workloads::table;

/// A runtime, in either of its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// The one that all this is about.
    Pelmeni,
    /// A peer.
    Tokio,
    /// A peer.
    Smol,
}

impl Runtime {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 3] = [Self::Pelmeni, Self::Tokio, Self::Smol];

    /// Returns the name of the runtime's crate.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pelmeni => "pelmeni",
            Self::Tokio => "tokio",
            Self::Smol => "smol",
        }
    }

    /// Returns the runtime of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == name)
    }
}

/// A runtime in one of its modes: a column of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Which one.
    pub runtime: Runtime,
    /// How many workers it has.
    pub threads: usize,
}

/// Measures a row on a runtime in this process; `None` if there is no such row.
///
/// The row is that of the table with this key, or with `KEY@SIZE` one of [`growth`].
#[must_use]
pub fn measure(key: &str, contender: Contender, scale: Scale) -> Option<f64> {
    match contender.runtime {
        Runtime::Pelmeni => measure_on::<Pelmeni>(key, contender.threads, scale),
        Runtime::Tokio => measure_on::<Tokio>(key, contender.threads, scale),
        Runtime::Smol => measure_on::<Smol>(key, contender.threads, scale),
    }
}

fn measure_on<R: Rival>(key: &str, threads: usize, scale: Scale) -> Option<f64> {
    Some(row::<R>(key)?.measure(threads, scale))
}

fn row<R: Rival>(key: &str) -> Option<Row<R>> {
    match key.split_once('@') {
        Some((key, size)) => growth::row(key, size.parse().ok()?),
        None => table().into_iter().map(|(_, row)| row).find(|row| row.key == key),
    }
}
