//! The workloads, each written once for every runtime, and the table that lists them.
//!
//! A workload is an `async fn` that runs as the root of a runtime and returns one number in the unit of its row.
//! To add one: write the function, add a line to [`table`].
//!
//! What all of them hold to: the same futures for every runtime; channels that belong to no runtime
//! (`futures::channel::oneshot`); the default allocator; a fresh process for each measurement (the `compare` program
//! sees to it), so that no runtime finds another's threads or heap.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use crate::clock::Scale;
use crate::echo::{beside_a_blocker as echo_beside_a_blocker, echo};
use crate::memory::{parked_bytes, sleeping_bytes};
use crate::rival::Rival;
use crate::{cores, tasks, timers};

/// Whether more or less is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Times and bytes.
    Lower,
    /// Speed-ups.
    Higher,
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
    /// Whether the runtime and its client share one core.
    on_one_core: bool,
    /// Runs the workload on so many threads.
    run: Box<dyn Fn(usize, Scale) -> f64 + Sync>,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Rival> Row<R> {
    fn new<F>(
        key: &'static str,
        title: &'static str,
        unit: &'static str,
        workload: impl Fn(Scale) -> F + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = f64> + Send + 'static,
    {
        Self {
            key,
            title,
            unit,
            better: Better::Lower,
            on_one_core: false,
            run: Box::new(move |threads, scale| R::run(threads, workload(scale))),
            runtime: PhantomData,
        }
    }

    fn higher_is_better(self) -> Self {
        Self { better: Better::Higher, ..self }
    }

    fn on_one_core(self) -> Self {
        Self { on_one_core: true, ..self }
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

/// Returns every workload, for the runtime `R`, in the order of the report.
#[must_use]
pub fn table<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("spawn-join", "spawn 10k, then join them", "ns/task", tasks::spawn_join::<R>),
        Row::new("spawn-await", "spawn one, await it", "ns/task", tasks::spawn_await::<R>),
        Row::new("spawn-outside", "spawn from another thread", "ns/task", tasks::outside::<R>),
        Row::new("yield-1", "yield, 1 task", "ns/yield", tasks::yield_one::<R>),
        Row::new("yield-200", "yield, 200 tasks", "ns/yield", tasks::yield_many::<R>),
        Row::new("ping-pong", "ping-pong over 2 oneshots", "ns/pair", tasks::ping_pong::<R>),
        Row::new("chain", "chained spawn, 1000 deep", "ns/link", tasks::chained_spawn::<R>),
        Row::new("ring", "ring of 503 tasks", "ns/hop", tasks::ring::<R>),
        Row::new("skynet", "skynet, 111k tasks", "ns/task", tasks::skynet::<R>),
        Row::new("cpu", "speed-up of 16 busy tasks", "times", tasks::cpu::<R>).higher_is_better(),
        Row::new("timers", "100k sleeps over 10 ms", "ns/timer", timers::many::<R>),
        Row::new("sleepers", "100k tasks that sleep once", "ns/task", timers::sleepers::<R>),
        Row::new("timer-drop", "sleep armed and dropped", "ns/timer", timers::dropped::<R>),
        Row::new("lateness", "lateness of a 5 ms sleep", "us", timers::lateness::<R>),
        Row::new("bytes-parked", "memory of a parked task", "bytes", parked_bytes::<R>),
        Row::new("bytes-sleeping", "memory of a sleeping task", "bytes", sleeping_bytes::<R>),
        Row::new("echo-1", "TCP echo, 1 connection", "us/trip", |s| echo::<R>(s, 1)),
        Row::new("echo-1-core", "  on 1 core", "us/trip", |s| echo::<R>(s, 1)).on_one_core(),
        Row::new("echo-64", "TCP echo, 64 connections", "us/trip", |s| echo::<R>(s, 64)),
        Row::new("echo-1000", "TCP echo, 1000 connections", "us/trip", |s| echo::<R>(s, 1000)),
        Row::new("blocked-sleep", "p99 late beside a blocker", "us", timers::beside_a_blocker::<R>),
        Row::new("blocked-echo", "p99 of echo beside a blocker", "us", echo_beside_a_blocker::<R>),
    ]
}
