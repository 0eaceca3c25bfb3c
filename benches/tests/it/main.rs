//! The `compare` program as a person calls it.

use std::process::{Command, Output};

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
    let output = compare("--quick --rounds 1 --only yield");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> =
        text(&output.stdout).lines().filter(|line| line.starts_with("yield,")).collect();
    assert_eq!(lines.len(), 2, "{}", text(&output.stdout));
    for line in lines {
        let columns: Vec<_> = line.split('|').map(|part| part.split_whitespace().count()).collect();
        assert_eq!(columns[1..], [3, 3, 4], "{line}");
    }
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
