//! The driver from outside: real sockets with every poller, and the wheel against an oracle.

#![cfg(all(unix, not(all(loom, feature = "loom"))))]

mod clock;
mod descriptors;
mod io;
mod kitchen;
mod lifecycle;
mod notify;
mod oracle;
mod short_reads;
mod stress;
mod wheel;
