//! Rows with another allocator under every runtime: mimalloc, where it is installed.
//!
//! With glibc's `malloc` one thread may wait for another that allocates, or gives back what this one took; whoever asks it
//! seldom gains by that. With mimalloc that is not so, and what is left is more of the runtimes' own.

use std::process::Command;

/// The library, which the system's linker finds by this name and puts before the C library.
const LIBRARY: &str = "libmimalloc.so.2";

/// Returns whether a program can be started with it.
pub(crate) fn is_installed() -> bool {
    let mut program = Command::new("true");
    preload(&mut program);
    // A library that is missing is no failure, but the linker complains.
    let is_found =
        |output: std::process::Output| output.status.success() && output.stderr.is_empty();
    cfg!(target_os = "linux") && program.output().is_ok_and(is_found)
}

/// Has the command take its memory from mimalloc.
pub(crate) fn preload(command: &mut Command) {
    command.env("LD_PRELOAD", LIBRARY);
}
