//! Timelines: what each worker did, one thread above many, on one axis of time.
//!
//! A lane's marks can be far more than a terminal or a page has room for, so they are summed up in cells: which share
//! of this stretch of time went to what. The terminal shows the largest share of each cell as a letter; the page
//! stacks them all.

use std::collections::BTreeMap;

use crate::trace::{Hue, Lane};

/// How many columns of a terminal line show time.
const COLUMNS: usize = 64;
/// A cell in which less than this share was spent on anything is shown as idle.
const IDLE: f64 = 0.10;

/// Groups of lanes that share one axis.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) groups: Vec<Group>,
}

/// The lanes of one mode.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) seconds: f64,
    pub(crate) lanes: Vec<Lane>,
}

/// The share of a stretch of time that went to each hue.
pub(crate) type Cell = BTreeMap<Hue, f64>;

impl Chart {
    /// Where the axis ends: when the slowest mode does.
    pub(crate) fn end(&self) -> f64 {
        self.groups.iter().map(|group| group.seconds).fold(f64::MIN_POSITIVE, f64::max)
    }

    /// The lines for a terminal.
    pub(crate) fn lines(&self) -> Vec<String> {
        let end = self.end();
        let name = |lane: &Lane| lane.name.chars().count();
        let widths = self.groups.iter().flat_map(|group| &group.lanes).map(name);
        let width = widths.max().unwrap_or(0);
        let mut lines = Vec::new();
        for group in &self.groups {
            lines.push(group.name.clone());
            for lane in &group.lanes {
                let letters: String = cells(lane, end, COLUMNS).iter().map(letter).collect();
                // Beyond the end of the group's own time there is nothing to see, not even idleness.
                let over = (group.seconds / end * COLUMNS as f64).ceil() as usize;
                let letters: String = letters.chars().take(over.max(1)).collect();
                let busy = busy(lane) / group.seconds.max(f64::MIN_POSITIVE) * 100.0;
                let name = &lane.name;
                lines.push(format!("  {name:<width$} |{letters:<COLUMNS$}| {busy:>3.0}%"));
            }
        }
        let axis = crate::table::seconds(end);
        let room = COLUMNS - 1;
        lines.push(format!("  {:width$} 0{axis:>room$}    busy", ""));
        lines
    }
}

/// What a lane did in each of `count` stretches of equal length.
pub(crate) fn cells(lane: &Lane, end: f64, count: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::new(); count];
    let length = end / count as f64;
    for mark in &lane.marks {
        let first = ((mark.from / length) as usize).min(count - 1);
        let last = ((mark.to / length) as usize).min(count - 1);
        for (number, cell) in cells.iter_mut().enumerate().take(last + 1).skip(first) {
            let start = number as f64 * length;
            let overlap = mark.to.min(start + length) - mark.from.max(start);
            *cell.entry(mark.hue).or_default() += overlap.max(0.0) / length;
        }
    }
    cells
}

/// Seconds that a lane spent on its tasks, without those it spent on waiting for the lock.
pub(crate) fn busy(lane: &Lane) -> f64 {
    let running = lane.marks.iter().filter(|mark| mark.hue != Hue::Lock);
    // Not `sum`: of no numbers at all it makes -0.
    running.fold(0.0, |busy, mark| busy + mark.to - mark.from)
}

/// The largest share as a letter: a task's own, or the first of what was done.
fn letter(cell: &Cell) -> char {
    if cell.values().sum::<f64>() < IDLE {
        return '.';
    }
    let largest = cell.iter().max_by(|left, right| left.1.total_cmp(right.1));
    match largest.map(|(hue, _share)| *hue) {
        None => '.',
        Some(Hue::Task(number)) => char::from(b'A' + (number % 26) as u8),
        Some(Hue::Serve) => 's',
        Some(Hue::Fetch) => 'r',
        Some(Hue::Count) => 'c',
        Some(Hue::Lock) => ':',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Mark;

    fn lane(marks: &[(Hue, f64, f64)]) -> Lane {
        let mark = |&(hue, from, to): &(Hue, f64, f64)| Mark { hue, from, to };
        Lane { name: "worker 0".into(), marks: marks.iter().map(mark).collect() }
    }

    #[test]
    fn a_mark_is_shared_out_among_the_cells_it_touches() {
        let lane = lane(&[(Hue::Task(0), 0.5, 2.25), (Hue::Lock, 2.25, 2.5)]);
        let cells = cells(&lane, 4.0, 4);
        let share = |cell: usize, hue| cells[cell].get(&hue).copied();
        assert_eq!(share(0, Hue::Task(0)), Some(0.5));
        assert_eq!(share(1, Hue::Task(0)), Some(1.0));
        assert_eq!(share(2, Hue::Task(0)), Some(0.25));
        assert_eq!(share(2, Hue::Lock), Some(0.25));
        assert!(cells[3].is_empty());
        assert_eq!(busy(&lane), 1.75);
    }

    #[test]
    fn a_mark_at_the_very_end_stays_inside() {
        let cells = cells(&lane(&[(Hue::Count, 4.0, 4.0)]), 4.0, 4);
        assert_eq!(cells.len(), 4);
        assert_eq!(letter(&cells[3]), '.');
    }

    #[test]
    fn groups_share_one_axis_and_end_where_they_end() {
        let group = |name: &str, seconds| Group {
            name: name.into(),
            seconds,
            lanes: vec![lane(&[(Hue::Task(1), 0.0, seconds)])],
        };
        let chart = Chart { groups: vec![group("one", 2.0), group("many", 1.0)] };
        let lines = chart.lines();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1].matches('B').count(), COLUMNS);
        assert_eq!(lines[3].matches('B').count(), COLUMNS / 2);
        assert!(lines[3].ends_with("100%"));
        assert!(lines[4].contains("2.00 s"));
    }
}
