//! A measurement in a process of its own.
//!
//! A process for each, because a runtime leaves things behind: threads, a heap full of holes, a slab that has grown. It
//! also contains a runtime that panics or hangs: that cell of the table says so, and the others stand.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// glibc's malloc, told to keep what it has, and in order.
///
/// By default it gives the top of the heap back as soon as 128 KiB of it are free. A process with nothing but one batch
/// of tasks in it then pays for page faults, up to half of the time, rather than for its runtime; the heap of a server
/// is never that empty. And it leaves freed blocks of up to 128 bytes as they are until somebody asks for more than a
/// kilobyte, who then waits for all of them to be put together: each batch pays for the one before. Now each block is, as it
/// is freed, like larger ones. Other allocators ignore these names.
pub(crate) const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("GLIBC_TUNABLES", "glibc.malloc.mxfast=0"),
];

/// A measurement that takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The process ended without one; it has said why on standard error.
    Failed,
    /// The process did not end.
    Hung,
    /// Nobody asked: the row makes no sense there.
    NotRun,
}

/// Returns the path of this program, to start it once more.
pub(crate) fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program has a path")
}

/// Runs a command and returns what it prints. It runs with [`ALLOCATOR`], but for names of which the command says something
/// else.
pub(crate) fn output_of(command: &mut Command, patience: Duration) -> Result<String, Failure> {
    let is_open = |name: &str| command.get_envs().all(|(said, _)| said != name);
    let settings = ALLOCATOR.map(|setting| is_open(setting.0).then_some(setting));
    command.envs(settings.into_iter().flatten());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| {
        eprintln!("compare: {} does not start: {error}", command.get_program().to_string_lossy());
        Failure::Failed
    })?;
    let mut stdout = child.stdout.take().expect("a pipe");
    let (output, outputs) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut text = String::new();
            // An error leaves the text empty, which is no number. The receiver lives as long as the scope.
            let _ = stdout.read_to_string(&mut text);
            let _ = output.send(text);
        });
        let text = outputs.recv_timeout(patience);
        if text.is_err() {
            child.kill().expect("a child that is not waited for can be killed");
        }
        let status = child.wait().expect("a child can be waited for");
        let text = text.map_err(|_| Failure::Hung)?;
        if status.success() { Ok(text) } else { Err(Failure::Failed) }
    })
}

/// Runs a command that prints one number.
pub(crate) fn number_of(command: &mut Command, patience: Duration) -> Result<f64, Failure> {
    output_of(command, patience)?.trim().parse().map_err(|_| Failure::Failed)
}

#[cfg(test)]
mod tests {
    use super::{Failure, number_of};
    use std::process::Command;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(60);

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_number_counts_only_if_the_process_ends_well() {
        assert_eq!(number_of(&mut sh("echo 12.5"), LONG), Ok(12.5));
        assert_eq!(number_of(&mut sh("echo 12.5; exit 3"), LONG), Err(Failure::Failed));
        assert_eq!(number_of(&mut sh("echo tea"), LONG), Err(Failure::Failed));
        assert_eq!(number_of(&mut Command::new("/no/such"), LONG), Err(Failure::Failed));
    }

    #[test]
    fn the_allocator_keeps_what_it_has_unless_the_command_says_otherwise() {
        let mut command = sh("echo ${MALLOC_TRIM_THRESHOLD_:-0}");
        assert_eq!(number_of(&mut command, LONG), Ok(1_073_741_824.0));
        assert_eq!(number_of(command.env_remove("MALLOC_TRIM_THRESHOLD_"), LONG), Ok(0.0));
    }

    #[test]
    fn a_process_that_does_not_end_is_ended() {
        let hung = number_of(&mut sh("exec sleep 60"), Duration::from_millis(10));
        assert_eq!(hung, Err(Failure::Hung));
    }
}
