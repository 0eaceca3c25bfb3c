//! Sockets: [`TcpListener`], [`TcpStream`].
//!
//! Addresses can be whatever [`ToSocketAddrs`] takes, which is what the standard library takes. A name is looked up on a
//! thread of the blocking pool; an address that needs no look-up makes no detour.

mod address;
mod socket;
mod tcp_halves;
mod tcp_listener;
mod tcp_stream;

pub use address::ToSocketAddrs;
pub use tcp_halves::{OwnedReadHalf, OwnedWriteHalf};
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
