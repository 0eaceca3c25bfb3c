//! When and where figures were measured.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// The versions of the peers are those that were built.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// Returns the lines about date, machine and versions that stand above a page of figures.
pub(crate) fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = bytes_of("MemTotal:").map_or(String::new(), |bytes| {
        format!(", {:.0} GiB of memory", bytes as f64 / f64::from(1 << 30))
    });
    let system = line_of(Command::new("uname").arg("-sr"))
        .unwrap_or_else(|| std::env::consts::OS.to_owned());
    let commit = line_of(Command::new("git").args(["describe", "--always", "--dirty"]))
        .map_or(String::new(), |commit| format!(", commit {commit}"));
    format!(
        "- {}{commit}\n- {}, {cores} cores{memory}, {system}\n- tokio {}, smol {}\n",
        date(),
        processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        locked_version("tokio").unwrap_or("unknown"),
        locked_version("smol").unwrap_or("unknown"),
    )
}

/// Returns how many bytes of memory a program can have before others suffer, where the system says so.
pub(crate) fn available_bytes() -> Option<u64> {
    bytes_of("MemAvailable:")
}

/// Returns how many threads wanted to run during the last minute, where the system counts that.
pub(crate) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

fn bytes_of(key: &str) -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = table.lines().find_map(|line| line.strip_prefix(key))?;
    Some(kib.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn processor() -> Option<String> {
    let table = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = table.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn line_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn locked_version(package: &str) -> Option<&'static str> {
    let entry = LOCK.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
    Some(entry.split_once('"')?.0)
}

fn date() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    civil(since.as_secs() / 86_400)
}

/// Returns the date so many days after the first of January 1970.
///
/// Years begin in March here, so that the leap day is their last.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn civil(days: u64) -> String {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::{civil, describe, locked_version};

    #[test]
    fn days_become_dates() {
        let dates = [0, 59, 11_016, 20_453, 20_513].map(civil);
        assert_eq!(dates, ["1970-01-01", "1970-03-01", "2000-02-29", "2025-12-31", "2026-03-01"]);
    }

    #[test]
    fn the_description_has_three_lines_and_the_versions_of_the_peers() {
        let text = describe();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains("unknown"), "{text}");
        assert!(locked_version("tokio").is_some_and(|version| version.starts_with("1.")));
        assert_eq!(locked_version("tea"), None);
    }
}
