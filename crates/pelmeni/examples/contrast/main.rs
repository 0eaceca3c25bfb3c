//! What many threads add to concurrency, and what they do not: the same coroutines in every mode, on your own files.
//!
//! ```text
//! cargo run --release --example contrast -- [DIR] [--threads N] [--html FILE]
//! ```
//!
//! | workload     | one thread, gathered           | many threads, gathered         | many threads, one lock |
//! |--------------|--------------------------------|--------------------------------|------------------------|
//! | waiting      | all wait together              | the same                       | the same               |
//! | I/O          | one core's worth               | more, while there are cores    | one core's worth       |
//! | CPU          | no faster than one by one      | as many times as there are cores | no faster            |
//! | both at once | requests wait for the counting | other workers answer           | requests wait          |
//!
//! The modes are values (`modes.rs`), the workloads are functions that are written once (`waiting.rs`, `server.rs`,
//! `cpu.rs`, `both.rs`). The table goes to standard output, progress to standard error, and a page with the timelines
//! to a file. CPython's own side (`asyncio_side.py`) is run when there is a `python3`.

mod args;
mod both;
mod cpu;
mod files;
mod modes;
mod page;
mod python;
mod report;
mod screen;
mod server;
mod svg;
mod table;
mod timeline;
mod trace;
mod waiting;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::args::{Options, Request};
use crate::cpu::Plan;
use crate::files::{Tree, printable};
use crate::modes::{Measured, Mode};
use crate::page::Frame;
use crate::report::{Counted, Runs};
use crate::table::Section;

/// How often the CPU's work is done, if there is time.
const MOST_RUNS: usize = 3;
/// No further run begins when those before have taken so long.
const COUNTING_TIME: Duration = Duration::from_secs(7);
/// Of the files that were left out, so many are named.
const MOST_NOTES: usize = 5;

fn main() -> ExitCode {
    match args::parse(std::env::args_os().skip(1)) {
        Err(message) => {
            screen::error(&printable(&message));
            ExitCode::from(2)
        }
        Ok(Request::Help) => {
            screen::line(args::HELP.trim_end());
            ExitCode::SUCCESS
        }
        Ok(Request::Run(options)) => match demonstrate(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                screen::error(&error.to_string());
                ExitCode::FAILURE
            }
        },
    }
}

fn demonstrate(options: &Options) -> io::Result<()> {
    let began = trace::now();
    let (existed, mut page) = open_page(&options.html)?;
    let outcome = contrast(options, began).and_then(|html| {
        write_page(&mut page, &html).map_err(|error| about(&options.html, &error))
    });
    match &outcome {
        Ok(()) => {
            let taken = table::duration(began.elapsed());
            let page = printable(&options.html.to_string_lossy());
            screen::line(&format!(
                "\nThe page with the timelines: {page} (all of it took {taken})"
            ));
        }
        // An empty page that was not there before is of no use. Failing to remove it changes nothing.
        Err(_) if !existed => drop(std::fs::remove_file(&options.html)),
        Err(_) => {}
    }
    outcome
}

/// Measures everything, prints it, and makes the page of it.
fn contrast(options: &Options, began: Instant) -> io::Result<String> {
    let tree = Arc::new(Tree::read(&options.dir, &options.html)?);
    introduce(options, &tree);
    let modes = Mode::all(options.threads);
    let mails = each(&modes, "waiting", |mode, what| {
        let what = what.to_owned();
        waiting::run(mode, move |sent| {
            screen::doing(&format!("{what}: {sent} of {} mails sent", waiting::MAILS));
        })
    })?;
    let served = each(&modes, "I/O", |mode, _| server::run(mode, &tree))?;
    screen::doing("CPU: how much is a second's work?");
    let plan = Plan::calibrate(&tree, options.threads);
    let counted = count(options, &modes, &tree, &plan)?;
    let mixed = each(&modes, "both at once", |mode, _| both::run(mode, &tree, &plan))?;
    let tallies = counted.modes.iter().map(|run| run.1.value);
    agree(tallies.chain(mixed.iter().map(|run| run.1.value.tally)))?;
    screen::doing("CPython");
    let python_began = trace::now();
    let python = python::run(&tree, options.threads);
    let took = table::duration(python_began.elapsed());
    screen::done("CPython", python.trouble.as_ref().unwrap_or(&took));

    let sections = [
        report::waiting(&mails, &python),
        report::serving(&served, &tree, &python),
        report::counting(&counted, &tree, &plan, &python),
        report::both(&mixed, &tree, &plan, &python),
    ];
    let frame = Frame {
        headlines: report::headlines(&mails, &served, &counted, &mixed, &python),
        footer: footer(options, &tree, &python, began),
        mails: report::mails(&mails, &python),
    };
    print(&frame, &sections);
    Ok(page::render(&frame, &sections))
}

/// Runs a workload in each mode, and says how long it took.
fn each<T>(
    modes: &[Mode],
    workload: &str,
    run: impl Fn(&Mode, &str) -> io::Result<Measured<T>>,
) -> io::Result<Runs<T>> {
    let mut runs = Vec::with_capacity(modes.len());
    for mode in modes {
        let what = format!("{workload}, {}", mode.name);
        screen::doing(&what);
        let measured = run(mode, &what)
            .map_err(|error| io::Error::new(error.kind(), format!("{what}: {error}")))?;
        screen::done(&what, &table::seconds(measured.seconds));
        runs.push((mode.clone(), measured));
    }
    Ok(runs)
}

