//! The command line: what was asked for, or one sentence about what is wrong with it.
//!
//! ```text
//! contrast [DIR] [--threads N] [--html FILE]
//! ```
//!
//! Arguments are taken as `OsString`, so a folder whose name is not Unicode can be served too.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Runs the same coroutines one after the other, together on one thread, on many threads, and on
many threads that share one lock as CPython's do under the GIL; then in CPython itself.

usage: contrast [DIR] [--threads N] [--html FILE]

  DIR          the folder whose files are served and counted (default: this project's own tree)
  --threads N  how many threads many means, 1 to 512 (default: the number of cores, at least 2)
  --html FILE  where the page with the timelines goes (default: contrast.html)
  --help       this text

exit status: 0 when all went well, 1 when the work failed, 2 when the command line is wrong
";

/// More threads than this are a slip of the keyboard.
const MOST_THREADS: usize = 512;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Run(Options),
}

/// The settings of one demonstration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) dir: PathBuf,
    pub(crate) threads: usize,
    pub(crate) html: PathBuf,
}

/// Reads the arguments, without the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut arguments = arguments.into_iter();
    let mut dir: Option<PathBuf> = None;
    let mut threads = None;
    let mut html = None;
    let mut flags_end = false;
    while let Some(argument) = arguments.next() {
        let (flag, attached) = match argument.to_str() {
            Some(text) if !flags_end && text.starts_with('-') && text != "-" => split(text),
            _ => {
                if argument.is_empty() {
                    return Err("the folder's name is empty; leave it out for the default".into());
                }
                if let Some(first) = dir.replace(PathBuf::from(&argument)) {
                    return Err(format!(
                        "two folders given, {} and {}; name one",
                        first.display(),
                        argument.display()
                    ));
                }
                continue;
            }
        };
        let mut value = |what: &str| {
            let given = attached.clone().map(OsString::from).or_else(|| arguments.next());
            match given {
                Some(value) if !value.is_empty() && !value.to_string_lossy().starts_with("--") => {
                    Ok(value)
                }
                _ => Err(format!("{flag} needs a value: {flag} {what}")),
            }
        };
        match flag {
            "--" if attached.is_none() => flags_end = true,
            "-h" | "--help" if attached.is_none() => return Ok(Request::Help),
            "--threads" => threads = Some(count(&value("N")?)?),
            "--html" => html = Some(PathBuf::from(value("FILE")?)),
            _ => return Err(format!("unknown flag {flag}; --help lists them")),
        }
    }
    Ok(Request::Run(Options {
        dir: dir.unwrap_or_else(own_tree),
        threads: threads.unwrap_or_else(|| cores().max(2)),
        html: html.unwrap_or_else(|| PathBuf::from("contrast.html")),
    }))
}

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get()).min(MOST_THREADS)
}

/// `--flag=value` as its two halves.
fn split(text: &str) -> (&str, Option<String>) {
    match text.split_once('=') {
        Some((flag, value)) => (flag, Some(value.to_owned())),
        None => (text, None),
    }
}

fn count(value: &OsString) -> Result<usize, String> {
    let shown = value.to_string_lossy();
    match shown.parse::<usize>() {
        Ok(0) => Err("--threads 0: no thread, no work; 1 is the least".into()),
        Ok(threads) if threads <= MOST_THREADS => Ok(threads),
        Ok(threads) => Err(format!("--threads {threads}: {MOST_THREADS} is the most")),
        Err(_) => {
            Err(format!("--threads {shown}: not a whole number between 1 and {MOST_THREADS}"))
        }
    }
}

/// The tree this example was built from; the current folder when it has been moved away.
fn own_tree() -> PathBuf {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match tree.canonicalize() {
        Ok(tree) if tree.is_dir() => tree,
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Request, String> {
        parse(words.iter().map(OsString::from))
    }

    fn options(words: &[&str]) -> Options {
        match parse_words(words) {
            Ok(Request::Run(options)) => options,
            other => panic!("{words:?} gave {other:?}"),
        }
    }

    #[test]
    fn nothing_given_means_the_defaults() {
        let options = options(&[]);
        assert!(options.threads >= 2);
        assert_eq!(options.html, Path::new("contrast.html"));
        assert!(options.dir.is_dir());
    }

    #[test]
    fn values_come_after_a_space_or_an_equals_sign() {
        let spaced = options(&["some where", "--threads", "3", "--html", "a.html"]);
        let joined = options(&["--threads=3", "--html=a.html", "some where"]);
        assert_eq!(spaced, joined);
        assert_eq!(spaced.threads, 3);
        assert_eq!(spaced.dir, Path::new("some where"));
    }

    #[test]
    fn two_dashes_end_the_flags() {
        assert_eq!(options(&["--", "--threads"]).dir, Path::new("--threads"));
    }

    #[test]
    fn wrong_command_lines_are_refused_with_the_word_that_is_wrong() {
        for (words, named) in [
            (&["--threads", "0"][..], "--threads 0"),
            (&["--threads", "-1"], "-1"),
            (&["--threads", "many"], "many"),
            (&["--threads", "99999999999999999999"], "99999999999999999999"),
            (&["--threads", "513"], "513"),
            (&["--threads"], "--threads needs a value"),
            (&["--threads="], "--threads needs a value"),
            (&["--html"], "--html needs a value"),
            (&["--html", "--threads", "2"], "--html needs a value"),
            (&["--fast"], "--fast"),
            (&["-x"], "-x"),
            (&["--help=yes"], "--help"),
            (&["a", "b"], "two folders"),
            (&[""], "empty"),
        ] {
            let message = parse_words(words).expect_err("refused");
            assert!(message.contains(named), "{words:?} gave {message:?}");
        }
    }

    #[test]
    fn help_wins_over_what_follows() {
        assert_eq!(parse_words(&["--help", "--nonsense"]), Ok(Request::Help));
        assert_eq!(parse_words(&["-h"]), Ok(Request::Help));
    }
}
