//! Timelines and latencies as inline SVG.
//!
//! A lane with few marks is drawn exactly. One with many is cut into cells, and each cell stacks the shares of what was
//! done in it: a band as high as the lane was busy. All cells of one colour are one path, which keeps the page small.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::page::escape;
use crate::table;
use crate::timeline::{self, Chart, Group};
use crate::trace::{Hue, Lane};

const WIDTH: f64 = 960.0;
/// Room for the names of the lanes.
const LEFT: f64 = 110.0;
const RIGHT: f64 = 60.0;
const PLOT: f64 = WIDTH - LEFT - RIGHT;
/// How many cells a crowded lane is cut into.
const CELLS: usize = 200;
/// A lane with more marks than this is crowded.
const CROWDED: usize = 100;
/// Tasks share this many colours.
const COLOURS: usize = 32;

/// All groups of the chart on one axis of time.
pub(crate) fn timelines(chart: &Chart, task: &str) -> String {
    let end = chart.end();
    let mut body = String::new();
    let mut y = 0.0;
    for group in &chart.groups {
        group_of_lanes(&mut body, group, task, end, &mut y);
    }
    let place = |seconds: f64| (LEFT + seconds / end * PLOT, moment(seconds));
    axis(&mut body, y, &ticks(end).into_iter().map(place).collect::<Vec<_>>());
    figure(&body, y + 24.0, "Timelines of the workers")
}

fn group_of_lanes(body: &mut String, group: &Group, task: &str, end: f64, y: &mut f64) {
    *y += 22.0;
    let name = escape(&format!("{}: {}", group.name, table::seconds(group.seconds)));
    put(
        body,
        format_args!("<text class=\"group\" x=\"{LEFT}\" y=\"{:.0}\">{name}</text>", *y - 6.0),
    );
    let (height, gap) = if group.lanes.len() > 8 { (9.0, 1.0) } else { (24.0, 3.0) };
    for lane in &group.lanes {
        let width = group.seconds / end * PLOT;
        put(
            body,
            format_args!(
                "<rect class=\"idle\" x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{height}\"/>"
            ),
        );
        let base = *y + height * 0.5 + if height > 12.0 { 4.0 } else { 3.0 };
        let size = if height > 12.0 { "name" } else { "name small" };
        let name = escape(&lane.name);
        put(
            body,
            format_args!(
                "<text class=\"{size}\" x=\"{:.0}\" y=\"{base:.1}\">{name}</text>",
                LEFT - 8.0
            ),
        );
        if lane.marks.len() > CROWDED {
            crowded(body, lane, task, end, *y, height);
        } else {
            exact(body, lane, task, end, *y, height);
        }
        *y += height + gap;
    }
}

/// Each mark as a rectangle of its own, wide enough to be seen.
fn exact(body: &mut String, lane: &Lane, task: &str, end: f64, y: f64, height: f64) {
    for mark in &lane.marks {
        let x = LEFT + mark.from / end * PLOT;
        let width = ((mark.to - mark.from) / end * PLOT).max(0.8);
        let title = escape(&format!(
            "{} on {}, {} to {}",
            name(mark.hue, task),
            lane.name,
            moment(mark.from),
            moment(mark.to)
        ));
        let paint = paint(mark.hue);
        put(
            body,
            format_args!(
                "<rect {paint} x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{height}\">\
                 <title>{title}</title></rect>"
            ),
        );
    }
}

/// Shares of each cell, stacked from below; one path for each colour.
fn crowded(body: &mut String, lane: &Lane, task: &str, end: f64, y: f64, height: f64) {
    let cells = timeline::cells(lane, end, CELLS);
    let hues: BTreeSet<Hue> = cells.iter().flat_map(|cell| cell.keys().copied()).collect();
    // So many tasks that a band each would be thinner than a hair: neighbours share one.
    let tasks = hues.iter().filter(|hue| matches!(hue, Hue::Task(_))).count();
    let together = tasks.div_ceil(COLOURS).max(1);
    let merged = |hue: Hue| match hue {
        Hue::Task(number) => Hue::Task(number / together * together),
        other => other,
    };
    let mut paths: BTreeMap<Hue, (String, f64)> = BTreeMap::new();
    let width = PLOT / CELLS as f64;
    for (number, cell) in cells.iter().enumerate() {
        let x = LEFT + number as f64 * width;
        let mut bands: BTreeMap<Hue, f64> = BTreeMap::new();
        for (hue, share) in cell {
            *bands.entry(merged(*hue)).or_default() += share;
        }
        let mut bottom = y + height;
        for (hue, share) in bands {
            let high = share.min(1.0) * height;
            let (path, seconds) = paths.entry(hue).or_default();
            *seconds += share * end / CELLS as f64;
            if high >= 0.05 {
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x:.1} {bottom:.1}h{width:.1}v-{high:.1}h-{width:.1}z");
                bottom -= high;
            }
        }
    }
    for (hue, (path, seconds)) in paths {
        let title = escape(&format!(
            "{} on {}: {} in all",
            name(hue, task),
            lane.name,
            table::seconds(seconds)
        ));
        let paint = paint(hue);
        put(body, format_args!("<path {paint} d=\"{path}\"><title>{title}</title></path>"));
    }
}

