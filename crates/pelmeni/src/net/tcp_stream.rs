//! A TCP connection: [`TcpStream`].

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem;
use std::net::{self, Shutdown, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use pelmeni_driver::Direction;
use pelmeni_scheduler::Handle;

use super::address::{ToSocketAddrs, resolve};
use super::socket::{is_in_progress, new_socket, receive, send};
use super::tcp_halves::{OwnedReadHalf, OwnedWriteHalf, split};
use crate::io::{Async, runtime};

/// A TCP connection.
///
/// Reading and writing by hand need no trait; it is also an [`AsyncRead`] and [`AsyncWrite`] of the `futures` family, and so
/// is a reference to it, so that one task can read while another writes.
#[derive(Debug)]
pub struct TcpStream {
    pub(super) io: Async<net::TcpStream>,
}

impl TcpStream {
    /// Connects to the first of the addresses that answers, one after the other.
    ///
    /// # Cancel safety
    /// The attempt is given up.
    ///
    /// # Errors
    /// The last address's, if none answers. There is no time limit but the system's: see [`timeout`](crate::timeout).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn connect(addr: impl ToSocketAddrs) -> impl Future<Output = io::Result<TcpStream>> {
        let (target, caller) = (addr.target(), Location::caller());
        async move {
            let runtime = runtime("TcpStream::connect", caller);
            let mut last = None;
            for address in resolve(target).await? {
                match TcpStream::connect_one(address, &runtime).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = Some(error),
                }
            }
            Err(last.expect("there is at least one address"))
        }
    }

    async fn connect_one(address: SocketAddr, runtime: &Handle) -> io::Result<TcpStream> {
        let socket = new_socket(address)?;
        let at_once = match socket.connect(&address.into()) {
            Ok(()) => true,
            Err(error) if is_in_progress(&error) => false,
            Err(error) => return Err(error),
        };
        let stream = TcpStream { io: Async::new(socket.into(), runtime) };
        if !at_once {
            stream.io.ready(Direction::Write).await?;
            if let Some(error) = stream.io.get_ref().take_error()? {
                return Err(error);
            }
        }
        Ok(stream)
    }

    /// Takes a connection of the standard library, and makes it one that does not block.
    ///
    /// # Errors
    /// The system's, if it cannot be made so.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(stream: net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        let runtime = runtime("TcpStream::from_std", Location::caller());
        Ok(TcpStream { io: Async::new(stream, &runtime) })
    }

    /// Waits for bytes and reads at most `buf.len()` of them; 0 means that the peer sends no more, or that `buf` is empty.
    ///
    /// # Cancel safety
    /// No byte is lost.
    ///
    /// # Errors
    /// The connection's.
    pub fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        read(&self.io, buf)
    }

    /// Waits until `buf` is full.
    ///
    /// # Cancel safety
    /// What has been read so far is in `buf`, and how much it is, is lost.
    ///
    /// # Errors
    /// `UnexpectedEof` if the peer sends no more before that; the connection's.
    pub fn read_exact(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<()>> {
        read_exact(&self.io, buf)
    }

    /// Waits until the system takes bytes of `buf`, and tells how many it took.
    ///
    /// # Cancel safety
    /// No byte is taken without this saying so.
    ///
    /// # Errors
    /// The connection's.
    pub fn write(&mut self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        write(&self.io, buf)
    }

    /// Waits until the system has taken all of `buf`.
    ///
    /// # Cancel safety
    /// How much it had taken is lost.
    ///
    /// # Errors
    /// `WriteZero` if the system takes no more; the connection's.
    pub fn write_all(&mut self, buf: &[u8]) -> impl Future<Output = io::Result<()>> {
        write_all(&self.io, buf)
    }

    /// Ends one direction or both: the peer reads to the end, or cannot write any more.
    ///
    /// # Errors
    /// The system's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }

    /// Sends small pieces at once, instead of collecting them for a while.
    ///
    /// # Errors
    /// The system's.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }

    /// The address of this end.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// The system's, if the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// Makes two halves of it, for two tasks. Dropping the half that writes tells the peer that there is no more.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split(self)
    }

    pub(super) fn poll_shutdown(&self) -> Poll<io::Result<()>> {
        match self.shutdown(Shutdown::Write) {
            // The peer has closed already: there is nobody to tell.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}

/// A connection as the system has it, and its place in the driver.
type Io = Async<net::TcpStream>;

pub(super) fn read(io: &Io, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
    poll_fn(move |cx| poll_read(io, cx, buf))
}

pub(super) fn read_exact(io: &Io, mut buf: &mut [u8]) -> impl Future<Output = io::Result<()>> {
    poll_fn(move |cx| {
        while !buf.is_empty() {
            match ready!(poll_read(io, cx, buf))? {
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                read => buf = &mut mem::take(&mut buf)[read..],
            }
        }
        Poll::Ready(Ok(()))
    })
}

pub(super) fn write(io: &Io, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
    poll_fn(move |cx| poll_write(io, cx, buf))
}

pub(super) fn write_all(io: &Io, mut buf: &[u8]) -> impl Future<Output = io::Result<()>> {
    poll_fn(move |cx| {
        while !buf.is_empty() {
            match ready!(poll_write(io, cx, buf))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => buf = &buf[written..],
            }
        }
        Poll::Ready(Ok(()))
    })
}

fn poll_read(io: &Io, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
    io.poll_transfer(cx, Direction::Read, buf.len(), |stream| receive(stream, buf))
}

fn poll_write(io: &Io, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
    io.poll_transfer(cx, Direction::Write, buf.len(), |stream| send(stream, buf))
}

impl AsyncRead for &TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        poll_read(&self.io, cx, buf)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = bufs.iter().map(|buf| buf.len()).sum();
        self.io.poll_transfer(cx, Direction::Read, wanted, |mut stream| stream.read_vectored(bufs))
    }
}

impl AsyncWrite for &TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        poll_write(&self.io, cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = bufs.iter().map(|buf| buf.len()).sum();
        self.io
            .poll_transfer(cx, Direction::Write, wanted, |mut stream| stream.write_vectored(bufs))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_shutdown()
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buf)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read_vectored(cx, bufs)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        TcpStream::poll_shutdown(&self)
    }
}
