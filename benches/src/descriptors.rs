//! How many descriptors this process may have open: by default few on many systems, and a connection takes one at each
//! end.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of open descriptors as far as the system lets this process, and returns it.
///
/// # Panics
///
/// Panics if the kernel refuses what it said it would allow.
pub fn allow_all() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the soft limit may be raised to the hard one");
    limit.maximum.unwrap_or(u64::MAX)
}
