//! Growth: each row with more and more workers, and each workload that has a size with more and more tasks, timers or
//! connections, on pelmeni and on tokio. It shows where a cost stops being flat.
//!
//! A size that does not fit is not tried: what the tasks need at most is known, and so are the memory and the
//! descriptors that this machine gives. The page says so in that place.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use std::process::Command;

use pelmeni_benches::clock::Scale;
use pelmeni_benches::contender::{Contender, Runtime};
use pelmeni_benches::descriptors;
use pelmeni_benches::growth::{Axis, GROWING, Growing};

use crate::args::{self, Options};
use crate::cell::{Cell, Column, number};
use crate::child::{Failure, number_of, this_program};
use crate::distance::Distance;
use crate::entries::{Entry, Tools, chosen, entries};
use crate::results::row;
use crate::{machine, progress};

const RUNTIMES: [Runtime; 2] = [Runtime::Pelmeni, Runtime::Tokio];
const WORKERS: [u32; 4] = [1, 2, 4, 8];
/// The place of the number of workers that all larger ones are compared with: one worker needs no other's help.
const TWO: usize = 1;
/// How many rounds the workers have at least: what they differ by is often less than what rounds do.
const WORKERS_ROUNDS: usize = 5;
/// Ten million tasks take their time.
const PATIENCE: Duration = Duration::from_secs(240);
/// Programs have some descriptors open before the first connection.
const DESCRIPTORS_BESIDE: u64 = 100;

/// What this machine gives.
#[derive(Clone, Copy, Debug)]
struct Limits {
    bytes: u64,
    descriptors: u64,
}

/// A table of the page.
#[derive(Debug)]
struct Section {
    title: String,
    sizes: Vec<u32>,
    rows: Vec<Series>,
    rounds: usize,
    /// The place of the size that the last one is compared with.
    base: usize,
}

/// A row of a table, for every runtime.
#[derive(Debug)]
struct Series {
    title: &'static str,
    unit: &'static str,
    points: Vec<Point>,
}

/// One cell of a row.
#[derive(Clone, Debug, PartialEq)]
enum Point {
    /// A workload by its key, on so many threads.
    Measure(String, usize),
    /// What there is too little of.
    Skip(&'static str),
}

/// Measures everything, prints the page as it grows, and writes it if it is asked to. Returns whether all went well.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let limits = Limits {
        // Half of what is there: this is an estimate, and others live on the machine too.
        bytes: machine::available_bytes().map_or(u64::MAX, |bytes| bytes / 2),
        descriptors: descriptors::allow_all(),
    };
    let mut page = head(options, limits);
    print!("{page}");
    let (mut well, mut distance) = (true, Distance::default());
    for section in plan(options, limits)? {
        let mut table = heading(&section);
        print!("{table}");
        for series in &section.rows {
            distance.look();
            let cells = measure(series, section.rounds, options.scale);
            well &= !cells.iter().flatten().any(|(cell, _)| cell.has_failed());
            for line in cells.iter().map(|cells| line(series, cells, section.base)) {
                print!("{line}");
                table.push_str(&line);
            }
        }
        page.push_str(&table);
    }
    if let Some(note) = distance.note() {
        let end = format!("\n- {note}\n");
        print!("{end}");
        page.push_str(&end);
    }
    if let Some(directory) = &options.write {
        write(directory, &page).map_err(|error| format!("the page cannot be written: {error}"))?;
    }
    Ok(well)
}

fn write(directory: &Path, page: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("GROWTH.md"), page)
}

/// Returns all that is to be measured.
fn plan(options: &Options, limits: Limits) -> Result<Vec<Section>, String> {
    let quick = options.scale == Scale::Quick;
    let few = |sizes: &[u32]| sizes.iter().copied().take(if quick { 2 } else { 8 }).collect();
    // A row of either kind may be meant; only one that neither has is an error.
    let timed = chosen(entries(), &options.only).or_else(|message| {
        let known = |key: &String| GROWING.iter().any(|growing| growing.key.contains(&**key));
        if options.only.iter().all(known) { Ok(Vec::new()) } else { Err(message) }
    })?;
    let tools = Tools::find();
    let timed =
        timed.into_iter().filter(|entry| entry.is_timed() && entry.missing(tools).is_none());
    let rounds = if quick { options.rounds } else { options.rounds.max(WORKERS_ROUNDS) };
    let mut sections = vec![by_workers(timed, few(&WORKERS), rounds)];
    for (axis, name) in
        [(Axis::Tasks, "tasks"), (Axis::Timers, "timers"), (Axis::Connections, "connections")]
    {
        let sizes: Vec<u32> = few(axis.sizes());
        let meant = |key: &str| {
            options.only.is_empty() || options.only.iter().any(|part| key.contains(&**part))
        };
        let growing = GROWING.iter().filter(|growing| growing.axis == axis && meant(growing.key));
        let rows =
            growing.map(|growing| by_size(growing, &sizes, options.threads, limits)).collect();
        let title = format!("Number of {name}, {} workers", options.threads);
        sections.push(Section { title, sizes, rows, rounds: options.rounds, base: 0 });
    }
    sections.retain(|section| !section.rows.is_empty());
    Ok(sections)
}

