//! What can be an address: [`ToSocketAddrs`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What can be connected or bound to: an address, several, or a name and a port.
///
/// The standard library's trait of this name blocks in its only function, so there is this one. It is implemented for the
/// same types, and for no others.
pub trait ToSocketAddrs: sealed::Sealed {}

impl<T: sealed::Sealed + ?Sized> ToSocketAddrs for T {}

pub(crate) mod sealed {
    use super::Target;

    pub trait Sealed {
        fn target(&self) -> Target;
    }
}

/// An address, or what must be looked up to get one.
#[derive(Debug)]
pub enum Target {
    Known(Vec<SocketAddr>),
    /// A name with its port, as it was written.
    Name(String),
    /// A name and a port.
    Pair(String, u16),
}

/// The addresses behind a target; never none.
pub(crate) async fn resolve(target: Target) -> io::Result<Vec<SocketAddr>> {
    let (found, written) = match target {
        Target::Known(addresses) => (addresses, String::from("an empty list")),
        Target::Name(name) => (look_up(name.clone()).await?, name),
        Target::Pair(name, port) => (look_up((name.clone(), port)).await?, name),
    };
    if found.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{written} has no address to connect or bind to"),
        ));
    }
    Ok(found)
}

async fn look_up(
    name: impl std::net::ToSocketAddrs + Send + 'static,
) -> io::Result<Vec<SocketAddr>> {
    let look_up = move || Ok(name.to_socket_addrs()?.collect());
    pelmeni_scheduler::spawn_blocking(look_up)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl sealed::Sealed for SocketAddr {
    fn target(&self) -> Target {
        Target::Known(vec![*self])
    }
}

impl sealed::Sealed for SocketAddrV4 {
    fn target(&self) -> Target {
        SocketAddr::from(*self).target()
    }
}

impl sealed::Sealed for SocketAddrV6 {
    fn target(&self) -> Target {
        SocketAddr::from(*self).target()
    }
}

impl sealed::Sealed for (IpAddr, u16) {
    fn target(&self) -> Target {
        SocketAddr::from(*self).target()
    }
}

impl sealed::Sealed for (Ipv4Addr, u16) {
    fn target(&self) -> Target {
        SocketAddr::from(*self).target()
    }
}

impl sealed::Sealed for (Ipv6Addr, u16) {
    fn target(&self) -> Target {
        SocketAddr::from(*self).target()
    }
}

impl sealed::Sealed for [SocketAddr] {
    fn target(&self) -> Target {
        Target::Known(self.to_vec())
    }
}

impl sealed::Sealed for (&str, u16) {
    fn target(&self) -> Target {
        match self.0.parse::<IpAddr>() {
            Ok(ip) => (ip, self.1).target(),
            Err(_) => Target::Pair(self.0.to_owned(), self.1),
        }
    }
}

impl sealed::Sealed for (String, u16) {
    fn target(&self) -> Target {
        (self.0.as_str(), self.1).target()
    }
}

impl sealed::Sealed for str {
    fn target(&self) -> Target {
        match self.parse::<SocketAddr>() {
            Ok(address) => address.target(),
            Err(_) => Target::Name(self.to_owned()),
        }
    }
}

impl sealed::Sealed for String {
    fn target(&self) -> Target {
        self.as_str().target()
    }
}

impl<T: sealed::Sealed + ?Sized> sealed::Sealed for &T {
    fn target(&self) -> Target {
        (**self).target()
    }
}
