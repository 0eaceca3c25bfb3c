//! A TCP connection in two parts, for two tasks: [`OwnedReadHalf`], [`OwnedWriteHalf`].

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use super::tcp_stream::{TcpStream, read, read_exact, write, write_all};

pub(super) fn split(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    (OwnedReadHalf { stream: stream.clone() }, OwnedWriteHalf { stream })
}

/// The half of a connection that reads.
#[derive(Debug)]
pub struct OwnedReadHalf {
    stream: Arc<TcpStream>,
}

impl OwnedReadHalf {
    /// As [`TcpStream::read`].
    ///
    /// # Cancel safety
    /// No byte is lost.
    ///
    /// # Errors
    /// The connection's.
    pub fn read(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        read(&self.stream.io, buf)
    }

    /// As [`TcpStream::read_exact`].
    ///
    /// # Cancel safety
    /// What has been read so far is in `buf`, and how much it is, is lost.
    ///
    /// # Errors
    /// `UnexpectedEof` if the peer sends no more before `buf` is full; the connection's.
    pub fn read_exact(&mut self, buf: &mut [u8]) -> impl Future<Output = io::Result<()>> {
        read_exact(&self.stream.io, buf)
    }
}

/// The half of a connection that writes. Dropping it tells the peer that there is no more.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<TcpStream>,
}

impl OwnedWriteHalf {
    /// As [`TcpStream::write`].
    ///
    /// # Cancel safety
    /// No byte is taken without this saying so.
    ///
    /// # Errors
    /// The connection's.
    pub fn write(&mut self, buf: &[u8]) -> impl Future<Output = io::Result<usize>> {
        write(&self.stream.io, buf)
    }

    /// As [`TcpStream::write_all`].
    ///
    /// # Cancel safety
    /// How much the system had taken is lost.
    ///
    /// # Errors
    /// `WriteZero` if the system takes no more; the connection's.
    pub fn write_all(&mut self, buf: &[u8]) -> impl Future<Output = io::Result<()>> {
        write_all(&self.stream.io, buf)
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        // If it fails, the connection is gone, and the peer knows.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

impl AsyncRead for OwnedReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for OwnedWriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_shutdown()
    }
}
