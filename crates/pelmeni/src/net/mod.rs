//! Sockets: [`TcpListener`], [`TcpStream`].
//!
//! Addresses can be whatever [`ToSocketAddrs`] takes, which is what the standard library takes. A name is looked up on a
//! thread of the blocking pool; an address that needs no look-up makes no detour.

mod address;
mod tcp;

pub use address::ToSocketAddrs;
pub use tcp::{OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream};
