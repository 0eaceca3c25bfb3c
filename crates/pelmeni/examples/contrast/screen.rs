//! What the user sees: progress on standard error while it works, results on standard output.
//!
//! Nothing here panics when the other end of a pipe goes away; the page is written all the same.

use std::io::{self, IsTerminal, Write};

/// What is being done now. In a terminal it is replaced by what comes next; elsewhere it is not shown.
pub(crate) fn doing(text: &str) {
    let mut screen = io::stderr().lock();
    if screen.is_terminal() {
        // The screen may be gone; the work goes on.
        let _ = write!(screen, "\r\x1b[2K  {text} ...").and_then(|()| screen.flush());
    }
}

/// A step that is done, and what came of it.
pub(crate) fn done(text: &str, result: &str) {
    let mut screen = io::stderr().lock();
    let clear = if screen.is_terminal() { "\r\x1b[2K" } else { "" };
    let _ = writeln!(screen, "{clear}  {text:<44} {result}");
}

/// Something went wrong.
pub(crate) fn error(text: &str) {
    let mut screen = io::stderr().lock();
    let clear = if screen.is_terminal() { "\r\x1b[2K" } else { "" };
    let _ = writeln!(screen, "{clear}contrast: {text}");
}

/// A line of the result.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}
