//! HTTP plain text over connections that stay open, under the load generator `wrk`.
//!
//! The responder is written by hand and does the least that is correct for `wrk`: it finds the end of each request's
//! head, ignores what is in it, and answers all requests of one read with one write. So the figure is that of the
//! runtime and the kernel, not of an HTTP library.

use std::io;
use std::iter;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::clock::Scale;
use crate::rival::Rival;
use crate::row::Row;

const CONNECTIONS: u32 = 64;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, pelmeni";

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("http", "HTTP under wrk, 64 connections", "kreq/s", under_wrk::<R>)
            .higher_is_better()
            .with_wrk(),
    ]
}

/// Returns whether the load generator is there.
#[must_use]
pub fn wrk_is_installed() -> bool {
    Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Serves `wrk` for one second or two, and returns how many thousand requests a second it counted.
async fn under_wrk<R: Rival>(scale: Scale) -> f64 {
    let (listener, address) = R::listen().await.expect("a free port");
    let listener = Arc::new(listener);
    let accepting = async move {
        loop {
            let stream = R::accept(&listener).await.expect("wrk connects");
            R::detach(R::spawn(serve::<R>(stream)));
        }
    };
    R::detach(R::spawn::<()>(accepting));
    let seconds = if scale == Scale::Full { 2 } else { 1 };
    let output = R::run_blocking(move || {
        Command::new("wrk")
            .args(["-t", "1", "-c", &CONNECTIONS.to_string(), "-d", &seconds.to_string()])
            .arg(format!("http://{address}/"))
            .stderr(Stdio::inherit())
            .output()
    });
    let output = output.await.expect("wrk starts");
    let text = String::from_utf8_lossy(&output.stdout);
    requests_per_second(&text).unwrap_or_else(|| panic!("wrk said no good number:\n{text}")) / 1e3
}

/// Answers one connection until it is closed.
async fn serve<R: Rival>(mut stream: R::Stream) {
    let mut buffer = [0; 4096];
    let mut held = 0;
    // An error ends the connection, as the peer's reset at the end of a run does; wrk reports what it misses.
    while let Ok(length @ 1..) = R::read(&mut stream, &mut buffer[held..]).await {
        let (heads, consumed) = complete_heads(&buffer[..held + length]);
        buffer.copy_within(consumed..held + length, 0);
        held = held + length - consumed;
        if write_responses::<R>(&mut stream, heads).await.is_err() {
            return;
        }
    }
}

async fn write_responses<R: Rival>(stream: &mut R::Stream, responses: usize) -> io::Result<()> {
    match responses {
        0 => Ok(()),
        1 => R::write_all(stream, RESPONSE).await,
        many => R::write_all(stream, &RESPONSE.repeat(many)).await,
    }
}

/// Returns how many heads of requests are complete in `bytes`, and how many bytes they take.
fn complete_heads(bytes: &[u8]) -> (usize, usize) {
    let mut consumed = 0;
    let heads = iter::from_fn(|| {
        let rest = &bytes[consumed..];
        let end = rest.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD)?;
        consumed += end + END_OF_HEAD.len();
        Some(())
    });
    let heads = heads.count();
    (heads, consumed)
}

/// Finds the figure in what `wrk` prints; none if it saw answers that were wrong or did not come.
fn requests_per_second(output: &str) -> Option<f64> {
    if output.contains("Socket errors") || output.contains("Non-2xx") {
        return None;
    }
    output.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::{RESPONSE, complete_heads, requests_per_second, serve};
    use crate::rival::Rival;
    use crate::runtimes::Pelmeni;

    #[test]
    fn every_request_is_answered_once_until_the_peer_closes() {
        let client = |address| {
            let mut stream = TcpStream::connect(address)?;
            let requests = b"GET / HTTP/1.1\r\n\r\n".repeat(3);
            let (most, rest) = requests.split_at(requests.len() - 1);
            let mut answers = vec![0; 2 * RESPONSE.len()];
            stream.write_all(most)?;
            stream.read_exact(&mut answers)?;
            stream.write_all(rest)?;
            stream.shutdown(std::net::Shutdown::Write)?;
            stream.read_to_end(&mut answers)?;
            std::io::Result::Ok(answers)
        };
        let answers = Pelmeni::run(1, async move {
            let (listener, address) = Pelmeni::listen().await?;
            let client = Pelmeni::spawn(Pelmeni::run_blocking(move || client(address)));
            serve::<Pelmeni>(Pelmeni::accept(&listener).await?).await;
            Pelmeni::join(client).await
        });
        assert_eq!(answers.expect("nothing is reset"), RESPONSE.repeat(3));
    }

    #[test]
    fn requests_are_counted_however_they_are_cut() {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(complete_heads(request), (1, request.len()));
        assert_eq!(complete_heads(&request[..request.len() - 1]), (0, 0));
        let three = request.repeat(3);
        assert_eq!(complete_heads(&three[..three.len() - 2]), (2, 2 * request.len()));
    }

    #[test]
    fn the_figure_of_wrk_is_found_unless_it_saw_errors() {
        let good =
            "  20000 requests in 2.00s, 2MB read\nRequests/sec:  98765.43\nTransfer/sec: 9MB\n";
        assert_eq!(requests_per_second(good), Some(98_765.43));
        let bad = format!("  Socket errors: connect 0, read 3, write 0, timeout 0\n{good}");
        assert_eq!(requests_per_second(&bad), None);
        assert_eq!(requests_per_second("unable to connect"), None);
    }
}
