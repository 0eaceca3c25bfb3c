//! The page: one HTML file with everything in it, which needs neither a network nor a script.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::svg;
use crate::table::{Section, Table};

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1c2024; --paper: #fff; --soft: #5b6470; --line: #d9dee4;
  --idle: #eef1f4; --serve: #3b76b0; --fetch: #e08a2e; --count: #4f9a55; --lock: #d24b52; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --paper: #15181b; --soft: #9aa4af;
  --line: #333a41; --idle: #23282d; --serve: #5b9bd8; --fetch: #eda657; --count: #6cb872;
  --lock: #e86f75; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 3rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; }
.big { font-size: 1.1rem; }
.scroll, .figure { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; font-variant-numeric: tabular-nums;
  white-space: nowrap; font-size: .92rem; }
th, td { padding: .22rem .8rem; text-align: right; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; }
th:first-child, td:first-child, .text th, .text td { text-align: left; }
.text th, .text td { padding: .02rem .9rem .02rem 0; border: 0; }
.figure svg { display: block; width: 100%; min-width: 40rem; height: auto; margin: .5rem 0; }
svg text { fill: currentColor; font: 12px system-ui, sans-serif; }
svg .group { font-weight: 600; }
svg .name { text-anchor: end; } svg .small { font-size: 9px; }
svg .axis { text-anchor: middle; fill: var(--soft); }
svg .tick { stroke: var(--soft); stroke-opacity: .25; }
svg .whisker { stroke: var(--soft); stroke-width: 2; }
.idle { fill: var(--idle); } .serve { fill: var(--serve); background: var(--serve); }
.fetch { fill: var(--fetch); background: var(--fetch); }
.count { fill: var(--count); background: var(--count); }
.lock { fill: var(--lock); background: var(--lock); }
.legend { color: var(--soft); font-size: .9rem; }
.legend i { display: inline-block; width: .8em; height: .8em; margin: 0 .35em 0 1em; }
.notes, footer { color: var(--soft); font-size: .9rem; }
code { overflow-wrap: anywhere; }
";

/// What the page says besides the sections.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The results in a sentence each.
    pub(crate) headlines: Vec<String>,
    /// What was done where, with the commands.
    pub(crate) footer: Vec<String>,
    /// The lines of the mail program, mode beside mode.
    pub(crate) mails: Table,
}

/// The whole page.
pub(crate) fn render(frame: &Frame, sections: &[Section]) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>pelmeni: one thread, many threads</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<h1>pelmeni: the same coroutines on one thread and on many</h1>\n"
    );
    for headline in &frame.headlines {
        put(&mut html, format_args!("<p class=\"big\">{}</p>", escape(headline)));
    }
    for (number, section) in sections.iter().enumerate() {
        put(&mut html, format_args!("<h2>{}</h2>", escape(section.title)));
        put(&mut html, format_args!("<p>{}</p>", escape(&section.lead)));
        table(&mut html, &section.table);
        for chart in &section.charts {
            html.push_str(&svg::timelines(chart, section.task));
        }
        if !section.legend.is_empty() {
            legend(&mut html, section.legend);
        }
        if !section.latencies.is_empty() {
            html.push_str(&svg::latencies(&section.latencies));
            legend(&mut html, &[("serve", "half of the requests (p50)"), ("lock", "99% (p99)")]);
        }
        if number == 0 {
            put(&mut html, format_args!("<p>What the program prints, with the time:</p>"));
            table(&mut html, &frame.mails);
        }
        for note in &section.notes {
            put(&mut html, format_args!("<p class=\"notes\">{}</p>", escape(note)));
        }
    }
    html.push_str("<h2>How this was made</h2>\n<footer>\n");
    for line in &frame.footer {
        put(&mut html, format_args!("<p>{}</p>", escape(line)));
    }
    html.push_str("</footer>\n</body>\n</html>\n");
    html
}

fn table(html: &mut String, table: &Table) {
    let class = if table.text { "text" } else { "numbers" };
    put(html, format_args!("<div class=\"scroll\"><table class=\"{class}\">"));
    let row = |html: &mut String, cells: &[String], tag: &str| {
        html.push_str("<tr>");
        for cell in cells {
            let cell = escape(cell);
            // Writing to a String cannot fail.
            let _ = write!(html, "<{tag}>{cell}</{tag}>");
        }
        html.push_str("</tr>\n");
    };
    row(html, &table.header, "th");
    for cells in &table.rows {
        row(html, cells, "td");
    }
    html.push_str("</table></div>\n");
}

fn legend(html: &mut String, entries: &[(&str, &str)]) {
    html.push_str("<p class=\"legend\">");
    for (class, text) in entries {
        let _ = write!(html, "<i class=\"{class}\"></i>{}", escape(text));
    }
    html.push_str("</p>\n");
}

/// The text with everything that HTML would read as its own made harmless.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Today, in UTC, as `2001-02-03`.
pub(crate) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = date(since.as_secs() / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The civil date of a day since 1970. Years are counted from March, so that the leap day comes last.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn date(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(html, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_name_is_made_harmless() {
        assert_eq!(escape("<b>\"a\" & 'b'"), "&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;");
    }

    #[test]
    fn dates_know_leap_years() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(59), (1970, 3, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(19_783), (2024, 3, 1));
    }
}
