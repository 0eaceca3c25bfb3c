//! What is said to a caller who used the runtime in a place where it cannot work: what was wrong, and what to do.

use std::fmt;
use std::io::{self, Write};
use std::panic::Location;

/// Says something on stderr, and nothing if that is closed.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "pelmeni: {what}");
}

/// Something needs a runtime and was used outside one.
///
/// # Panics
/// That is all it does.
pub fn outside(what: &str, location: &Location<'_>) -> ! {
    panic!(
        "pelmeni: `{what}` at {location} needs a runtime, and this thread is in none. \
         Wrap the call: `pelmeni::run(async {{ .. }})`, or go through a `Handle`: `handle.spawn(..)`"
    )
}

/// A thread that is a worker was asked to wait for another run.
pub(crate) const NESTED: &str = "this thread already runs a pelmeni runtime, so it cannot wait for another `run`. \
     `.await` the future, `spawn` it, or call `run` from `spawn_blocking`";
