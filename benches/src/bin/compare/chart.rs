//! A group of rows as a bar chart, in SVG written by hand.
//!
//! ```text
//!  title, unit: less is better
//!   pelmeni, 1  ############ 70
//!   tokio, 1    ############################ 390
//!   ...
//! ```
//! Every row has its own scale, up to its longest bar. The colours are chosen by the style sheet of the picture, which
//! knows whether the reader's screen is light or dark. CPython has no bar: it would leave no room for the others.

use std::fmt::Write as _;

use pelmeni_benches::row::Better;

use crate::cell::{Cell, Line};
use crate::child::Failure;

const WIDTH: f64 = 720.0;
/// Room for the names of the bars.
const LEFT: f64 = 120.0;
/// Room for the number behind the longest bar.
const RIGHT: f64 = 70.0;
const BAR: f64 = 12.0;
const STEP: f64 = 15.0;
const HEAD: f64 = 26.0;
const GAP: f64 = 14.0;

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.name { text-anchor: end; }
.ground { fill: #ffffff; }
.pelmeni { fill: #c2410c; }
.tokio { fill: #4b6a9b; }
.smol { fill: #6b8f71; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .ground { fill: #0d1117; }
  .pelmeni { fill: #fb923c; }
  .tokio { fill: #8fb0e0; }
  .smol { fill: #9cc7a3; }
}
";

/// Returns the chart of these lines.
pub(crate) fn svg(name: &str, lines: &[&Line]) -> String {
    let (mut body, mut y) = (String::new(), 0.0);
    for line in lines {
        y += HEAD;
        title(&mut body, line, y - 8.0);
        bars(&mut body, line, &mut y);
        y += GAP;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" role=\"img\" aria-label=\"{name}\">\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{y}\"/>\n{body}</svg>\n"
    )
}

fn title(body: &mut String, line: &Line, y: f64) {
    let good = match line.entry.better {
        Better::Lower => "less",
        Better::Higher => "more",
    };
    let (title, unit) = (line.entry.title.trim(), line.entry.unit);
    // Writing to a string cannot fail, here and below. No title has a character that XML reserves; a test sees to it.
    let _ = writeln!(
        body,
        "<text class=\"title\" x=\"8\" y=\"{y}\">{title}, {unit}: {good} is better</text>"
    );
}

fn bars(body: &mut String, line: &Line, y: &mut f64) {
    let is_drawn =
        |cell: &&Cell| cell.column.threads().is_some() && cell.value() != Err(Failure::NotRun);
    let cells = || line.cells.iter().filter(is_drawn);
    let longest = cells().filter_map(|cell| cell.value().ok()).fold(f64::MIN_POSITIVE, f64::max);
    for cell in cells() {
        bar(body, cell, longest, *y);
        *y += STEP;
    }
}

fn bar(body: &mut String, cell: &Cell, longest: f64, y: f64) {
    let (name, threads) = (cell.column.name(), cell.column.threads().unwrap_or_default());
    // A sleep that ends early is less than nothing, and has no bar.
    let share = cell.value().unwrap_or_default().max(0.0) / longest;
    let width = share * (WIDTH - LEFT - RIGHT);
    let (base, end) = (y + BAR - 2.0, LEFT + width + 4.0);
    let threads = if threads == 1 { "1 thread" } else { "many" };
    let text = cell.text();
    let _ = writeln!(
        body,
        "<text class=\"name\" x=\"{:.0}\" y=\"{base}\">{name}, {threads}</text>\
         <rect class=\"{name}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\"/>\
         <text x=\"{end:.1}\" y=\"{base}\">{text}</text>",
        LEFT - 6.0,
    );
}

#[cfg(test)]
mod tests {
    use super::svg;
    use crate::cell::tests::line;
    use crate::child::Failure;
    use crate::entries::entries;

    /// The widths of the bars, in order; the first rectangle is the ground.
    fn widths(svg: &str) -> Vec<f64> {
        let width = |bar: &str| bar.split_once("width=\"")?.1.split_once('"')?.0.parse().ok();
        svg.split("<rect").skip(2).map(|bar| width(bar).expect("a width")).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_numbers_and_each_row_has_its_scale() {
        let first = line("yield-1", [10.0, 30.0, 20.0, 53.0, 26.5, 106.0]);
        let second = line("chain", [2.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let widths = widths(&svg("tasks", &[&first, &second]));
        assert_eq!(widths[..6], [50.0, 150.0, 100.0, 265.0, 132.5, 530.0]);
        assert_eq!(widths[6..], [530.0, 265.0, 265.0, 265.0, 265.0, 265.0]);
    }

    #[test]
    fn a_failure_has_its_word_and_no_bar() {
        let mut failed = line("yield-1", [10.0, 20.0, 20.0, 20.0, 20.0, 20.0]);
        failed.cells[1].rounds = vec![Err(Failure::Hung)];
        let svg = svg("tasks", &[&failed]);
        assert_eq!(widths(&svg)[..2], [265.0, 0.0]);
        assert!(svg.contains(">hung<"), "{svg}");
    }

    #[test]
    fn who_was_not_asked_is_not_drawn() {
        let mut many = line("stalled-all", [1.0, 1.0, 1.0, 1.0, 2.0, 4.0]);
        for cell in &mut many.cells[..3] {
            cell.rounds.clear();
        }
        assert_eq!(widths(&svg("stalls", &[&many])), [132.5, 265.0, 530.0]);
    }

    #[test]
    fn no_title_has_a_character_that_xml_reserves() {
        for entry in entries() {
            assert!(!entry.title.contains(['<', '&']), "{}", entry.title);
        }
    }
}
