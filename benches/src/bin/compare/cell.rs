//! What the rounds of one row gave in one column, and how pelmeni compares.

use pelmeni_benches::clock::median;
use pelmeni_benches::contender::{Contender, Runtime};
use pelmeni_benches::row::Better;

use crate::child::Failure;
use crate::entries::Entry;

/// Rounds that lie further apart than this part of their median are marked.
const NOISY: f64 = 0.25;

/// What a number was measured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Runtime(Contender),
    /// CPython, on the event loop of this name.
    Python(String),
}

impl Column {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Runtime(contender) => contender.runtime.name(),
            Self::Python(event_loop) => event_loop,
        }
    }

    /// Returns the number of threads of a runtime; a Python has none that run at the same time.
    pub(crate) fn threads(&self) -> Option<usize> {
        match self {
            Self::Runtime(contender) => Some(contender.threads),
            Self::Python(_) => None,
        }
    }

    /// Returns how many of so many rounds are worth their time: Python is slow, and far away from the rest.
    pub(crate) fn rounds(&self, rounds: usize) -> usize {
        match self {
            Self::Runtime(_) => rounds,
            Self::Python(_) => rounds.min(3),
        }
    }

    fn is_pelmeni(&self) -> bool {
        matches!(self, Self::Runtime(contender) if contender.runtime == Runtime::Pelmeni)
    }
}

/// What the rounds of one row in one column gave.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) column: Column,
    pub(crate) rounds: Vec<Result<f64, Failure>>,
}

impl Cell {
    /// Returns the median of the rounds, or the first failure among them.
    pub(crate) fn value(&self) -> Result<f64, Failure> {
        let mut values = self.rounds.iter().copied().collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() { Err(Failure::NotRun) } else { Ok(median(&mut values)) }
    }

    /// Returns the number, or why there is none.
    pub(crate) fn text(&self) -> String {
        match self.value() {
            Ok(value) if self.is_noisy(value) => format!("{}~", number(value)),
            Ok(value) => number(value),
            Err(Failure::Failed) => "failed".to_owned(),
            Err(Failure::Hung) => "hung".to_owned(),
            Err(Failure::NotRun) => "-".to_owned(),
        }
    }

    fn is_noisy(&self, median: f64) -> bool {
        let values = || self.rounds.iter().filter_map(|round| round.ok());
        let spread = values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min);
        spread > NOISY * median.abs()
    }

    /// Returns whether a round that was to give a number gave none.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.value(), Err(Failure::Failed | Failure::Hung))
    }
}

/// One row, measured.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) entry: Entry,
    pub(crate) cells: Vec<Cell>,
}

impl Line {
    /// Returns how many times better pelmeni is on one thread and on many, each against the best peer with as many
    /// threads, then each against the best peer of all.
    pub(crate) fn ratios(&self) -> [String; 4] {
        [(false, Some(false)), (true, Some(true)), (false, None), (true, None)]
            .map(|(own, peers)| ratio(self.entry.better, &self.cells, own, peers))
    }
}

/// How many times better pelmeni is, with many threads or one, than the best of these peers.
fn ratio(better: Better, cells: &[Cell], many: bool, peers: Option<bool>) -> String {
    let is_many = |cell: &Cell| cell.column.threads().is_some_and(|threads| threads > 1);
    let own = cells.iter().find(|cell| cell.column.is_pelmeni() && is_many(cell) == many);
    let least = cells
        .iter()
        .filter(|cell| !cell.column.is_pelmeni() && cell.column.threads().is_some())
        .filter(|cell| peers.is_none_or(|many| is_many(cell) == many))
        .filter_map(|peer| times(better, own?, peer))
        .min_by(f64::total_cmp);
    match least {
        None => "-".to_owned(),
        Some(times) if times > 999.0 => ">999".to_owned(),
        Some(times) => format!("{times:.2}"),
    }
}

