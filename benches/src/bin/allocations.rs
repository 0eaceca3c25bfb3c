//! Counts what a workload asks of the allocator, for `compare`, which starts this program.
//!
//! A program of its own, because its allocator counts: no time that it measures would be fair. It runs a row for a
//! number of bodies and prints `calls bytes operations` of its whole life. What one operation takes is the difference
//! of two runs of different length, so that the start, the first body and the runtime's end cancel out.
//!
//! A growing block counts as one call more and as the bytes that it grew by. What is freed is not counted.

#![expect(unsafe_code, reason = "an allocator that counts and passes on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use pelmeni_benches::contender::{Contender, Runtime, measure};

/// Relaxed, both: plain sums, read when the threads that added to them have ended.
static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: usize) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(bytes, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator with the arguments as they came; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises about the layout are the ones that are needed.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises about the layout are the ones that are needed.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: the block came from the system's allocator, through `alloc`, with this layout; the rest is promised.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from the system's allocator, through `alloc`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match operations(&arguments) {
        Ok(operations) => {
            let calls = CALLS.load(Ordering::Relaxed);
            println!("{calls} {} {operations}", BYTES.load(Ordering::Relaxed));
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("allocations: {message}\nusage: allocations ROW RUNTIME THREADS BODIES");
            ExitCode::from(2)
        }
    }
}

/// Runs the row that the arguments name, and returns how many operations it made.
fn operations(arguments: &[String]) -> Result<f64, String> {
    let [row, runtime, threads, bodies] = arguments else {
        return Err("four arguments, please".to_owned());
    };
    let runtime = Runtime::named(runtime).ok_or_else(|| format!("no runtime `{runtime}`"))?;
    let threads = threads.parse().map_err(|_| format!("no number of threads: `{threads}`"))?;
    let scale = bodies.parse()?;
    measure(row, Contender { runtime, threads }, scale).ok_or_else(|| format!("no row `{row}`"))
}
