//! From measurements to sections: which columns a workload's table has, and which sentences stand above it.

use crate::args;
use crate::both::{self, Load};
use crate::cpu::{Plain, Plan, Tally};
use crate::files::Tree;
use crate::modes::{Measured, Mode};
use crate::python::Answers;
use crate::server::{self, Served};
use crate::table::{self, Section, Table};
use crate::timeline::{Chart, Group};
use crate::trace::{Hue, Lane, Mark};
use crate::waiting::{self, Line};

/// When plain threads get less than this part of the cores, somebody else has the rest.
const GIVEN: f64 = 0.85;

/// The results of one workload, mode by mode, in the order of [`Mode::all`].
pub(crate) type Runs<T> = Vec<(Mode, Measured<T>)>;

/// The counting: the best run of each mode, and of plain threads, out of so many.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) modes: Runs<Tally>,
    pub(crate) plain: Plain,
    pub(crate) runs: usize,
}

/// A row of a table of speeds.
struct Step {
    name: String,
    seconds: f64,
    /// How much was done in a second, in the units of the columns. The first is what speed-ups compare.
    rates: Vec<f64>,
    workers: Vec<(u64, u64)>,
}

impl Step {
    fn of<T>(mode: &Mode, run: &Measured<T>, rates: Vec<f64>) -> Step {
        let workers = run.workers.clone();
        Step { name: mode.name.clone(), seconds: run.seconds, rates, workers }
    }
}

/// Time, rates, speed-ups against the first row and the second, and the workers' counters.
fn speeds(units: &[&str], steps: &[Step], python: &Answers, missing: &[&str]) -> Table {
    let mut header = vec!["mode", "time"];
    header.extend(units);
    header.extend(["vs in turn", "vs 1 thread", "polls", "steals"]);
    let mut table = Table::new(&header);
    let base = |row: usize| steps.get(row).map_or(f64::NAN, |step| step.rates[0]);
    for step in steps {
        let mut cells = vec![step.name.clone(), table::seconds(step.seconds)];
        cells.extend(step.rates.iter().map(|rate| table::rate(*rate)));
        cells.extend([0, 1].map(|row| table::times(step.rates[0] / base(row))));
        if !step.workers.is_empty() {
            cells.push(table::workers(step.workers.iter().map(|worker| worker.0)));
            cells.push(table::workers(step.workers.iter().map(|worker| worker.1)));
        }
        table.row(cells);
    }
    absent(&mut table, python, missing);
    table
}

/// Rows for what CPython did not do, and why.
fn absent(table: &mut Table, python: &Answers, missing: &[&str]) {
    match &python.trouble {
        Some(trouble) if python.version.is_empty() && !missing.is_empty() => {
            table.row(vec![format!("CPython: {trouble}")]);
        }
        _ => missing.iter().for_each(|name| table.row(vec![format!("{name}: not done")])),
    }
}

/// CPython's two rows where it has them; the names of those it has not.
fn cpython<const N: usize>(
    python: &Answers,
    key: &str,
    step: impl Fn([f64; N]) -> (f64, Vec<f64>),
) -> (Vec<Step>, Vec<&'static str>) {
    let mut steps = Vec::new();
    let mut missing = Vec::new();
    for (name, side) in [("CPython asyncio", "asyncio"), ("CPython threads", "threads")] {
        match python.numbers(&format!("{key}_{side}")).map(&step) {
            Some((seconds, rates)) => {
                steps.push(Step { name: name.into(), seconds, rates, workers: Vec::new() });
            }
            None => missing.push(name),
        }
    }
    (steps, missing)
}

/// The lanes of one thread above those of many, and of many with one lock.
fn chart<T>(runs: &Runs<T>) -> Chart {
    let group = |(mode, run): &(Mode, Measured<T>)| Group {
        name: mode.name.clone(),
        seconds: run.seconds,
        lanes: run.lanes.clone(),
    };
    Chart { groups: runs.iter().skip(1).map(group).collect() }
}

pub(crate) fn waiting(runs: &Runs<Vec<Line>>, python: &Answers) -> Section {
    let rate = |seconds: f64| vec![waiting::MAILS as f64 / seconds];
    let mut steps: Vec<_> =
        runs.iter().map(|(mode, run)| Step::of(mode, run, rate(run.seconds))).collect();
    let (more, missing) = cpython(python, "waiting", |[seconds]| (seconds, rate(seconds)));
    steps.extend(more);
    let journey = |(number, (from, to)): (usize, (f64, f64))| Lane {
        name: format!("mail {number}"),
        marks: vec![Mark { hue: Hue::Task(number), from, to }],
    };
    let group = |(mode, run): &(Mode, Measured<Vec<Line>>)| Group {
        name: mode.name.clone(),
        seconds: run.seconds,
        lanes: waiting::journeys(&run.value).into_iter().enumerate().map(journey).collect(),
    };
    let texts = |lines: &[Line]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    let in_order = runs.get(1).is_some_and(|run| texts(&run.1.value) == waiting::asyncio_order());
    let beside = match texts(&python.lines) {
        lines if lines.is_empty() => "",
        lines if lines == waiting::asyncio_order() => ", and the one asyncio printed here",
        _ => ", though not the one asyncio printed here",
    };
    let order = format!(
        "The lines of one thread are {} asyncio's order{beside}.",
        if in_order { "in" } else { "NOT in" }
    );
    Section {
        title: "Waiting: ten mails of one second each",
        lead:
            "A coroutine that waits needs no thread, so ten wait in the time of one, on one thread \
               as on many. Not even a lock that every task must hold to run makes a difference."
                .into(),
        table: speeds(&["mails/s"], &steps, python, &missing),
        charts: vec![Chart { groups: runs.iter().take(3).map(group).collect() }],
        task: "mail",
        notes: vec![order],
        ..Section::default()
    }
}

