//! The table: a line for each workload, medians, and how pelmeni compares.
//!
//! ```text
//!                 |       1 thread         |       n threads        | pelmeni is so many times better than the best
//!  workload, unit | pelmeni  tokio   smol  | pelmeni  tokio   smol  | 1t/1t   nt/nt   1t/all  nt/all
//! ```
//! "Better by" is 2.00 for half the time, half the bytes or twice the speed-up, and less than 1.00 where pelmeni loses.
//! `1t/1t` holds pelmeni on one thread against the best peer on one thread, `nt/nt` many against many, `1t/all` and
//! `nt/all` either against the best of all four peers. A `~` marks a median whose rounds lie more than a quarter apart.

use pelmeni_benches::clock::median;
use pelmeni_benches::workloads::{Better, Row};

use crate::field::{Contender, Failure, Runtime};

/// Rounds that lie further apart than this part of their median are marked.
const NOISY: f64 = 0.25;

/// What the rounds of one workload on one runtime gave.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) contender: Contender,
    pub(crate) rounds: Vec<Result<f64, Failure>>,
}

impl Cell {
    /// Returns the median of the rounds, or the first failure among them.
    fn value(&self) -> Result<f64, Failure> {
        let mut values = self.rounds.iter().copied().collect::<Result<Vec<_>, _>>()?;
        Ok(median(&mut values))
    }

    fn text(&self) -> String {
        match self.value() {
            Ok(value) => {
                format!("{}{}", number(value), if self.is_noisy(value) { '~' } else { ' ' })
            }
            Err(Failure::Failed) => "failed ".to_owned(),
            Err(Failure::Hung) => "hung ".to_owned(),
        }
    }

    fn is_noisy(&self, median: f64) -> bool {
        let values = || self.rounds.iter().filter_map(|round| round.ok());
        let spread = values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min);
        spread > NOISY * median.abs()
    }

    /// Returns whether a round gave no number.
    pub(crate) fn has_failed(&self) -> bool {
        self.value().is_err()
    }
}

/// Returns what stands above the table.
pub(crate) fn head(contenders: &[Contender], rounds: usize) -> String {
    let threads = contenders.last().map_or(1, |contender| contender.threads);
    let many = format!("{threads} threads");
    let mut names = String::new();
    for contender in contenders {
        names.push_str(separator(*contender));
        names.push_str(&format!("{:>9} ", contender.runtime.name()));
    }
    format!(
        "Medians of {rounds} rounds; every measurement in a process of its own.\n\
         1t/1t   pelmeni on 1 thread against the best peer on 1 thread (tokio current_thread, smol)\n\
         nt/nt   pelmeni on {many} against the best peer on {many} (tokio multi_thread, smol)\n\
         ?t/all  either against the best peer in any mode\n\
         A ratio of 2.00 is twice as good: half the time or bytes, or twice the speed-up; \
         below 1.00 pelmeni loses.\n\
         ~ marks rounds that lie more than a quarter apart.\n\n\
         {:39} |{:^30} |{:^30} | pelmeni is so many times better\n\
         {:29} {:>9}{names} |  1t/1t  nt/nt 1t/all nt/all",
        "", "1 thread", many, "workload", "unit",
    )
}

/// Returns one line of the table.
pub(crate) fn line<R>(row: &Row<R>, cells: &[Cell]) -> String {
    let mut line = format!("{:29} {:>9}", row.title, row.unit);
    for cell in cells {
        line.push_str(separator(cell.contender));
        line.push_str(&format!("{:>10}", cell.text()));
    }
    line.push_str(" |");
    for (own, peers) in [(false, Some(false)), (true, Some(true)), (false, None), (true, None)] {
        line.push_str(&format!("{:>7}", ratio(row.better, cells, own, peers)));
    }
    line
}

fn separator(contender: Contender) -> &'static str {
    if contender.runtime == Runtime::ALL[0] { " |" } else { "" }
}

/// How many times better pelmeni is, with many threads or one, than the best of these peers.
fn ratio(better: Better, cells: &[Cell], many: bool, peers: Option<bool>) -> String {
    let is_many = |cell: &&Cell| cell.contender.threads > 1;
    let is_pelmeni = |cell: &&Cell| cell.contender.runtime == Runtime::Pelmeni;
    let own = cells.iter().find(|cell| is_pelmeni(cell) && is_many(cell) == many);
    let rivals = cells
        .iter()
        .filter(|cell| !is_pelmeni(cell) && peers.is_none_or(|many| is_many(cell) == many))
        .filter_map(|cell| cell.value().ok());
    let best = match better {
        Better::Lower => rivals.reduce(f64::min),
        Better::Higher => rivals.reduce(f64::max),
    };
    match (own.map(Cell::value), best, better) {
        (Some(Ok(own)), Some(best), Better::Lower) => format!("{:.2}", best / own),
        (Some(Ok(own)), Some(best), Better::Higher) => format!("{:.2}", own / best),
        _ => "-".to_owned(),
    }
}

/// Three digits, or all before the point.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::{Better, Cell, number, ratio};
    use crate::field::{Failure, contenders};

    fn cells(values: [f64; 6]) -> Vec<Cell> {
        let cell = |(contender, value)| Cell { contender, rounds: vec![Ok(value)] };
        contenders(2).into_iter().zip(values).map(cell).collect()
    }

    #[test]
    fn ratio_is_against_the_best_peer_of_the_kind_or_of_all() {
        let cells = cells([10.0, 30.0, 20.0, 50.0, 25.0, 100.0]);
        assert_eq!(ratio(Better::Lower, &cells, false, Some(false)), "2.00");
        assert_eq!(ratio(Better::Lower, &cells, true, Some(true)), "0.50");
        assert_eq!(ratio(Better::Lower, &cells, true, None), "0.40");
        assert_eq!(ratio(Better::Higher, &cells, true, Some(true)), "0.50");
        assert_eq!(ratio(Better::Higher, &cells, false, Some(false)), "0.33");
    }

    #[test]
    fn a_peer_that_failed_is_left_out_and_a_failed_pelmeni_has_no_ratio() {
        let mut cells = cells([10.0, 30.0, 20.0, 50.0, 25.0, 100.0]);
        cells[2].rounds.push(Err(Failure::Hung));
        cells[3].rounds = vec![Err(Failure::Failed)];
        assert_eq!(ratio(Better::Lower, &cells, false, Some(false)), "3.00");
        assert_eq!(ratio(Better::Lower, &cells, true, Some(true)), "-");
    }

    #[test]
    fn rounds_far_apart_are_marked() {
        let mut cell = cells([100.0; 6]).remove(0);
        assert_eq!(cell.text(), "100 ");
        cell.rounds = vec![Ok(90.0), Ok(100.0), Ok(130.0)];
        assert_eq!(cell.text(), "100~");
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([1.974, 12.24, 386.6, 18500.2].map(number), ["1.97", "12.2", "387", "18500"]);
    }
}
