//! How long a thread has run and how long it has waited for a core, as Linux counts it. Elsewhere the system does not say.

use std::fs;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Of one thread, since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadTimes {
    /// How long it has run.
    pub ran: Duration,
    /// How long it could have run, and another had the core.
    pub waited: Duration,
}

/// The number by which the system knows the thread that calls; zero, which is none, elsewhere than on Linux.
pub fn this_thread() -> usize {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return rustix::thread::gettid().as_raw_nonzero().get() as usize;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return 0;
}

impl ThreadTimes {
    /// Of the thread of this process with this number; `None` if there is none, or the system does not say. It takes some
    /// microseconds. (It may count in ticks of some milliseconds: one that runs is seen at the last tick.)
    pub fn of(thread: usize) -> Option<ThreadTimes> {
        let number = NonZeroUsize::new(thread)?;
        parse(&fs::read_to_string(format!("/proc/self/task/{number}/schedstat")).ok()?)
    }
}

fn parse(text: &str) -> Option<ThreadTimes> {
    let mut nanos = text.split_ascii_whitespace().map(str::parse);
    let mut next = || Some(Duration::from_nanos(nanos.next()?.ok()?));
    Some(ThreadTimes { ran: next()?, waited: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_tells_of_threads_that_are_there() {
        assert_eq!(ThreadTimes::of(0), None, "there is no such thread");
        let Some(first) = ThreadTimes::of(this_thread()) else {
            // Some systems forbid to look, or do not count.
            return assert!(fs::metadata("/proc/self/schedstat").is_err());
        };
        let ran_on = || ThreadTimes::of(this_thread()).is_some_and(|now| now.ran > first.ran);
        while !ran_on() {}
    }

    #[test]
    fn what_the_system_says_is_understood() {
        let (ran, waited) = (Duration::from_micros(7), Duration::from_nanos(12));
        assert_eq!(parse("7000 12 3\n"), Some(ThreadTimes { ran, waited }));
        assert_eq!(parse("7000"), None);
        assert_eq!(parse("borscht 12 3"), None);
    }
}