/// The lines of the mail program, with the time of each, mode beside mode.
pub(crate) fn mails(runs: &Runs<Vec<Line>>, python: &Answers) -> Table {
    let mut columns: Vec<(&str, &[Line])> =
        runs.iter().take(3).map(|(mode, run)| (mode.name.as_str(), &run.value[..])).collect();
    if !python.lines.is_empty() {
        columns.push(("CPython asyncio", &python.lines));
    }
    let names: Vec<_> = columns.iter().map(|column| column.0).collect();
    let mut table = Table { text: true, ..Table::new(&names) };
    for number in 0..2 * waiting::MAILS {
        let cell = |lines: &[Line]| match lines.get(number) {
            Some(line) => format!("{:5.2} {}", line.seconds, line.text),
            None => String::new(),
        };
        table.row(columns.iter().map(|column| cell(column.1)).collect());
    }
    table
}

pub(crate) fn serving(runs: &Runs<Served>, tree: &Tree, python: &Answers) -> Section {
    let rates = |seconds: f64, requests: f64, bytes: f64| {
        (seconds, vec![requests / seconds, bytes / 1e6 / seconds])
    };
    let step = |(mode, run): &(Mode, Measured<Served>)| {
        let (requests, bytes) = (run.value.requests as f64, run.value.bytes as f64);
        Step::of(mode, run, rates(run.seconds, requests, bytes).1)
    };
    let mut steps: Vec<_> = runs.iter().map(step).collect();
    let (more, missing) =
        cpython(python, "serving", |[seconds, requests, bytes]| rates(seconds, requests, bytes));
    steps.extend(more);
    let served = runs.first().map(|run| run.1.value).unwrap_or_default();
    Section {
        title: "I/O: a file server and 200 clients",
        lead: format!(
            "Server and clients are tasks of one runtime and talk over loopback TCP: {} clients ask {} \
             times for one of {} files, {} in all, and compare every byte. CPython serves the same \
             files for a second; rates are what compares.",
            server::CLIENTS,
            table::count(served.requests),
            tree.files.len(),
            table::bytes(served.bytes)
        ),
        table: speeds(&["requests/s", "MB/s"], &steps, python, &missing),
        charts: vec![chart(runs)],
        legend: &[
            ("serve", "serving"),
            ("fetch", "asking and checking"),
            ("lock", "waiting for the lock"),
        ],
        letters: "s serving, r asking and checking, : waiting for the lock, . idle",
        ..Section::default()
    }
}

pub(crate) fn counting(counted: &Counted, tree: &Tree, plan: &Plan, python: &Answers) -> Section {
    let rate = |seconds: f64, bytes: f64| vec![bytes / 1e6 / seconds];
    let step = |(mode, run): &(Mode, Measured<Tally>)| {
        Step::of(mode, run, rate(run.seconds, plan.bytes as f64))
    };
    let runs = &counted.modes;
    let mut steps: Vec<_> = runs.iter().map(step).collect();
    let threads = runs.iter().map(|run| run.0.threads).max().unwrap_or(1);
    steps.push(Step {
        name: table::plural(threads, "plain thread"),
        seconds: counted.plain.seconds,
        rates: rate(counted.plain.seconds, plan.bytes as f64),
        workers: Vec::new(),
    });
    let (more, missing) =
        cpython(python, "counting", |[seconds, bytes]| (seconds, rate(seconds, bytes)));
    steps.extend(more);
    let tally = runs.first().map(|run| run.1.value).unwrap_or_default();
    Section {
        title: "CPU: words, lines and a hash of every file",
        lead: format!(
            "Computing needs a core, so one thread gains nothing by doing it together, and many gain \
             what they are: {} files counted {} times over by {} tasks, {} in all. Whoever must hold \
             one lock to run, as CPython's threads must hold the GIL, is back at one thread's speed.",
            tree.files.len(),
            plan.rounds,
            plan.chunks.len(),
            table::bytes(plan.bytes)
        ),
        table: speeds(&["MB/s"], &steps, python, &missing),
        charts: vec![chart(runs)],
        task: "task",
        legend: &[("lock", "waiting for the lock; every other colour is a task")],
        letters: "A to Z tasks, : waiting for the lock, . idle",
        notes: vec![format!(
            "Every mode counted {} words in {} lines, with the hash {:016x}; the best of {} is shown. Plain \
             threads have no runtime under them: they are what the machine had to give. CPython runs \
             the same loop over as many bytes as take it a second; rates are what compares.",
            table::count(tally.words),
            table::count(tally.lines),
            tally.hash,
            table::plural(counted.runs, "run")
        )],
        ..Section::default()
    }
}

