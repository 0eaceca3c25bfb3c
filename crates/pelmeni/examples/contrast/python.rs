//! CPython's side: the same workloads in one script, run by the `python3` that is installed.
//!
//! The script gets the paths of the files on its standard input and prints `key value...` lines as it goes, so what it
//! had done when its time ran out is not lost. Reading a pipe blocks; a blocking task of the runtime does it.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::files::Tree;
use crate::trace;
use crate::waiting::Line;
use crate::{both, screen, server, waiting};

const SCRIPT: &str = include_str!("asyncio_side.py");
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// What the script said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// The version, and whether its threads share the GIL. Empty when there is no Python.
    pub(crate) version: String,
    pub(crate) lines: Vec<Line>,
    numbers: HashMap<String, Vec<f64>>,
    /// Why something is missing.
    pub(crate) trouble: Option<String>,
    /// How it was called.
    pub(crate) command: String,
}

impl Answers {
    /// The numbers behind this key, if there are at least `N`.
    pub(crate) fn numbers<const N: usize>(&self, key: &str) -> Option<[f64; N]> {
        self.numbers.get(key)?.get(..N)?.try_into().ok()
    }

    fn take(&mut self, line: &str) {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "version" => self.version = rest.to_owned(),
            "gil" if rest == "off" => self.version.push_str(", without the GIL"),
            "line" => {
                if let Some((seconds, text)) = rest.split_once(' ')
                    && let Ok(seconds) = seconds.parse()
                {
                    self.lines.push(Line { seconds, text: text.to_owned() });
                }
            }
            "stage" => screen::doing(&format!("CPython: {rest}")),
            "error" => self.trouble = Some(format!("the script failed: {rest}")),
            "done" | "gil" => {}
            key => {
                let numbers = rest.split(' ').filter_map(|word| word.parse().ok()).collect();
                self.numbers.insert(key.to_owned(), numbers);
            }
        }
    }
}

/// Runs the script, for as long as its time allows. What could not be done is told in [`Answers::trouble`].
pub(crate) fn run(tree: &Tree, threads: usize) -> Answers {
    let period = both::period(tree).as_secs_f64().to_string();
    let numbers = [threads, waiting::MAILS, server::CLIENTS, both::CLIENTS].map(|n| n.to_string());
    let command = format!("python3 -I asyncio_side.py {} {period}", numbers.join(" "));
    let child = Command::new("python3")
        .args(["-I", "-c", SCRIPT])
        .args(&numbers)
        .arg(&period)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let trouble = match error.kind() {
                ErrorKind::NotFound => "python3 not found".to_owned(),
                _ => format!("python3 cannot be started: {error}"),
            };
            return Answers { trouble: Some(trouble), command, ..Answers::default() };
        }
    };
    let answers = Arc::new(Mutex::new(Answers { command, ..Answers::default() }));
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut paths = Vec::new();
    for file in &tree.files {
        paths.extend_from_slice(file.path.as_os_str().as_encoded_bytes());
        paths.push(0);
    }
    let heard = answers.clone();
    let in_time = within_the_limit(&mut child, move || {
        // A script that ended early has said why, or its exit status will.
        let _ = input.map(|mut input| input.write_all(&paths));
        listen(output, &heard);
    });
    let status = child.wait();
    let mut answers = std::mem::take(&mut *trace::lock(&answers));
    if answers.trouble.is_none() {
        answers.trouble = match (in_time, status) {
            (Err(error), _) | (_, Err(error)) => Some(error.to_string()),
            (Ok(false), _) => Some(format!("stopped after {} s", TIME_LIMIT.as_secs())),
            (Ok(true), Ok(status)) if !status.success() => Some(format!("python3: {status}")),
            (Ok(true), Ok(_)) if answers.version.is_empty() => Some("python3 said nothing".into()),
            (Ok(true), Ok(_)) => None,
        };
    }
    answers
}

/// Runs a blocking function that ends when the child does, and ends the child when the time is up.
fn within_the_limit(child: &mut Child, work: impl FnOnce() + Send + 'static) -> io::Result<bool> {
    let runtime = match pelmeni::Builder::new().threads(1).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            child.kill()?;
            return Err(error);
        }
    };
    runtime.run(async {
        match pelmeni::timeout(TIME_LIMIT, pelmeni::spawn_blocking(work)).await {
            Ok(_) => Ok(true),
            Err(_elapsed) => child.kill().map(|()| false),
        }
    })
}

fn listen(output: Option<impl Read>, answers: &Mutex<Answers>) {
    for line in output.into_iter().flat_map(|output| BufReader::new(output).lines()) {
        match line {
            Ok(line) => trace::lock(answers).take(&line),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_answers_and_nonsense_is_left_out() {
        let mut answers = Answers::default();
        for line in [
            "version 3.14.0",
            "gil off",
            "line 0.5 mail 3 sent",
            "line what mail 4 sent",
            "counting_asyncio 1.5 2000",
            "both_asyncio 1 x",
            "",
            "done",
        ] {
            answers.take(line);
        }
        assert_eq!(answers.version, "3.14.0, without the GIL");
        assert_eq!(answers.lines.len(), 1);
        assert_eq!(answers.lines[0].text, "mail 3 sent");
        assert_eq!(answers.numbers("counting_asyncio"), Some([1.5, 2000.0]));
        assert_eq!(answers.numbers::<2>("both_asyncio"), None);
        assert_eq!(answers.numbers::<1>("counting_threads"), None);
        assert!(answers.trouble.is_none());
        answers.take("error ValueError a file came back wrong");
        assert!(answers.trouble.is_some_and(|trouble| trouble.contains("came back wrong")));
    }
}
