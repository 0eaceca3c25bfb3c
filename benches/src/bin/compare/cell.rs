//! What the rounds of one row gave in one column, and how pelmeni compares.

use pelmeni_benches::clock::median;
use pelmeni_benches::contender::{Contender, Runtime};
use pelmeni_benches::row::Better;

use crate::child::Failure;
use crate::entries::Entry;

/// Rounds that lie further apart than this part of their median are marked.
const NOISY: f64 = 0.25;
/// Rounds of which some say that one is ahead and some another leave a doubt, unless two that are equal would be so far apart
/// more rarely than this.
const DOUBT: f64 = 0.02;

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
            .map(|(own, peers)| text(ratio(self.entry.better, &self.cells, own, peers)))
    }

    /// Returns the ratio of pelmeni, with many threads or one, and the best peer with as many, if that peer is ahead and the
    /// rounds leave no doubt of it.
    pub(crate) fn behind(&self, many: bool) -> Option<f64> {
        let ratio = ratio(self.entry.better, &self.cells, many, Some(many))?;
        (ratio.is_sure && ratio.times < EVEN.0).then_some(ratio.times)
    }
}

/// What is printed as 1.00.
const EVEN: (f64, f64) = (0.995, 1.005);

/// How many times better one is than another: the median of what each round says, as a machine that changes its speed does
/// so more rarely than once in a round.
#[derive(Clone, Copy, Debug)]
struct Ratio {
    times: f64,
    /// The rounds leave no doubt of who is ahead.
    is_sure: bool,
}

/// That of pelmeni, with many threads or one, and the best of these peers.
fn ratio(better: Better, cells: &[Cell], many: bool, peers: Option<bool>) -> Option<Ratio> {
    let is_many = |cell: &Cell| cell.column.threads().is_some_and(|threads| threads > 1);
    let own = cells.iter().find(|cell| cell.column.is_pelmeni() && is_many(cell) == many);
    cells
        .iter()
        .filter(|cell| !cell.column.is_pelmeni() && cell.column.threads().is_some())
        .filter(|cell| peers.is_none_or(|many| is_many(cell) == many))
        .filter_map(|peer| Ratio::of(better, own?, peer))
        .min_by(|one, other| one.times.total_cmp(&other.times))
}

fn text(ratio: Option<Ratio>) -> String {
    match ratio {
        None => "-".to_owned(),
        Some(Ratio { times, .. }) if times > 999.0 => ">999".to_owned(),
        Some(Ratio { times, is_sure }) => format!("{times:.2}{}", if is_sure { "" } else { "?" }),
    }
}

impl Ratio {
    /// `None` if one of them gave no numbers.
    fn of(better: Better, own: &Cell, peer: &Cell) -> Option<Ratio> {
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
        Some(Ratio { is_sure: is_sure(&times), times: median(&mut times) })
    }
}

/// Says whether rounds with these ratios leave no doubt of who is ahead: all say the same, or so many do that chance would
/// hardly ever have it so (a sign test).
fn is_sure(times: &[f64]) -> bool {
    let behind = times.iter().filter(|times| **times < EVEN.0).count();
    let ahead = times.iter().filter(|times| **times > EVEN.1).count();
    let (fewer, all) = (behind.min(ahead), behind + ahead);
    fewer == 0 || 2.0 * chance_of_at_most(fewer, all) < DOUBT
}

