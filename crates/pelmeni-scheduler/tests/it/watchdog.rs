//! Ends the process, in the name of a test, if that hangs.

use std::process::abort;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// While it exists, the watchdog of its test looks on.
pub(crate) struct Watched {
    _test: Sender<()>,
}

/// Gives a test a minute, which is far more than it takes.
pub(crate) fn watch(test: &'static str) -> Watched {
    let (to, from) = channel();
    thread::spawn(move || {
        if from.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("watchdog: {test} hangs");
            abort();
        }
    });
    Watched { _test: to }
}