/// Median and 99th percentile of each row on a logarithmic axis, in seconds.
pub(crate) fn latencies(rows: &[(String, f64, f64)]) -> String {
    let all = || rows.iter().flat_map(|row| [row.1, row.2]).filter(|seconds| *seconds > 0.0);
    let first = all().fold(1e-3, f64::min).log10().floor();
    let last = all().fold(1e-2, f64::max).log10().ceil();
    let left = LEFT + 60.0;
    let plot = PLOT - 60.0;
    let place = |seconds: f64| left + (seconds.max(1e-9).log10() - first) / (last - first) * plot;
    let mut body = String::new();
    let mut y = 6.0;
    for (mode, median, worst) in rows {
        let (from, to) = (place(*median), place(*worst));
        let middle = y + 11.0;
        let title = escape(&format!(
            "{mode}: p50 {}, p99 {}",
            table::seconds(*median),
            table::seconds(*worst)
        ));
        let mode = escape(mode);
        put(
            &mut body,
            format_args!(
                "<text class=\"name\" x=\"{:.0}\" y=\"{:.0}\">{mode}</text>\
                 <g><title>{title}</title><line class=\"whisker\" x1=\"{from:.1}\" x2=\"{to:.1}\" \
                 y1=\"{middle}\" y2=\"{middle}\"/><circle class=\"serve\" cx=\"{from:.1}\" \
                 cy=\"{middle}\" r=\"5\"/><circle class=\"lock\" cx=\"{to:.1}\" cy=\"{middle}\" \
                 r=\"5\"/></g>",
                left - 12.0,
                middle + 4.0
            ),
        );
        y += 24.0;
    }
    let decades = (first as i32..=last as i32).map(|power| 10_f64.powi(power));
    axis(&mut body, y, &decades.map(|t| (place(t), moment(t))).collect::<Vec<_>>());
    figure(&body, y + 24.0, "Latency of a request")
}

fn axis(body: &mut String, y: f64, ticks: &[(f64, String)]) {
    for (x, text) in ticks {
        put(
            body,
            format_args!(
                "<line class=\"tick\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{:.0}\"/>\
                 <text class=\"axis\" x=\"{x:.1}\" y=\"{:.0}\">{text}</text>",
                y + 4.0,
                y + 18.0
            ),
        );
    }
}

/// Round numbers from nought to the end, four to ten of them.
fn ticks(end: f64) -> Vec<f64> {
    let decade = 10_f64.powf((end / 4.0).log10().floor());
    let step = [5.0, 2.0, 1.0].map(|part| part * decade).into_iter().find(|s| end / s >= 4.0);
    let step = step.unwrap_or(decade);
    (0..=(end / step) as u32).map(|number| f64::from(number) * step).collect()
}

/// A place on an axis: `0`, `200 ms`, `1 s`.
fn moment(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s <= 0.0 => return "0".into(),
        s if s > 0.9995 => (s, "s"),
        s if s > 0.9995e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "us"),
    };
    // Two digits are enough for a tick; what follows them comes of binary fractions.
    let rounded = (value * 100.0).round() / 100.0;
    format!("{rounded} {unit}")
}

fn figure(body: &str, height: f64, label: &str) -> String {
    format!(
        "<div class=\"figure\"><svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
         aria-label=\"{label}\">\n{body}</svg></div>\n"
    )
}

/// What a colour means, for the tooltip.
fn name(hue: Hue, task: &str) -> String {
    match hue {
        Hue::Task(number) => format!("{task} {number}"),
        Hue::Serve => "serving".into(),
        Hue::Fetch => "asking and checking".into(),
        Hue::Count => "counting".into(),
        Hue::Lock => "waiting for the lock".into(),
    }
}

/// The attribute that gives a shape its colour.
fn paint(hue: Hue) -> String {
    match hue {
        Hue::Task(number) => {
            // The golden angle keeps neighbours apart, whatever their number.
            let turn = number * 137 % 360;
            format!("fill=\"hsl({turn} 55% {}%)\"", 48 + number % 3 * 8)
        }
        Hue::Serve => "class=\"serve\"".into(),
        Hue::Fetch => "class=\"fetch\"".into(),
        Hue::Count => "class=\"count\"".into(),
        Hue::Lock => "class=\"lock\"".into(),
    }
}

/// A line of the picture.
fn put(body: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(body, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_end_inside() {
        assert_eq!(ticks(10.02), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(1.27).len(), 7);
        for end in [1e-6, 0.013, 0.9, 1.0, 3.9, 4.0, 47.0] {
            let ticks = ticks(end);
            assert!((4..=11).contains(&ticks.len()), "{end}: {ticks:?}");
            assert!(ticks.iter().all(|tick| *tick <= end * 1.000_001), "{end}: {ticks:?}");
        }
        let texts: Vec<_> = [0.0, 0.000_25, 0.002, 0.2 * 3.0, 1.0, 12.5].map(moment).into();
        assert_eq!(texts, ["0", "250 us", "2 ms", "600 ms", "1 s", "12.5 s"]);
    }

    #[test]
    fn many_marks_become_one_path_for_each_colour_and_names_are_escaped() {
        let mark = |n: usize| crate::trace::Mark {
            hue: if n % 2 == 0 { Hue::Serve } else { Hue::Fetch },
            from: n as f64 / 1000.0,
            to: (n as f64 + 1.0) / 1000.0,
        };
        let lane = Lane { name: "<w>".into(), marks: (0..1000).map(mark).collect() };
        let group = Group { name: "a & b".into(), seconds: 1.0, lanes: vec![lane] };
        let svg = timelines(&Chart { groups: vec![group] }, "task");
        assert_eq!(svg.matches("<path").count(), 2);
        assert!(svg.contains("&lt;w&gt;") && !svg.contains("<w>"));
        assert!(svg.contains("a &amp; b"));
    }
}
