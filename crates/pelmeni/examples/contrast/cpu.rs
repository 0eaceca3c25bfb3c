//! The workload that only computes: words, lines and a hash of every file, for about a second.
//!
//! The files are counted over and over, `rounds` times. That makes one long row of items, file after file and round
//! after round, which is cut into chunks of like weight; each chunk is a coroutine. Eight chunks for each thread leave
//! something to steal when a thread falls behind.
//!
//! ```text
//! items   | a | b |   c   | a | b |   c   | a | b |   c   |     3 files, 3 rounds
//! chunks  |-----------|---------------|-----------|-----|
//! ```
//!
//! A coroutine yields after every 16 KiB, so one thread stays fair to whatever else it has to do.

use std::hint::black_box;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::files::{Entry, Tree};
use crate::modes::{Measured, Mode, Stage};
use crate::trace::{self, Hue};

/// How long one thread should take.
const AIM: f64 = 1.0;
const CALIBRATION: Duration = Duration::from_millis(100);
const CHUNKS_PER_THREAD: usize = 8;
/// How many bytes a coroutine counts before it lets others run.
pub(crate) const SLICE: usize = 16 << 10;
/// Opening a new item costs about as much as counting this many bytes.
const ITEM_COST: u64 = 32;

/// What was counted. The hash is a sum, so the order of the chunks does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) words: u64,
    pub(crate) lines: u64,
    pub(crate) hash: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.words += other.words;
        self.lines += other.lines;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

/// A file that is being counted: the tally so far, and whether the last byte was inside a word.
#[derive(Debug)]
struct Reader {
    tally: Tally,
    in_word: bool,
}

impl Reader {
    fn new() -> Reader {
        Reader { tally: Tally { hash: 0xcbf2_9ce4_8422_2325, ..Tally::default() }, in_word: false }
    }

    /// Counts on. The hash is FNV-1a: one multiplication for each byte, each waiting for the one before.
    fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let in_word = !byte.is_ascii_whitespace();
            self.tally.words += u64::from(in_word && !self.in_word);
            self.tally.lines += u64::from(byte == b'\n');
            self.tally.hash = (self.tally.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            self.in_word = in_word;
        }
    }
}

/// How the work is cut up.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: u64,
    pub(crate) chunks: Vec<Range<u64>>,
    pub(crate) bytes: u64,
}

impl Plan {
    /// Finds out how fast one thread counts, and how many rounds fill the time.
    pub(crate) fn calibrate(tree: &Tree, threads: usize) -> Plan {
        let began = trace::now();
        let mut counted = 0;
        'rounds: loop {
            for file in &tree.files {
                let mut reader = Reader::new();
                for slice in file.bytes.chunks(SLICE) {
                    reader.read(slice);
                    counted += slice.len() as u64;
                    if began.elapsed() > CALIBRATION {
                        break 'rounds;
                    }
                }
                counted += ITEM_COST;
                black_box(reader.tally);
            }
        }
        let speed = counted as f64 / began.elapsed().as_secs_f64();
        let rounds = (AIM * speed / one_round(tree) as f64).round().max(1.0) as u64;
        Plan { rounds, chunks: cut(tree, rounds, threads), bytes: tree.bytes * rounds }
    }
}

fn one_round(tree: &Tree) -> u64 {
    tree.bytes + ITEM_COST * tree.files.len() as u64
}

/// Cuts all rounds into chunks of like weight, whose borders are those of files.
fn cut(tree: &Tree, rounds: u64, threads: usize) -> Vec<Range<u64>> {
    let files = tree.files.len() as u64;
    let round = one_round(tree);
    let mut starts = Vec::with_capacity(tree.files.len());
    let mut sum = 0;
    for file in &tree.files {
        starts.push(sum);
        sum += file.bytes.len() as u64 + ITEM_COST;
    }
    // The first item that starts at this weight or after it.
    let item_at = |weight: u64| {
        let within = starts.partition_point(|start| *start < weight % round) as u64;
        weight / round * files + within
    };
    let chunks = (CHUNKS_PER_THREAD * threads.max(2)) as u64;
    let border = |chunk: u64| {
        let weight = u128::from(round) * u128::from(rounds) * u128::from(chunk);
        item_at(u64::try_from(weight / u128::from(chunks)).unwrap_or(u64::MAX))
    };
    (0..chunks).map(|chunk| border(chunk)..border(chunk + 1)).filter(|c| !c.is_empty()).collect()
}

/// Counts everything in this mode.
///
/// # Errors
/// When the runtime cannot be built or does not come to an end.
pub(crate) fn run(mode: &Mode, tree: &Arc<Tree>, plan: &Plan) -> io::Result<Measured<Tally>> {
    mode.measure(async |stage| {
        stage.trace.begin();
        let tally = count_all(&stage, tree, plan, Hue::Task).await;
        stage.trace.end();
        Ok(tally)
    })
}

