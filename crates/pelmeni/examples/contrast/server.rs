//! A file server over loopback TCP, and the client that checks every byte it gets.
//!
//! ```text
//! client: "17\n"  ->  server: length of file 17 as 8 bytes, little-endian, then the file
//!         "4\n"   ->          ... on the same connection, until the client closes it
//! ```
//!
//! Server and clients are tasks of the same runtime. A request that is no file's number ends the connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::sync::Semaphore;

use crate::files::Tree;
use crate::modes::{Measured, Mode, Stage};
use crate::trace::Hue;

pub(crate) const CLIENTS: usize = 200;

/// A request costs about as much as sending this many bytes.
pub(crate) const REQUEST_COST: u64 = 16 << 10;
/// Bytes, with [`REQUEST_COST`] for each request, that make the measurement about a second long.
const WORK: u64 = 800 << 20;
/// How much of a file the client asks the system for at a time.
const READ_SIZE: usize = 32 << 10;
/// How many clients may be at the door at once. A system may keep as few as 128 connections for a server that has yet
/// to accept them; one more is dropped, and tried again a whole second later.
const AT_THE_DOOR: usize = 64;
/// The longest request: the digits of a number and the end of the line.
const LONGEST_REQUEST: usize = 21;

/// What the clients got, all of it checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Served {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

/// Serves the files to [`CLIENTS`] clients, each of which walks through them from a place of its own.
///
/// # Errors
/// When the system refuses a socket, or a byte is not the one that the file holds.
pub(crate) fn run(mode: &Mode, tree: &Arc<Tree>) -> io::Result<Measured<Served>> {
    mode.measure(async |stage| {
        let address = start(&stage, tree).await?;
        let door = Arc::new(Semaphore::new(AT_THE_DOOR));
        stage.trace.begin();
        let clients = (0..CLIENTS)
            .map(|client| {
                let work = fetch_many(address, door.clone(), tree.clone(), client);
                stage.traced(Hue::Fetch, work)
            })
            .collect();
        let results = stage.together(clients).await;
        stage.trace.end();
        let mut total = Served::default();
        for result in results {
            let served = result?;
            total.requests += served.requests;
            total.bytes += served.bytes;
        }
        Ok(total)
    })
}

/// As many requests as fill the time, whatever the size of the files.
fn requests_each(tree: &Tree) -> usize {
    let average = tree.bytes / tree.files.len() as u64;
    let requests = WORK / (average + REQUEST_COST) / CLIENTS as u64;
    usize::try_from(requests).unwrap_or(1).max(1)
}

/// Starts a server as a task, which lives as long as the runtime.
pub(crate) async fn start(stage: &Stage, tree: &Arc<Tree>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let address = listener.local_addr()?;
    let work = accept(listener, stage.clone(), tree.clone());
    drop(pelmeni::spawn(stage.traced(Hue::Serve, work)));
    Ok(address)
}

async fn accept(listener: TcpListener, stage: Stage, tree: Arc<Tree>) {
    // An error here is the want of a descriptor; the client whose connection it was has one of its own to report.
    while let Ok((stream, _peer)) = listener.accept().await {
        drop(pelmeni::spawn(stage.traced(Hue::Serve, serve(stream, tree.clone()))));
    }
}

/// Answers one client until it goes away. It may go at any time, so errors end the task and nothing else.
async fn serve(mut stream: TcpStream, tree: Arc<Tree>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut pending = Vec::with_capacity(2 * LONGEST_REQUEST);
    let mut buffer = [0; LONGEST_REQUEST];
    loop {
        let end = match pending.iter().position(|byte| *byte == b'\n') {
            Some(end) => end,
            None if pending.len() >= LONGEST_REQUEST => return Err(not_understood()),
            None => {
                let length = stream.read(&mut buffer).await?;
                if length == 0 {
                    return Ok(());
                }
                pending.extend_from_slice(&buffer[..length]);
                continue;
            }
        };
        let number = str::from_utf8(&pending[..end]).ok().and_then(|text| text.parse().ok());
        let file = number.and_then(|number: usize| tree.files.get(number));
        let bytes = &file.ok_or_else(not_understood)?.bytes;
        pending.drain(..=end);
        stream.write_all(&(bytes.len() as u64).to_le_bytes()).await?;
        stream.write_all(bytes).await?;
    }
}

fn not_understood() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not the number of a file")
}

async fn fetch_many(
    address: SocketAddr,
    door: Arc<Semaphore>,
    tree: Arc<Tree>,
    number: usize,
) -> io::Result<Served> {
    let files = tree.files.len();
    let first = number * files / CLIENTS;
    // The first answer is the proof that the server has accepted the connection. Nobody closes this semaphore.
    let permit = door.acquire().await;
    let mut client = Client::connect(address).await?;
    let mut served = Served { requests: 1, bytes: client.fetch(&tree, first).await? };
    drop(permit);
    for next in 1..requests_each(&tree) {
        served.bytes += client.fetch(&tree, (first + next) % files).await?;
        served.requests += 1;
    }
    Ok(served)
}

/// One connection to the server.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address).await.map_err(|error| {
            // The system's words for a full table of descriptors say nothing of how to make room.
            let remedy = "200 clients and their server need 400 open files; see `ulimit -n`";
            io::Error::new(error.kind(), format!("cannot connect to {address}: {error} ({remedy})"))
        })?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; READ_SIZE] })
    }

    /// Asks for a file and compares every byte of the answer with the file; how many those were.
    pub(crate) async fn fetch(&mut self, tree: &Tree, number: usize) -> io::Result<u64> {
        let file = &tree.files[number];
        self.stream.write_all(format!("{number}\n").as_bytes()).await?;
        let mut length = [0; 8];
        self.stream.read_exact(&mut length).await?;
        let length = u64::from_le_bytes(length);
        if length != file.bytes.len() as u64 {
            return Err(wrong(&file.name, "its length"));
        }
        let mut rest = &file.bytes[..];
        while !rest.is_empty() {
            let room = rest.len().min(READ_SIZE);
            let count = self.stream.read(&mut self.buffer[..room]).await?;
            if count == 0 {
                return Err(wrong(&file.name, "its end: the server went away"));
            }
            if self.buffer[..count] != rest[..count] {
                return Err(wrong(&file.name, "a byte of it"));
            }
            rest = &rest[count..];
        }
        Ok(length)
    }
}

fn wrong(name: &str, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} came back wrong: {what}"))
}
