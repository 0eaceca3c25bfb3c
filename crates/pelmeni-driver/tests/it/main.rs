//! The driver from outside: real sockets with every poller, and the wheel against an oracle.

mod descriptors;
mod io;
mod kitchen;
mod lifecycle;
mod notify;
mod stress;
mod wheel;