/// The chance that a coin that is thrown so many times shows heads no more often than that.
fn chance_of_at_most(heads: usize, throws: usize) -> f64 {
    let mut chance = 0.5_f64.powi(i32::try_from(throws).unwrap_or(i32::MAX));
    let mut sum = chance;
    for heads in 1..=heads {
        chance *= (throws - heads + 1) as f64 / heads as f64;
        sum += chance;
    }
    sum
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
    use super::{Better, Cell, Column, Line, chance_of_at_most, is_sure, number, ratio, text};
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
        assert_eq!(text(ratio(Better::Lower, &cells, false, Some(false))), "2.00");
        assert_eq!(text(ratio(Better::Lower, &cells, true, Some(true))), "0.50");
        assert_eq!(text(ratio(Better::Lower, &cells, true, None)), "0.40");
        assert_eq!(text(ratio(Better::Higher, &cells, true, Some(true))), "0.50");
        assert_eq!(text(ratio(Better::Higher, &cells, false, Some(false))), "0.33");
    }

    #[test]
    fn nothing_against_nothing_is_even_and_against_something_beyond_measure() {
        let cells = cells([-0.001, 0.002, 2.0, 0.0, 3.0, 1.0]);
        assert_eq!(cells[0].text(), "0.00");
        assert_eq!(text(ratio(Better::Lower, &cells, false, Some(false))), "1.00");
        assert_eq!(text(ratio(Better::Lower, &cells, true, Some(true))), ">999");
    }

    #[test]
    fn ratio_is_that_of_the_rounds() {
        let mut cells = cells([10.0, 100.0, 100.0, 1.0, 1.0, 1.0]);
        // Of three rounds the machine had half its speed in one and a half.
        cells[0].rounds = vec![Ok(10.0), Ok(20.0), Ok(20.0)];
        cells[1].rounds = vec![Ok(15.0), Ok(30.0), Ok(15.0)];
        assert_eq!(text(ratio(Better::Lower, &cells, false, Some(false))), "1.50?");
    }

    #[test]
    fn rounds_that_contradict_each_other_leave_a_doubt() {
        assert!(is_sure(&[0.8]) && is_sure(&[1.2; 4]), "all agree");
        assert!(is_sure(&[1.0, 1.004, 0.996]), "of a tie there is none");
        assert!(!is_sure(&[0.9, 1.1]));
        let of_eleven = |behind| {
            let mut times = [1.1; 11];
            times[..behind].fill(0.9);
            is_sure(&times)
        };
        assert_eq!([0, 1, 2, 9, 10].map(of_eleven), [true, true, false, false, true]);
        assert!((chance_of_at_most(2, 11) - 67.0 / 2048.0).abs() < 1e-12);
    }

    #[test]
    fn who_is_behind_is_said_only_if_it_is_sure() {
        let mut line = line("yield-1", [10.0, 30.0, 20.0, 50.0, 25.0, 100.0]);
        assert_eq!((line.behind(false), line.behind(true)), (None, Some(0.5)));
        line.cells[3].rounds = vec![Ok(50.0), Ok(50.0), Ok(20.0)];
        line.cells[4].rounds = vec![Ok(25.0), Ok(25.0), Ok(25.0)];
        line.cells[5].rounds = vec![Ok(99.0), Ok(99.0), Ok(99.0)];
        assert_eq!(line.behind(true), None);
        assert_eq!(line.ratios(), ["2.00", "0.50?", "2.00", "0.40"]);
    }

    #[test]
    fn python_is_no_peer() {
        let mut cells = cells([10.0, 30.0, 20.0, 50.0, 25.0, 100.0]);
        let column = Column::Python("asyncio".to_owned());
        cells.push(Cell { column, rounds: vec![Ok(1.0)] });
        assert_eq!(text(ratio(Better::Lower, &cells, true, None)), "0.40");
    }

    #[test]
    fn a_peer_that_failed_is_left_out_and_a_failed_pelmeni_has_no_ratio() {
        let mut cells = cells([10.0, 30.0, 20.0, 50.0, 25.0, 100.0]);
        cells[2].rounds.push(Err(Failure::Hung));
        cells[3].rounds = vec![Err(Failure::Failed)];
        assert_eq!(text(ratio(Better::Lower, &cells, false, Some(false))), "3.00");
        assert_eq!(text(ratio(Better::Lower, &cells, true, Some(true))), "-");
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
