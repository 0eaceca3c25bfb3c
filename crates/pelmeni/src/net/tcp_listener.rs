//! A socket that accepts TCP connections: [`TcpListener`].

use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::panic::Location;

use pelmeni_driver::Direction;

use super::address::{ToSocketAddrs, resolve};
use super::socket::{self, new_socket, reuse_address, try_each};
use super::tcp_stream::TcpStream;
use crate::io::{Async, runtime};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A socket that accepts TCP connections.
///
/// ```
/// use pelmeni::net::{TcpListener, TcpStream};
///
/// pelmeni::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addr()?;
///     let server = pelmeni::spawn(async move {
///         let (mut stream, _) = listener.accept().await?;
///         stream.write_all(b"soup").await
///     });
///     let mut stream = TcpStream::connect(address).await?;
///     let mut plate = [0; 4];
///     stream.read_exact(&mut plate).await?;
///     server.await.unwrap()?;
///     assert_eq!(&plate, b"soup");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct TcpListener {
    io: Async<net::TcpListener>,
}

impl TcpListener {
    /// Binds to the first of the addresses that lets it, and listens with room for 1024 connections. Port 0 is any free one.
    ///
    /// On Unix the address may be one whose last connections are not quite gone yet (`SO_REUSEADDR`).
    ///
    /// # Cancel safety
    /// Nothing stays bound.
    ///
    /// # Errors
    /// The last address's, if none can be bound.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind(addr: impl ToSocketAddrs) -> impl Future<Output = io::Result<TcpListener>> {
        let (target, caller) = (addr.target(), Location::caller());
        async move {
            let runtime = runtime("TcpListener::bind", caller);
            try_each(resolve(target).await?, |address| {
                let socket = new_socket(address)?;
                reuse_address(&socket)?;
                socket.bind(&address.into())?;
                socket.listen(BACKLOG)?;
                Ok(TcpListener { io: Async::new(socket.into(), &runtime) })
            })
        }
    }

    /// Takes a listener of the standard library, and makes it one that does not block.
    ///
    /// # Errors
    /// The system's, if it cannot be made so.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(listener: net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        let runtime = runtime("TcpListener::from_std", Location::caller());
        Ok(TcpListener { io: Async::new(listener, &runtime) })
    }

    /// Waits for a connection, and tells who it is from.
    ///
    /// A connection that was gone before it was accepted is passed over. Several tasks may wait at once. Who accepts in a
    /// loop gets those that wait already one after the other, without asking the poller in between; after
    /// [`BUDGET`](crate::task::BUDGET) of them at most, other tasks have their turn.
    ///
    /// # Cancel safety
    /// No connection is lost.
    ///
    /// # Errors
    /// The system's: that there are no descriptors left, for one. The listener stays good; wait a little before the next
    /// try, or it fails again at once.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        let caller = Location::caller();
        let accept = |listener: &net::TcpListener| loop {
            match socket::accept(listener) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                result => return result,
            }
        };
        async move {
            let (stream, peer) = self.io.io(Direction::Read, accept).await?;
            let runtime = runtime("TcpListener::accept", caller);
            Ok((TcpStream { io: Async::new(stream, &runtime) }, peer))
        }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}
