//! One line of the table: a workload with its names, its unit, and on what it runs.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use crate::clock::Scale;
use crate::cores;
use crate::rival::Rival;

/// Whether more or less is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Times, bytes and counts.
    Lower,
    /// Speed-ups and throughput.
    Higher,
}

/// What a row is about: rows of a group share a table and a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Tasks that come, go, wake each other and compute.
    Tasks,
    /// Tasks that come from threads that are no workers.
    Outside,
    /// Work that may block.
    Blocking,
    /// Messages between tasks.
    Channels,
    /// Sleeps.
    Timers,
    /// Memory of tasks at rest.
    Memory,
    /// Sockets.
    Network,
    /// Tasks beside others that block their worker.
    Stalls,
    /// Calls of the allocator, and what they ask for.
    Allocations,
    /// What the processor has to execute.
    Instructions,
    /// Some of the rows once more, with that allocator.
    Mimalloc,
}

impl Group {
    /// All groups, in the order of the report.
    pub const ALL: [Self; 11] = [
        Self::Tasks,
        Self::Outside,
        Self::Blocking,
        Self::Channels,
        Self::Timers,
        Self::Memory,
        Self::Network,
        Self::Stalls,
        Self::Allocations,
        Self::Instructions,
        Self::Mimalloc,
    ];

    /// Returns the name of the group: one word, which a file can have too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Outside => "outside",
            Self::Blocking => "blocking",
            Self::Channels => "channels",
            Self::Timers => "timers",
            Self::Memory => "memory",
            Self::Network => "network",
            Self::Stalls => "stalls",
            Self::Allocations => "allocations",
            Self::Instructions => "instructions",
            Self::Mimalloc => "mimalloc",
        }
    }
}

/// One line of the table: a workload on the runtime `R`.
pub struct Row<R> {
    /// Names the row on the command line.
    pub key: &'static str,
    /// Names the row in the report.
    pub title: &'static str,
    /// The unit of the number.
    pub unit: &'static str,
    /// Whether more or less is good.
    pub better: Better,
    /// The number of workers, if the row makes sense with one only.
    pub workers: Option<usize>,
    /// Whether it takes the program `wrk`.
    pub needs_wrk: bool,
    /// Whether the runtime and its client share one core.
    on_one_core: bool,
    /// Runs the workload on so many threads.
    run: Box<dyn Fn(usize, Scale) -> f64 + Sync>,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Rival> Row<R> {
    pub(crate) fn new<F>(
        key: &'static str,
        title: &'static str,
        unit: &'static str,
        workload: impl Fn(Scale) -> F + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = f64> + Send + 'static,
    {
        Self::per_threads(key, title, unit, move |scale, _| workload(scale))
    }

    /// As [`new`](Row::new), with a workload that is told the number of threads.
    pub(crate) fn per_threads<F>(
        key: &'static str,
        title: &'static str,
        unit: &'static str,
        workload: impl Fn(Scale, usize) -> F + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = f64> + Send + 'static,
    {
        let run = move |threads, scale| R::run(threads, workload(scale, threads));
        Self {
            key,
            title,
            unit,
            better: Better::Lower,
            workers: None,
            needs_wrk: false,
            on_one_core: false,
            run: Box::new(run),
            runtime: PhantomData,
        }
    }

    pub(crate) fn higher_is_better(self) -> Self {
        Self { better: Better::Higher, ..self }
    }

    pub(crate) fn on_one_core(self) -> Self {
        Self { on_one_core: true, ..self }
    }

    pub(crate) fn on_workers(self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self }
    }

    pub(crate) fn with_wrk(self) -> Self {
        Self { needs_wrk: true, ..self }
    }

    /// Runs the workload as the root of a runtime of `threads` threads, and returns its number.
    #[must_use]
    pub fn measure(&self, threads: usize, scale: Scale) -> f64 {
        if self.on_one_core {
            cores::on_one(|| (self.run)(threads, scale))
        } else {
            (self.run)(threads, scale)
        }
    }
}

impl<R> fmt::Debug for Row<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("key", &self.key)
            .field("unit", &self.unit)
            .finish_non_exhaustive()
    }
}