fn by_workers(entries: impl Iterator<Item = Entry>, workers: Vec<u32>, rounds: usize) -> Section {
    let series = |entry: Entry| Series {
        title: entry.title,
        unit: entry.unit,
        points: workers
            .iter()
            .map(|&threads| Point::Measure(entry.key.to_owned(), threads as usize))
            .collect(),
    };
    let rows = entries.filter(Entry::has_any_workers).map(series).collect();
    let title = format!("Number of workers, medians of {rounds} rounds");
    Section { title, sizes: workers, rows, rounds, base: TWO }
}

fn by_size(growing: &Growing, sizes: &[u32], threads: usize, limits: Limits) -> Series {
    let point = |&size: &u32| {
        let each = u64::from(size);
        if each * growing.bytes_each > limits.bytes {
            Point::Skip("memory")
        } else if growing.axis == Axis::Connections
            && each + DESCRIPTORS_BESIDE > limits.descriptors
        {
            Point::Skip("descriptors")
        } else {
            Point::Measure(format!("{}@{size}", growing.key), threads)
        }
    };
    Series { title: growing.title, unit: growing.unit, points: sizes.iter().map(point).collect() }
}

/// Measures a row on all runtimes; for each runtime the cells, with what is missing where none was measured.
fn measure(series: &Series, rounds: usize, scale: Scale) -> Vec<Vec<(Cell, &'static str)>> {
    let empty = |runtime, point: &Point| match *point {
        Point::Measure(_, threads) => (cell(runtime, threads), ""),
        Point::Skip(missing) => (cell(runtime, 0), missing),
    };
    let row = |runtime| series.points.iter().map(|point| empty(runtime, point)).collect();
    let mut cells: Vec<Vec<_>> = RUNTIMES.into_iter().map(row).collect();
    let mut order: Vec<usize> = (0..RUNTIMES.len()).collect();
    for _ in 0..rounds {
        for (place, point) in series.points.iter().enumerate() {
            let Point::Measure(key, threads) = point else { continue };
            fastrand::shuffle(&mut order);
            for &runtime in &order {
                let contender = Contender { runtime: RUNTIMES[runtime], threads: *threads };
                progress(&format!("{key}: {} on {threads}", contender.runtime.name()));
                cells[runtime][place].0.rounds.push(measure_once(key, contender, scale));
            }
        }
    }
    progress("");
    cells
}

fn cell(runtime: Runtime, threads: usize) -> Cell {
    Cell { column: Column::Runtime(Contender { runtime, threads }), rounds: Vec::new() }
}

fn measure_once(key: &str, contender: Contender, scale: Scale) -> Result<f64, Failure> {
    number_of(Command::new(this_program()).args(args::measure(key, contender, scale)), PATIENCE)
}

fn head(options: &Options, limits: Limits) -> String {
    let rounds = match options.rounds {
        1 => "One round".to_owned(),
        rounds => format!("Medians of {rounds} rounds"),
    };
    format!(
        "# Growth\n\nWritten by `make growth`. {rounds} where nothing else is said, every measurement in a process of its \
         own. *growth* is the\nlast number over the first: 1.0 is flat; *8/2* is that of eight workers over that of two. Where a \
         size would have needed\nmore than half of the free memory or all descriptors, the cell says so. One worker is tokio's \
         `current_thread`. With more\nworkers than cores, the system shares the cores out.\n\n\
         {}- {:.1} GiB may be used, {} descriptors\n",
        machine::describe(),
        limits.bytes as f64 / f64::from(1 << 30),
        limits.descriptors,
    )
}

fn heading(section: &Section) -> String {
    let mut head: Vec<String> = ["workload", "unit", "runtime"].map(str::to_owned).into();
    head.extend(section.sizes.iter().map(|&size| short(size)));
    head.push(match (section.base, section.sizes.as_slice()) {
        (TWO, [_, base, .., last]) => format!("{last}/{base}"),
        _ => "growth".to_owned(),
    });
    let rule = (0..head.len()).map(|place| if place < 3 { "---" } else { "---:" }.to_owned());
    format!("\n## {}\n\n{}{}", section.title, row(&head), row(&rule.collect::<Vec<_>>()))
}

