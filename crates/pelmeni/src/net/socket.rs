//! What sockets of all kinds are made of.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::{RecvFlags, SendFlags, SocketFlags, acceptfrom_with, recv};
use socket2::{Domain, Protocol, Socket, Type};

/// A socket for an address of this kind; it does not block, and children do not inherit it.
pub(super) fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The connection is being made, and the socket will be writable when it is.
#[cfg(unix)]
pub(super) fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
        || error.kind() == io::ErrorKind::WouldBlock
}

/// The connection is being made, and the socket will be writable when it is.
#[cfg(not(unix))]
pub(super) fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Takes a connection, as a socket that does not block and is not inherited: one system call.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (stream, peer) = acceptfrom_with(listener, flags)?;
    // Linux leaves it out only for sockets that have none.
    let peer = peer.ok_or(io::ErrorKind::InvalidData)?;
    Ok((stream.into(), peer.try_into()?))
}

/// Takes a connection, as a socket that does not block and is not inherited.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, peer))
}

/// Reads what has come. Not by way of `libc`, where `recv` and `send` let a thread be cancelled and take two exchanges for that.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn receive(stream: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    let (read, _) = recv(stream, buf, RecvFlags::empty())?;
    Ok(read)
}

/// Reads what has come.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn receive(mut stream: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    io::Read::read(&mut stream, buf)
}

/// Gives the system what it takes. If the peer is gone, that is an error and no signal.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn send(stream: &TcpStream, buf: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(stream, buf, SendFlags::NOSIGNAL)?)
}

/// Gives the system what it takes. If the peer is gone, that is an error and no signal.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn send(mut stream: &TcpStream, buf: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut stream, buf)
}

/// Lets a socket bind to an address whose last connections are not quite gone yet.
#[cfg(unix)]
pub(super) fn reuse_address(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Elsewhere the option of this name would let two sockets bind to one address, and what it does on Unix needs none.
#[cfg(not(unix))]
pub(super) fn reuse_address(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

/// The first attempt that succeeds, or the last error.
pub(super) fn try_each<T>(
    addresses: Vec<SocketAddr>,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses {
        match attempt(address) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.expect("there is at least one address"))
}