/// All chunks, in the way of this stage's mode.
pub(crate) async fn count_all(
    stage: &Stage,
    tree: &Arc<Tree>,
    plan: &Plan,
    hue: impl Fn(usize) -> Hue,
) -> Tally {
    let chunks = plan.chunks.iter().cloned().enumerate();
    let counting = chunks
        .map(|(number, items)| stage.traced(hue(number), count(tree.clone(), items)))
        .collect();
    let mut total = Tally::default();
    for tally in stage.together(counting).await {
        total.add(tally);
    }
    total
}

/// The same chunks on plain threads, without coroutines: what the machine itself has to give at this moment.
pub(crate) fn plain_threads(tree: &Tree, plan: &Plan, threads: usize) -> Plain {
    let began = trace::now();
    let todo = Mutex::new(plan.chunks.iter().cloned());
    let total = Mutex::new(Tally::default());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // The guard is gone before the body of the loop begins.
                while let Some(items) = { trace::lock(&todo).next() } {
                    let mut tally = Tally::default();
                    for item in items {
                        let mut reader = Reader::new();
                        reader.read(&file_of(tree, item).bytes);
                        tally.add(reader.tally);
                    }
                    trace::lock(&total).add(tally);
                }
            });
        }
    });
    let tally = *trace::lock(&total);
    Plain { seconds: began.elapsed().as_secs_f64(), tally }
}

/// What [`plain_threads`] counted, and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    pub(crate) seconds: f64,
    pub(crate) tally: Tally,
}

fn file_of(tree: &Tree, item: u64) -> &Entry {
    &tree.files[(item % tree.files.len() as u64) as usize]
}

async fn count(tree: Arc<Tree>, items: Range<u64>) -> Tally {
    let mut total = Tally::default();
    let mut since_yield = 0;
    for item in items {
        let mut reader = Reader::new();
        for slice in file_of(&tree, item).bytes.chunks(SLICE) {
            reader.read(slice);
            since_yield += slice.len() + ITEM_COST as usize;
            if since_yield >= SLICE {
                since_yield = 0;
                pelmeni::yield_now().await;
            }
        }
        total.add(reader.tally);
    }
    total
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn tree(sizes: &[usize]) -> Tree {
        let file = |(number, &size): (usize, &usize)| Entry {
            name: number.to_string(),
            path: PathBuf::new(),
            bytes: b"one two\n".iter().copied().cycle().take(size).collect(),
        };
        let files: Vec<_> = sizes.iter().enumerate().map(file).collect();
        let bytes = sizes.iter().map(|size| *size as u64).sum();
        Tree { files, notes: vec![], bytes }
    }

    #[test]
    fn a_word_that_spans_two_slices_counts_once() {
        let mut reader = Reader::new();
        reader.read(b" one tw");
        reader.read(b"o\nthree\n");
        assert_eq!((reader.tally.words, reader.tally.lines), (3, 2));
        let mut whole = Reader::new();
        whole.read(b" one two\nthree\n");
        assert_eq!(reader.tally, whole.tally);
    }

    #[test]
    fn the_hash_is_that_of_the_published_vectors() {
        let mut reader = Reader::new();
        reader.read(b"foobar");
        assert_eq!(reader.tally.hash, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn chunks_cover_every_item_once_and_weigh_alike() {
        for (sizes, rounds) in [
            (&[10_000, 1, 300, 0, 77_000][..], 1000),
            (&[1], 1_000_000),
            (&[8 << 20], 3),
            (&[0, 0, 5], 100_000),
        ] {
            let tree = tree(sizes);
            let chunks = cut(&tree, rounds, 2);
            assert_eq!(chunks[0].start, 0);
            assert_eq!(chunks[chunks.len() - 1].end, rounds * sizes.len() as u64);
            assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start));
            let weight = |chunk: &Range<u64>| -> u64 {
                let files = sizes.len() as u64;
                let inside = |i: u64| sizes[(i % files) as usize] as u64 + ITEM_COST;
                let whole = (chunk.end - chunk.start) / files;
                whole * one_round(&tree)
                    + (chunk.start + whole * files..chunk.end).map(inside).sum::<u64>()
            };
            let fair = one_round(&tree) * rounds / 16;
            let largest = sizes.iter().max().copied().unwrap_or(0) as u64 + ITEM_COST;
            for chunk in &chunks {
                assert!(weight(chunk).abs_diff(fair) <= largest, "{sizes:?}: {chunk:?}");
            }
        }
    }

    #[test]
    fn plain_threads_count_every_item() {
        let tree = tree(&[800, 0, 16_000]);
        let plan = Plan { rounds: 3, chunks: cut(&tree, 3, 2), bytes: 3 * tree.bytes };
        let tally = plain_threads(&tree, &plan, 3).tally;
        assert_eq!((tally.words, tally.lines), (3 * 2 * 2100, 3 * 2100));
        assert_eq!(tally, plain_threads(&tree, &plan, 1).tally);
    }

    #[test]
    fn one_huge_file_does_not_starve_the_plan() {
        let plan = Plan::calibrate(&tree(&[1 << 20]), 2);
        assert!(plan.rounds >= 1);
        assert!(!plan.chunks.is_empty());
    }
}
