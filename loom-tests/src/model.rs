//! One model: a program, how hard loom tries, and what it must come to.

use std::env;
use std::time::{Duration, Instant};

use crate::journal::Journal;

/// Preemptions per execution, unless the model or `LOOM_MAX_PREEMPTIONS` says otherwise. Most bugs need one or two.
const BOUND: usize = 3;

/// Steps of one execution. A program that needs more spins.
const BRANCHES: usize = 20_000;

/// A model that needs longer is cut short and fails: it must be made smaller.
const BUDGET: Duration = Duration::from_secs(300);

/// Executions between two looks at the clock.
const INTERVAL: usize = 256;

/// A program to be run under every schedule.
#[derive(Debug)]
#[must_use = "a model does nothing until it is checked"]
pub struct Model {
    name: &'static str,
    bound: usize,
    budget: Duration,
    cases: &'static [&'static str],
}

impl Model {
    /// A model; the name is that of its test, with the module, and appears in reports.
    pub fn new(name: &'static str) -> Model {
        Model { name, bound: BOUND, budget: BUDGET, cases: &[] }
    }

    /// Explores up to `bound` preemptions per execution. The environment variable `LOOM_MAX_PREEMPTIONS` overrides it.
    pub fn bound(self, bound: usize) -> Model {
        Model { bound, ..self }
    }

    /// Cuts the model short, and has it fail, after this time. `LOOM_MAX_DURATION` (in seconds) overrides it.
    pub fn budget(self, budget: Duration) -> Model {
        Model { budget, ..self }
    }

    /// Declares cases that must occur in at least one execution each; the program calls [`reach`](crate::reach) there.
    ///
    /// A model that never gets into the race that it is about proves nothing.
    pub fn reaches(self, cases: &'static [&'static str]) -> Model {
        Model { cases, ..self }
    }

    /// Runs the program under every schedule and prints one line about it.
    ///
    /// # Panics
    /// If an execution fails, if the time is over before all were run, or if a declared case never occurred.
    #[expect(
        clippy::disallowed_methods,
        reason = "a report says how long it took; no protocol depends on it"
    )]
    pub fn check(self, program: impl Fn() + Send + Sync + 'static) {
        let Model { name, bound, budget, cases } = self;
        let builder = builder(bound, budget);
        let budget = builder.max_duration.expect("builder sets it");
        Journal::open(name, cases);
        let start = Instant::now();
        builder.check(move || {
            Journal::begin_iteration();
            program();
            Journal::end_iteration();
        });
        let took = start.elapsed();
        let journal = Journal::close();
        let exhausted = took < budget;
        println!(
            "model {name}: bound {}, {} iterations, {:.2} s, {}",
            builder.preemption_bound.expect("builder sets it"),
            journal.iterations(),
            took.as_secs_f64(),
            if exhausted { "exhausted" } else { "CUT SHORT" },
        );
        assert!(exhausted, "model {name} was cut short after {budget:?}: a smaller one is needed");
        assert_eq!(journal.missed(), [""; 0], "model {name} never came to these cases");
    }
}

fn builder(bound: usize, budget: Duration) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(bound);
    builder.max_duration.get_or_insert(budget);
    builder.checkpoint_interval = INTERVAL;
    if env::var_os("LOOM_MAX_BRANCHES").is_none() {
        builder.max_branches = BRANCHES;
    }
    builder
}