pub(crate) fn both(runs: &Runs<Load>, tree: &Tree, plan: &Plan, python: &Answers) -> Section {
    let mut table =
        Table::new(&["mode", "p50", "p99", "requests", "counting", "MB/s", "polls", "steals"]);
    let mut latencies = Vec::new();
    let rate = |bytes: f64, seconds: f64| table::rate(bytes / 1e6 / seconds);
    for (mode, run) in runs {
        let load = &run.value;
        let mut cells = vec![mode.name.clone()];
        let ranks = [0.50, 0.99].map(|part| both::percentile(&load.answers, part));
        cells.extend(ranks.map(|rank| rank.map_or("-".into(), table::seconds)));
        cells.push(table::count(load.answers.len() as u64));
        cells.push(table::seconds(load.counting));
        cells.push(rate(plan.bytes as f64, load.counting));
        cells.push(table::workers(run.workers.iter().map(|worker| worker.0)));
        cells.push(table::workers(run.workers.iter().map(|worker| worker.1)));
        table.row(cells);
        if let [Some(half), Some(most)] = ranks {
            latencies.push((mode.name.clone(), half, most));
        }
    }
    let mut missing = Vec::new();
    for (name, key) in [("CPython asyncio", "both_asyncio"), ("CPython threads", "both_threads")] {
        let Some([seconds, bytes, requests, half, most]) = python.numbers(key) else {
            missing.push(name);
            continue;
        };
        latencies.push((name.to_owned(), half, most));
        table.row(vec![
            name.into(),
            table::seconds(half),
            table::seconds(most),
            table::count(requests as u64),
            table::seconds(seconds),
            rate(bytes, seconds),
        ]);
    }
    absent(&mut table, python, &missing);
    Section {
        title: "Both at once: the server under load while the CPU counts",
        lead: format!(
            "{} clients ask for a file every {} each while the counting goes on; p50 and p99 are the \
             times within which half and 99% of the requests were answered, from the moment they \
             were due. One after the other means that whoever asks waits until all is counted.",
            both::CLIENTS,
            table::duration(both::period(tree))
        ),
        table,
        charts: vec![chart(runs)],
        legend: &[
            ("serve", "serving"),
            ("fetch", "asking and checking"),
            ("count", "counting"),
            ("lock", "waiting for the lock"),
        ],
        letters: "c counting, s serving, r asking and checking, : waiting for the lock, . idle",
        latencies,
        ..Section::default()
    }
}

/// The results in a sentence each.
pub(crate) fn headlines(
    mails: &Runs<Vec<Line>>,
    served: &Runs<Served>,
    counted: &Counted,
    mixed: &Runs<Load>,
    python: &Answers,
) -> Vec<String> {
    let [in_turn, one, many, locked] = [0, 1, 2, 3];
    let (plain, counted) = (counted.plain.seconds, &counted.modes);
    let many_name = &counted[many].0.name;
    let speedup = |row: usize| table::times(counted[one].1.seconds / counted[row].1.seconds);
    let given = counted[one].1.seconds / plain;
    let busy = if given < GIVEN * counted[many].0.threads.min(args::cores()) as f64 {
        let given = table::times(given);
        format!(" (Plain threads reached {given}: something else keeps the cores busy.)")
    } else {
        String::new()
    };
    let requests = |row: usize| {
        let run: &Measured<Served> = &served[row].1;
        table::count((run.value.requests as f64 / run.seconds) as u64)
    };
    let rank = |row: usize, part: f64| {
        both::percentile(&mixed[row].1.value.answers, part).map_or("-".into(), table::seconds)
    };
    let mut headlines = vec![
        format!(
            "Waiting: ten mails of a second each take {} one after the other, and {} together on one \
             thread.",
            table::seconds(mails[in_turn].1.seconds),
            table::seconds(mails[one].1.seconds)
        ),
        format!(
            "I/O: {many_name} serve {} requests a second, 1 thread {}, and {many_name} that share one \
             lock {}.",
            requests(many),
            requests(one),
            requests(locked)
        ),
        format!(
            "CPU: {many_name} count at {} the speed of one; if they share one lock, at {}.{busy}",
            speedup(many),
            speedup(locked)
        ),
        format!(
            "Both at once: half of the requests are answered within {} on {many_name} and {} on 1 \
             thread, 99% within {} and {}.",
            rank(many, 0.50),
            rank(one, 0.50),
            rank(many, 0.99),
            rank(one, 0.99)
        ),
    ];
    headlines.extend(python.trouble.as_ref().map(|trouble| format!("CPython: {trouble}.")));
    headlines
}
