//! The `compare` program as a person calls it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const RUNTIMES: [&str; 3] = ["pelmeni", "tokio", "smol"];

fn compare(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_compare"))
        .args(arguments.split_whitespace())
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the program prints text")
}

/// The number that one measurement prints.
fn measured(row: &str, runtime: &str, threads: usize) -> f64 {
    let output = compare(&format!("--measure {row} {runtime} {threads} quick"));
    assert!(output.status.success(), "{row} on {runtime}: {}", text(&output.stderr));
    text(&output.stdout).trim().parse().expect("a measurement prints one number")
}

/// The line of the table that begins like this.
fn only_line(arguments: &str, begin: &str) -> String {
    let output = compare(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    let line = table.lines().find(|line| line.starts_with(begin));
    line.unwrap_or_else(|| panic!("no `{begin}`:\n{table}")).to_owned()
}

/// The numbers in the cells of a line, in order; a cell with a title has none.
fn numbers(line: &str) -> Vec<f64> {
    let words = line.split('|').skip(1).flat_map(str::split_whitespace);
    words.filter_map(|word| word.trim_end_matches('~').parse().ok()).collect()
}

#[test]
fn a_wrong_argument_is_named_with_the_usage_and_status_2() {
    for (arguments, wrong) in [
        ("--rounds none", "none"),
        ("--threads 1", "--threads"),
        ("--only tea", "tea"),
        ("--measure tea tokio 1 quick", "tea"),
    ] {
        let output = compare(arguments);
        let errors = text(&output.stderr);
        let (message, usage) = errors.split_once('\n').expect("a message, then the usage");
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(message.contains(wrong), "{arguments}: {message}");
        assert!(usage.starts_with("usage: compare"), "{arguments}: {usage}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}

#[test]
fn the_table_has_a_line_for_each_row_with_all_columns() {
    let output = compare("--quick --rounds 1 --only yield-");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> =
        text(&output.stdout).lines().filter(|line| line.starts_with("yield,")).collect();
    assert_eq!(lines.len(), 2, "{}", text(&output.stdout));
    for line in lines {
        let columns: Vec<_> = line.split('|').map(|part| part.split_whitespace().count()).collect();
        assert_eq!(columns[1..4], [3, 3, 4], "{line}");
    }
}

#[test]
fn every_workload_runs_on_every_runtime() {
    // What the rows of the table take all together; those that count run the same workloads.
    for (key, threads) in workloads() {
        for runtime in RUNTIMES {
            for &threads in threads {
                measured(key, runtime, threads);
            }
        }
    }
}

/// The workloads that no other test here runs, and the threads on which they make sense.
fn workloads() -> impl Iterator<Item = (&'static str, &'static [usize])> {
    let (any, four): (&[usize], &[usize]) = (&[1, 2], &[4]);
    [
        ("spawn-join", any),
        ("spawn-await", any),
        ("ping-pong", any),
        ("chain", any),
        ("ring", any),
        ("spawn-outside-1", any),
        ("spawn-outside-8", any),
        ("blocking-1", any),
        ("blocking-16", any),
        ("channel-1", any),
        ("channel-4", any),
        ("thread-ring", any),
        ("timers", any),
        ("timers-in-order", any),
        ("timers-floor", any),
        ("sleepers", any),
        ("timer-drop", any),
        ("bytes-sleeping", any),
        ("connect", any),
        ("stalled-half", four),
        ("stalled-all", four),
    ]
    .into_iter()
}

#[test]
fn echo_crosses_two_processes_on_every_runtime() {
    for runtime in RUNTIMES {
        for threads in [1, 2] {
            let trip = measured("echo-64", runtime, threads);
            assert!(trip > 0.1, "{runtime}: no system call is that fast, {trip} us");
        }
    }
}

#[test]
fn a_task_takes_memory_on_every_runtime() {
    for runtime in RUNTIMES {
        let bytes = measured("bytes-parked", runtime, 1);
        assert!(bytes > 16.0, "{runtime}: {bytes} bytes do not hold a future and a waker");
    }
}

#[test]
fn no_sleep_ends_early_on_any_runtime() {
    for runtime in RUNTIMES {
        let late = measured("lateness", runtime, 2);
        assert!(late >= 0.0, "{runtime}: {late} us");
    }
}

#[test]
fn results_are_written_with_a_chart_for_each_group() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results");
    let _ = fs::remove_dir_all(&directory);
    let arguments = format!(
        "--quick --rounds 1 --only chain --only calls-chain --write {}",
        directory.display()
    );
    let output = compare(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = fs::read_to_string(directory.join("RESULTS.md")).expect("the page is written");
    for row in ["| chained spawn, 1000 deep | ns/link |", "| allocations, chained spawn |"] {
        let line = page.lines().find(|line| line.starts_with(row));
        let line = line.unwrap_or_else(|| panic!("{row}\n{page}"));
        assert!(line.split('|').all(|cell| cell.trim() != "failed"), "{line}");
    }
    let chart = fs::read_to_string(directory.join("charts/allocations.svg"));
    assert!(chart.expect("the chart is written").contains("allocations, chained spawn"));
}

#[test]
fn a_spawn_seldom_allocates_on_pelmeni() {
    let line = only_line("--quick --rounds 1 --only calls-chain", "allocations,");
    let cells: Vec<f64> = numbers(&line);
    // A slab holds many tasks, and a queue that grows adds a little.
    assert!((0.0..0.1).contains(&cells[0]), "{line}");
    // Task and stage are one block there: what is counted is what it should be.
    assert!((1.0..1.1).contains(&cells[1]), "{line}");
}

#[test]
fn callgrind_counts_the_same_twice_on_one_thread() {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return;
    }
    let count = || numbers(&only_line("--quick --rounds 1 --only count-chain", "instructions,"))[0];
    let (first, second) = (count(), count());
    assert!(first > 50.0, "no task is spawned and polled in {first} instructions");
    assert!((first - second).abs() < 0.2 * first, "{first} and {second}");
}

#[test]
fn python_runs_its_rows() {
    let version = Command::new("python3")
        .args(["-c", "import sys; print(sys.version_info >= (3, 11))"])
        .stderr(Stdio::null())
        .output();
    if version.is_ok_and(|output| output.stdout.starts_with(b"True")) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/asyncio_rows.py");
        let run = |arguments: &[&str]| {
            let output = Command::new("python3").arg("-I").arg(script).args(arguments).output();
            let output = output.expect("python3 starts");
            assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
            text(&output.stdout).to_owned()
        };
        let list = run(&["--list"]);
        let rows = list.lines().nth(2).expect("a version, the loops, the rows");
        for row in rows.split_whitespace() {
            let number = run(&[row, "asyncio", "quick", env!("CARGO_BIN_EXE_compare")]);
            let number: f64 = number.trim().parse().expect("a row prints one number");
            assert!(number > 0.0, "{row}: {number}");
        }
    }
}

#[test]
fn growth_has_a_line_for_each_runtime_and_is_written() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("growth");
    let _ = fs::remove_dir_all(&directory);
    let arguments = format!("--growth --quick --only bytes-parked --write {}", directory.display());
    let output = compare(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = fs::read_to_string(directory.join("GROWTH.md")).expect("the page is written");
    assert_eq!(page, text(&output.stdout));
    for row in
        ["pelmeni |", "tokio |"].map(|row| format!("| memory of a parked task | bytes | {row}"))
    {
        let lines: Vec<_> = page.lines().filter(|line| line.starts_with(&row)).collect();
        assert_eq!(lines.len(), 2, "by workers and by size:\n{page}");
        let [small, large, growth] = numbers(lines[1])[..] else { panic!("{}", lines[1]) };
        assert!(small > 16.0 && large > 16.0, "{}", lines[1]);
        // Each of the three is rounded, by up to six in a thousand.
        assert!((growth * small / large - 1.0).abs() < 0.02, "{}", lines[1]);
    }
}