fn line(series: &Series, cells: &[(Cell, &'static str)], base: usize) -> String {
    let name = cells.first().map_or("", |(cell, _)| cell.column.name());
    let mut texts = vec![series.title.trim().to_owned(), series.unit.to_owned(), name.to_owned()];
    let text = |(cell, missing): &(Cell, &'static str)| {
        if missing.is_empty() { cell.text() } else { (*missing).to_owned() }
    };
    texts.extend(cells.iter().map(text));
    let values: Vec<f64> = cells.iter().filter_map(|(cell, _)| cell.value().ok()).collect();
    texts.push(match values.get(base..).unwrap_or_default() {
        [base, .., last] => number(last / base),
        _ => "-".to_owned(),
    });
    row(&texts)
}

/// A round number in few letters.
fn short(size: u32) -> String {
    match size {
        1_000_000.. => format!("{}M", size / 1_000_000),
        1_000.. => format!("{}k", size / 1_000),
        _ => size.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Point, Section, heading, line, measure, plan, short};
    use crate::args::Options;
    use crate::child::Failure;
    use pelmeni_benches::clock::Scale;

    const PLENTY: Limits = Limits { bytes: u64::MAX, descriptors: u64::MAX };

    fn options(only: &[&str]) -> Options {
        Options {
            rounds: 1,
            threads: 2,
            only: only.iter().map(|key| (*key).to_owned()).collect(),
            scale: Scale::Full,
            write: None,
        }
    }

    fn section(only: &str, limits: Limits, place: usize) -> Section {
        plan(&options(&[only]), limits).expect("there is such a row").remove(place)
    }

    #[test]
    fn a_row_grows_in_workers_and_a_size_in_tasks() {
        let chain = section("chain", PLENTY, 0);
        let on = |threads| Point::Measure("chain".to_owned(), threads);
        assert_eq!(chain.rows[0].points, [1, 2, 4, 8].map(on));
        let sized = section("bytes-parked", PLENTY, 1);
        assert_eq!(sized.sizes, [1_000, 10_000, 100_000, 1_000_000, 10_000_000]);
        let last = Point::Measure("bytes-parked@10000000".to_owned(), 2);
        assert_eq!(sized.rows[0].points.last(), Some(&last));
    }

    #[test]
    fn every_axis_has_a_section_and_rows_with_a_fixed_number_of_workers_are_left_out() {
        let sections = plan(&options(&[]), PLENTY).expect("all rows are there");
        let titles: Vec<_> = sections.iter().map(|section| section.title.as_str()).collect();
        assert!(titles[3].contains("connections"), "{titles:?}");
        let by_workers = |title: &str| sections[0].rows.iter().any(|row| row.title.contains(title));
        assert!(by_workers("skynet") && by_workers("TCP echo"));
        assert!(!by_workers("of 4 blocked"));
        assert!(!by_workers("instructions") && !by_workers("mimalloc"), "measured once more");
    }

    #[test]
    fn what_does_not_fit_is_not_tried_and_the_page_says_why() {
        let poor = Limits { bytes: 1 << 30, descriptors: 1024 };
        let mut rows = section("sleepers", poor, 1).rows;
        assert_eq!(rows[0].points[4], Point::Skip("memory"));
        assert!(matches!(rows[0].points[3], Point::Measure(..)));
        let echo = &section("echo", poor, 1).rows[0];
        assert_eq!(echo.points[4], Point::Skip("descriptors"));
        rows[0].points.retain(|point| matches!(point, Point::Skip(_)));
        let cells = measure(&rows[0], 1, Scale::Full);
        assert!(line(&rows[0], &cells[0], 0).contains("| pelmeni | memory | - |"));
    }

    #[test]
    fn growth_is_the_last_number_over_the_first() {
        let series = &section("sleepers", PLENTY, 1).rows[0];
        let cell = |value| (super::cell(super::Runtime::Tokio, 2), value);
        let mut cells = [cell(""), cell(""), cell("memory")];
        cells[0].0.rounds.push(Ok(100.0));
        cells[1].0.rounds.push(Ok(250.0));
        assert!(line(series, &cells, 0).ends_with("| tokio | 100 | 250 | memory | 2.50 |\n"));
        cells[1].0.rounds = vec![Err(Failure::Hung)];
        assert!(line(series, &cells, 0).ends_with("| tokio | 100 | hung | memory | - |\n"));
    }

    #[test]
    fn eight_workers_are_compared_with_two() {
        let workers = section("chain", PLENTY, 0);
        assert_eq!(workers.rounds, 5);
        assert!(heading(&workers).contains("| 1 | 2 | 4 | 8 | 8/2 |"), "{}", heading(&workers));
        let cell = |value| {
            let mut cell = super::cell(super::Runtime::Pelmeni, 2);
            cell.rounds.push(Ok(value));
            (cell, "")
        };
        let cells = [cell(100.0), cell(200.0), cell(210.0), cell(250.0)];
        let line = line(&workers.rows[0], &cells, workers.base);
        assert!(line.ends_with("| 100 | 200 | 210 | 250 | 1.25 |\n"), "{line}");
    }

    #[test]
    fn a_row_that_does_not_exist_is_named() {
        let message = plan(&options(&["tea"]), PLENTY).expect_err("there is no such row");
        assert!(message.contains("tea"), "{message}");
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([8, 1_000, 100_000, 10_000_000].map(short), ["8", "1k", "100k", "10M"]);
    }
}
