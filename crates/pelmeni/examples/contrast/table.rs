//! Tables: the same cells for the terminal and for the page, and how numbers are written in them.

use std::fmt::Write;
use std::time::Duration;

use crate::timeline::Chart;

/// A table whose first column is the name of the row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Whether the other columns hold text and not numbers.
    pub(crate) text: bool,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// What a workload came to: a table, the pictures, and what has to be said about them.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) lead: String,
    pub(crate) table: Table,
    pub(crate) charts: Vec<Chart>,
    /// What a task is called that has a colour of its own.
    pub(crate) task: &'static str,
    /// The other colours, by class of the page's style and meaning.
    pub(crate) legend: &'static [(&'static str, &'static str)],
    /// What the letters of the terminal's timeline mean. Empty: there is none.
    pub(crate) letters: &'static str,
    /// Median and 99th percentile of each mode, in seconds.
    pub(crate) latencies: Vec<(String, f64, f64)>,
    pub(crate) notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Table {
        let header = header.iter().map(|cell| (*cell).to_owned()).collect();
        Table { header, ..Table::default() }
    }

    /// Adds a row; cells that are not given are shown as missing.
    pub(crate) fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.header.len(), "-".into());
        self.rows.push(cells);
    }

    /// The lines for a terminal: text to the left, numbers to the right, two spaces between.
    pub(crate) fn lines(&self) -> Vec<String> {
        let all = || std::iter::once(&self.header).chain(&self.rows);
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| all().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        all()
            .map(|row| {
                let mut line = format!("{:<1$}", row[0], widths[0]);
                for (cell, width) in row.iter().zip(&widths).skip(1) {
                    // Writing to a String cannot fail.
                    let _ = match self.text {
                        true => write!(line, "  {cell:<width$}"),
                        false => write!(line, "  {cell:>width$}"),
                    };
                }
                line.trim_end().to_owned()
            })
            .collect()
    }
}

/// `12.3 s`, `45 ms`, `6.7 us`: three digits, and the unit that fits.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 0.9995 => format!("{} s", digits(s)),
        s if s >= 0.9995e-3 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} us", digits(s * 1e6)),
    }
}

/// As [`seconds`].
pub(crate) fn duration(duration: Duration) -> String {
    seconds(duration.as_secs_f64())
}

/// `1 thread`, `2 threads`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `1.95x`.
pub(crate) fn times(ratio: f64) -> String {
    if ratio.is_finite() { format!("{}x", digits(ratio)) } else { "-".into() }
}

/// `9.51`, `95.1`, `951`, `9.51k`: so much in a second, in the unit of its column.
pub(crate) fn rate(rate: f64) -> String {
    match rate {
        r if !r.is_finite() => "-".into(),
        r if r < 9999.5 => digits(r),
        r => count(r as u64),
    }
}

/// `950`, `9.51k`, `95.1k`, `9.51M`.
pub(crate) fn count(count: u64) -> String {
    match count as f64 {
        c if c < 1e3 => count.to_string(),
        c if c < 999.5e3 => format!("{}k", digits(c / 1e3)),
        c if c < 999.5e6 => format!("{}M", digits(c / 1e6)),
        c => format!("{}G", digits(c / 1e9)),
    }
}

/// `950 B`, `9.51 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e3 => format!("{bytes} B"),
        b if b < 999.5e3 => format!("{} kB", digits(b / 1e3)),
        b if b < 999.5e6 => format!("{} MB", digits(b / 1e6)),
        b => format!("{} GB", digits(b / 1e9)),
    }
}

/// Counters of the workers as `a + b + c`; of many workers, the first four.
pub(crate) fn workers(counters: impl ExactSizeIterator<Item = u64>) -> String {
    let total = counters.len();
    let mut text = counters.take(4).map(count).collect::<Vec<_>>().join(" + ");
    if total > 4 {
        let _ = write!(text, " + {} more", total - 4);
    }
    text
}

/// Three digits that mean something.
fn digits(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_and_find_their_unit() {
        assert_eq!(seconds(10.004), "10.0 s");
        assert_eq!([1.0, 0.99999, 0.999e-3].map(seconds), ["1.00 s", "1.00 s", "999 us"]);
        assert_eq!(seconds(0.0456), "45.6 ms");
        assert_eq!(seconds(0.000_006_7), "6.70 us");
        assert_eq!(times(1.954), "1.95x");
        assert_eq!(times(f64::NAN), "-");
        assert_eq!(times(9.999), "10.0x");
        assert_eq!([999, 9510, 999_999].map(count), ["999", "9.51k", "1.00M"]);
        assert_eq!([12, 9_510_000].map(bytes), ["12 B", "9.51 MB"]);
    }

    #[test]
    fn a_table_is_aligned_and_missing_cells_are_dashes() {
        let mut table = Table::new(&["mode", "time"]);
        table.row(vec!["one thread".into(), "1.00 s".into()]);
        table.row(vec!["many".into()]);
        assert_eq!(
            table.lines(),
            ["mode          time", "one thread  1.00 s", "many             -"]
        );
    }

    #[test]
    fn of_many_workers_four_are_shown() {
        assert_eq!(workers([1, 2].into_iter()), "1 + 2");
        assert_eq!(workers([1; 8].into_iter()), "1 + 1 + 1 + 1 + 4 more");
    }
}
