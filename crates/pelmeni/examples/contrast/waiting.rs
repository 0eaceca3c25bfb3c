//! The workload that only waits: ten mails of one second each, the program that every asyncio course begins with.
//!
//! ```text
//! sending mail 0 -- one second --> mail 0 sent
//! sending mail 1 -- one second --> mail 1 sent      ... and so on
//! ```
//!
//! Awaited one after the other that is ten seconds; gathered it is one, on one thread as on many. The lines of one
//! thread come in asyncio's order, because its tasks run first in, first out.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::modes::{Measured, Mode};
use crate::trace::{self, Hue, Trace};

pub(crate) const MAILS: usize = 10;
const ONE_MAIL: Duration = Duration::from_secs(1);

/// A line that the program printed, and when.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) seconds: f64,
    pub(crate) text: String,
}

/// Sends ten mails in this mode; `sent` hears of each one.
///
/// # Errors
/// When the runtime cannot be built or does not come to an end.
pub(crate) fn run(
    mode: &Mode,
    sent: impl Fn(usize) + Send + Sync + 'static,
) -> io::Result<Measured<Vec<Line>>> {
    let post = Arc::new(Post { lines: Mutex::default(), sent: Box::new(sent) });
    mode.measure(async |stage| {
        stage.trace.begin();
        let mails = (0..MAILS)
            .map(|mail| {
                let work = send_mail(mail, post.clone(), stage.trace.clone());
                stage.traced(Hue::Task(mail), work)
            })
            .collect();
        stage.together(mails).await;
        stage.trace.end();
        Ok(std::mem::take(&mut *trace::lock(&post.lines)))
    })
}

async fn send_mail(mail: usize, post: Arc<Post>, trace: Arc<Trace>) {
    post.print(&trace, format!("sending mail {mail}"));
    pelmeni::sleep(ONE_MAIL).await;
    post.print(&trace, format!("mail {mail} sent"));
}

/// Stands in for the terminal: lines are kept with their time, to be shown beside those of the other modes.
struct Post {
    lines: Mutex<Vec<Line>>,
    sent: Box<dyn Fn(usize) + Send + Sync>,
}

impl Post {
    fn print(&self, trace: &Trace, text: String) {
        let seconds = trace.begin().elapsed().as_secs_f64();
        let sent = text.ends_with("sent");
        let count = {
            let mut lines = trace::lock(&self.lines);
            lines.push(Line { seconds, text });
            lines.iter().filter(|line| line.text.ends_with("sent")).count()
        };
        if sent {
            (self.sent)(count);
        }
    }
}

/// The lines that asyncio prints: all are on their way before the first arrives, in the order of `gather`.
pub(crate) fn asyncio_order() -> Vec<String> {
    let sending = (0..MAILS).map(|mail| format!("sending mail {mail}"));
    sending.chain((0..MAILS).map(|mail| format!("mail {mail} sent"))).collect()
}

/// For each mail, when it was begun and when it was sent.
pub(crate) fn journeys(lines: &[Line]) -> Vec<(f64, f64)> {
    let time = |text: String| lines.iter().find(|line| line.text == text).map(|line| line.seconds);
    (0..MAILS)
        .filter_map(|mail| {
            Some((time(format!("sending mail {mail}"))?, time(format!("mail {mail} sent"))?))
        })
        .collect()
}
