//! What the operating system calls the thing that is read and written: a file descriptor, or a socket on Windows.

pub(crate) use imp::{BorrowedDescriptor, RawDescriptor, borrow, raw};

pub use imp::AsDescriptor;

#[cfg(unix)]
mod imp {
    /// What has a file descriptor.
    pub use std::os::fd::AsFd as AsDescriptor;
    use std::os::fd::AsRawFd;
    pub(crate) use std::os::fd::{BorrowedFd as BorrowedDescriptor, RawFd as RawDescriptor};

    pub(crate) fn borrow<S: AsDescriptor>(source: &S) -> BorrowedDescriptor<'_> {
        source.as_fd()
    }

    pub(crate) fn raw(descriptor: BorrowedDescriptor<'_>) -> RawDescriptor {
        descriptor.as_raw_fd()
    }
}

#[cfg(windows)]
mod imp {
    use std::os::windows::io::AsRawSocket;
    /// What has a socket.
    pub use std::os::windows::io::AsSocket as AsDescriptor;
    pub(crate) use std::os::windows::io::{
        BorrowedSocket as BorrowedDescriptor, RawSocket as RawDescriptor,
    };

    pub(crate) fn borrow<S: AsDescriptor>(source: &S) -> BorrowedDescriptor<'_> {
        source.as_socket()
    }

    pub(crate) fn raw(descriptor: BorrowedDescriptor<'_>) -> RawDescriptor {
        descriptor.as_raw_socket()
    }
}