/// Counts in every mode, several times, and keeps the best: a core that something else takes for a moment should not
/// decide. All of them must have counted the same.
fn count(options: &Options, modes: &[Mode], tree: &Arc<Tree>, plan: &Plan) -> io::Result<Counted> {
    let began = trace::now();
    let plain = || {
        screen::doing("CPU, plain threads");
        cpu::plain_threads(tree, plan, options.threads)
    };
    let run = |what: &str| each(modes, what, |mode, _| cpu::run(mode, tree, plan));
    let mut counted = Counted { modes: run("CPU")?, plain: plain(), runs: 1 };
    while counted.runs < MOST_RUNS && began.elapsed() < COUNTING_TIME {
        counted.runs += 1;
        let runs = run(&format!("CPU, run {}", counted.runs))?;
        let plain = plain();
        agree(runs.iter().chain(&counted.modes).map(|run| run.1.value).chain([plain.tally]))?;
        if plain.seconds < counted.plain.seconds {
            counted.plain = plain;
        }
        for (best, run) in counted.modes.iter_mut().zip(runs) {
            if run.1.seconds < best.1.seconds {
                *best = run;
            }
        }
    }
    Ok(counted)
}

/// All modes must have counted the same.
fn agree(mut tallies: impl Iterator<Item = cpu::Tally>) -> io::Result<()> {
    let first = tallies.next();
    match tallies.find(|tally| Some(*tally) != first) {
        None => Ok(()),
        Some(other) => Err(io::Error::other(format!("modes differ: {first:?} and {other:?}"))),
    }
}

fn introduce(options: &Options, tree: &Tree) {
    let cores = args::cores();
    screen::line(&format!(
        "{}: {} files, {}; {} on {}",
        printable(&options.dir.to_string_lossy()),
        tree.files.len(),
        table::bytes(tree.bytes),
        table::plural(options.threads, "thread"),
        table::plural(cores, "core"),
    ));
    for note in tree.notes.iter().take(MOST_NOTES) {
        screen::line(&format!("note: {note}"));
    }
    if tree.notes.len() > MOST_NOTES {
        screen::line(&format!("note: and {} more left out", tree.notes.len() - MOST_NOTES));
    }
    if options.threads > cores {
        screen::line("note: there are fewer cores than threads; no speed-up exceeds the cores");
    }
    if cfg!(debug_assertions) {
        screen::line("note: this is a debug build; add --release for numbers that mean something");
    }
}

fn print(frame: &Frame, sections: &[Section]) {
    for (number, section) in sections.iter().enumerate() {
        screen::line(&format!("\n== {}", section.title));
        for line in wrap(&section.lead, 100) {
            screen::line(&line);
        }
        screen::line("");
        section.table.lines().iter().for_each(|line| screen::line(line));
        if number == 0 {
            screen::line("");
            frame.mails.lines().iter().for_each(|line| screen::line(line));
        }
        if !section.letters.is_empty() {
            screen::line(&format!("\n{}", section.letters));
            let lines = section.charts.iter().flat_map(|chart| chart.lines());
            lines.for_each(|line| screen::line(&line));
        }
        for note in &section.notes {
            screen::line("");
            wrap(note, 100).iter().for_each(|line| screen::line(line));
        }
    }
    screen::line("\n== In short");
    for headline in &frame.headlines {
        wrap(headline, 100).iter().for_each(|line| screen::line(line));
    }
}

/// The text in lines of at most so many letters, broken at spaces.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        });
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Where and how the numbers were made.
fn footer(options: &Options, tree: &Tree, python: &python::Answers, began: Instant) -> Vec<String> {
    let build = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };
    let profile = if cfg!(debug_assertions) { "" } else { "--release " };
    let version = match (&python.version, &python.trouble) {
        (version, None) => format!("CPython {version}"),
        (version, Some(trouble)) if version.is_empty() => format!("no CPython ({trouble})"),
        (version, Some(trouble)) => format!("CPython {version} ({trouble})"),
    };
    let mut lines = vec![
        format!(
            "cargo run {profile}--example contrast -- {} --threads {}",
            quoted(&options.dir),
            options.threads
        ),
        python.command.clone(),
        format!(
            "{}: pelmeni {}, {build}, {} {}, {}, {version}; {} files, {}; {} in all.",
            page::today(),
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            table::plural(args::cores(), "core"),
            tree.files.len(),
            table::bytes(tree.bytes),
            table::duration(began.elapsed())
        ),
    ];
    lines.extend(tree.notes.iter().take(MOST_NOTES).cloned());
    lines
}

/// The path as one would type it in a shell.
fn quoted(path: &Path) -> String {
    let path = printable(&path.to_string_lossy());
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Opens the page before the work begins, so that nobody waits for a page that cannot be written. Whether it existed,
/// and the page, whose old content stays until there is a new one.
fn open_page(path: &Path) -> io::Result<(bool, File)> {
    let existed = path.exists();
    let mut options = OpenOptions::new();
    let page = options.write(true).create(true).truncate(false).open(path);
    page.map(|page| (existed, page)).map_err(|error| about(path, &error))
}

fn write_page(page: &mut File, html: &str) -> io::Result<()> {
    // A device such as /dev/null has no length to set.
    if page.metadata()?.is_file() {
        page.set_len(0)?;
    }
    page.write_all(html.as_bytes())
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    let path = printable(&path.to_string_lossy());
    io::Error::new(error.kind(), format!("cannot write the page {path}: {error}; see --html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_at_spaces_and_no_word_is_lost() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_path_is_quoted_when_a_shell_would_stumble() {
        assert_eq!(quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
        assert_eq!(quoted(Path::new("a b")), "'a b'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }

    #[test]
    fn modes_that_disagree_are_found_out() {
        let tally = cpu::Tally { words: 1, lines: 2, hash: 3 };
        assert!(agree([tally, tally].into_iter()).is_ok());
        assert!(agree([tally, cpu::Tally { words: 2, ..tally }].into_iter()).is_err());
    }
}