/// How many times better one is than another: the median of what each round says, as a machine that changes its speed does
/// so more rarely than once in a round.
fn times(better: Better, own: &Cell, peer: &Cell) -> Option<f64> {
    (own.value().is_ok() && peer.value().is_ok()).then_some(())?;
    let of_round = |(own, peer): (&Result<f64, _>, &Result<f64, _>)| {
        let (own, peer) = (own.ok()?, peer.ok()?);
        let (good, bad) = match better {
            Better::Lower => (peer, own),
            Better::Higher => (own, peer),
        };
        Some(match (is_nothing(good), is_nothing(bad)) {
            // Two counts of nothing are equally good.
            (true, true) => 1.0,
            (false, true) => f64::INFINITY,
            _ => good / bad,
        })
    };
    let mut times: Vec<_> = own.rounds.iter().zip(&peer.rounds).filter_map(of_round).collect();
    Some(median(&mut times))
}

/// A difference of two counts that are the same but for chance is not quite zero, on either side.
fn is_nothing(value: f64) -> bool {
    value.abs() < 0.005
}

/// Three digits, or all before the point.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        _ if is_nothing(value) => return "0.00".to_owned(),
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Better, Cell, Column, Line, number, ratio};
    use crate::child::Failure;
    use crate::entries::{contenders, entries};

    /// Cells as they are measured on one thread and on two.
    fn cells(values: [f64; 6]) -> Vec<Cell> {
        let cell = |(contender, value)| Cell {
            column: Column::Runtime(contender),
            rounds: vec![Ok(value)],
        };
        contenders(2).into_iter().zip(values).map(cell).collect()
    }

    /// A row of the report with these numbers.
    pub(crate) fn line(key: &str, values: [f64; 6]) -> Line {
        let entry = entries().into_iter().find(|entry| entry.key == key).expect("such a row");
        Line { entry, cells: cells(values) }
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
    fn nothing_against_nothing_is_even_and_against_something_beyond_measure() {
        let cells = cells([-0.001, 0.002, 2.0, 0.0, 3.0, 1.0]);
        assert_eq!(cells[0].text(), "0.00");
        assert_eq!(ratio(Better::Lower, &cells, false, Some(false)), "1.00");
        assert_eq!(ratio(Better::Lower, &cells, true, Some(true)), ">999");
    }

    #[test]
    fn ratio_is_that_of_the_rounds() {
        let mut cells = cells([10.0, 100.0, 100.0, 1.0, 1.0, 1.0]);
        // Of three rounds the machine had half its speed in one and a half.
        cells[0].rounds = vec![Ok(10.0), Ok(20.0), Ok(20.0)];
        cells[1].rounds = vec![Ok(15.0), Ok(30.0), Ok(15.0)];
        assert_eq!(ratio(Better::Lower, &cells, false, Some(false)), "1.50");
    }

    #[test]
    fn python_is_no_peer() {
        let mut cells = cells([10.0, 30.0, 20.0, 50.0, 25.0, 100.0]);
        let column = Column::Python("asyncio".to_owned());
        cells.push(Cell { column, rounds: vec![Ok(1.0)] });
        assert_eq!(ratio(Better::Lower, &cells, true, None), "0.40");
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
    fn who_was_not_asked_has_not_failed() {
        let mut cell = cells([100.0; 6]).remove(0);
        cell.rounds.clear();
        assert_eq!((cell.text().as_str(), cell.has_failed()), ("-", false));
        cell.rounds.push(Err(Failure::Hung));
        assert_eq!((cell.text().as_str(), cell.has_failed()), ("hung", true));
    }

    #[test]
    fn rounds_far_apart_are_marked() {
        let mut cell = cells([100.0; 6]).remove(0);
        assert_eq!(cell.text(), "100");
        cell.rounds = vec![Ok(90.0), Ok(100.0), Ok(130.0)];
        assert_eq!(cell.text(), "100~");
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([1.974, 12.24, 386.6, 18500.2].map(number), ["1.97", "12.2", "387", "18500"]);
    }
}
