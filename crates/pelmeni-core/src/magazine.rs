//! Memory for tasks, out of the thread's own stock: no lock, no atomic, and the block that was freed last comes first.
//!
//! ```text
//!         alloc ^    | dealloc      loaded is empty: full takes its place
//!               |    v              loaded is full: it becomes the full one
//!            +----------+    +----------+                       +-------+
//!   a thread | loaded   |<-->| full     |<-- blocks, at once -->| depot |  for all threads: see `slab`
//!            | row      |<---+----------+--- many in a row -----|       |
//!            +----------+                                       +-------+
//! ```
//! A thread has two magazines for each size: one that it takes from and puts into, and one that is full or not there. With
//! two of them, a thread that goes to and fro at the edge of one does not go to the depot each time. A task that is freed
//! on another thread than it was made on lands in that thread's stock, at the same cost. Memory that was never used comes
//! as a row and not as a list, so that nobody has to touch it before there is something to put there.
//!
//! What is too large, or wants to lie at a rounder address, is the system's allocator's. With `--cfg pelmeni_malloc` all of
//! it is: the tests under AddressSanitizer use that, since it knows nothing of our blocks.
//!
//! Source: Jeff Bonwick and Jonathan Adams, "Magazines and Vmem: Extending the Slab Allocator to Many CPUs and Arbitrary
//! Resources", USENIX 2001.

use std::alloc::{Layout, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

use crate::slab::{self, Batch, Block, SIZES, UNIT};

/// How much of one size fits into a magazine, in bytes and in blocks.
const MAGAZINE_BYTES: usize = 8 * 1024;
const MAGAZINE_BLOCKS: usize = 64;

/// The stock of one thread, by size.
struct Stock([Pair; SIZES]);

/// Two magazines, and a row.
struct Pair {
    /// A list of free blocks.
    loaded: Cell<Option<NonNull<Block>>>,
    /// How many there are in the loaded one.
    count: Cell<usize>,
    /// A whole magazine, or nothing.
    full: Cell<Option<NonNull<Block>>>,
    /// Blocks in a row that were never used, and how many there are.
    row: Cell<Option<NonNull<Block>>>,
    left: Cell<usize>,
}

thread_local! {
    static STOCK: Stock = const { Stock([const { Pair::new() }; SIZES]) };
}

/// A block of memory of this layout, never null: failure ends the process as it does for `Box`.
///
/// # Safety
/// `layout` has a size above zero.
#[inline]
pub unsafe fn alloc(layout: Layout) -> *mut u8 {
    match units(layout) {
        Some(units) => STOCK
            .try_with(|stock| stock.0[units - 1].take(units))
            // The thread ends, and has given its stock back already.
            .unwrap_or_else(|_| match slab::take(units, 1) {
                Batch::List(block, _) | Batch::Row(block, _) => block,
            })
            .as_ptr()
            .cast(),
        // SAFETY: the caller vouches for the size.
        None => unsafe { alloc_elsewhere(layout) },
    }
}

/// Gives a block back.
///
/// # Safety
/// `block` came from [`alloc`] with the same `layout` and is not used again.
#[inline]
pub unsafe fn dealloc(block: *mut u8, layout: Layout) {
    let Some(units) = units(layout) else {
        // SAFETY: the caller vouches for origin and layout.
        return unsafe { std::alloc::dealloc(block, layout) };
    };
    // SAFETY: the caller says that it came from alloc.
    let block: NonNull<Block> = unsafe { NonNull::new_unchecked(block) }.cast();
    // SAFETY: the caller gives it up.
    unsafe { block.write(Block { next: None }) };
    // SAFETY: it came from the stock or the depot, in this size.
    let given = STOCK.try_with(|stock| unsafe { stock.0[units - 1].give(units, block) });
    if given.is_err() {
        // SAFETY: as above.
        unsafe { slab::give(units, Some(block)) };
    }
}

/// # Safety
/// As [`alloc`].
#[cold]
unsafe fn alloc_elsewhere(layout: Layout) -> *mut u8 {
    // SAFETY: the caller vouches for the size.
    let block = unsafe { std::alloc::alloc(layout) };
    if block.is_null() {
        handle_alloc_error(layout);
    }
    block
}

/// The size in units, if it is one of ours.
#[inline]
const fn units(layout: Layout) -> Option<usize> {
    let units = layout.size().div_ceil(UNIT);
    if cfg!(pelmeni_malloc) || layout.align() > UNIT || units > SIZES { None } else { Some(units) }
}

/// How many blocks of a size a magazine holds.
const fn capacity(units: usize) -> usize {
    let fitting = MAGAZINE_BYTES / (units * UNIT);
    if fitting < MAGAZINE_BLOCKS { fitting } else { MAGAZINE_BLOCKS }
}

impl Pair {
    const fn new() -> Pair {
        Pair {
            loaded: Cell::new(None),
            count: Cell::new(0),
            full: Cell::new(None),
            row: Cell::new(None),
            left: Cell::new(0),
        }
    }

    #[inline]
    fn take(&self, units: usize) -> NonNull<Block> {
        let block = match self.loaded.get() {
            Some(block) => block,
            None => match self.cut(units) {
                Some(block) => return block,
                None => self.reload(units),
            },
        };
        // SAFETY: a block in a magazine is free, so it holds the way to the next one.
        self.loaded.set(unsafe { block.as_ref() }.next);
        self.count.set(self.count.get() - 1);
        block
    }

    /// The next block of the row.
    #[inline]
    fn cut(&self, units: usize) -> Option<NonNull<Block>> {
        let left = self.left.get().checked_sub(1)?;
        self.left.set(left);
        let block = self.row.get()?;
        // SAFETY: there are so many blocks of this size, or it is the end of the last one.
        self.row.set(Some(unsafe { block.byte_add(units * UNIT) }));
        Some(block)
    }

    /// The loaded magazine and the row are empty: gets a magazine with at least one block.
    #[cold]
    fn reload(&self, units: usize) -> NonNull<Block> {
        if let Some(full) = self.full.take() {
            self.count.set(capacity(units));
            return full;
        }
        match slab::take(units, capacity(units)) {
            Batch::List(first, count) => {
                self.count.set(count);
                first
            }
            Batch::Row(first, count) => {
                self.row.set(Some(first));
                self.left.set(count);
                let block = self.cut(units).expect("a row is not empty");
                // SAFETY: it is a block of the row, and large enough.
                unsafe { block.write(Block { next: None }) };
                self.count.set(1);
                block
            }
        }
    }

    /// # Safety
    /// The block is free, and came from a stock or the depot in this size.
    #[inline]
    unsafe fn give(&self, units: usize, mut block: NonNull<Block>) {
        if self.count.get() == capacity(units) {
            self.unload(units);
        }
        // SAFETY: the block is free.
        unsafe { block.as_mut() }.next = self.loaded.replace(Some(block));
        self.count.set(self.count.get() + 1);
    }

    /// The loaded magazine is full: puts an empty one in its place.
    #[cold]
    fn unload(&self, units: usize) {
        let full = self.full.replace(self.loaded.take());
        self.count.set(0);
        // SAFETY: blocks in a magazine are free, and came from the depot in this size.
        unsafe { slab::give(units, full) };
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        for (index, pair) in self.0.iter().enumerate() {
            for magazine in [&pair.loaded, &pair.full] {
                // SAFETY: blocks in a magazine are free, and came from the depot in this size.
                unsafe { slab::give(index + 1, magazine.take()) };
            }
            while let Some(block) = pair.cut(index + 1) {
                // SAFETY: it is a block of the row, which nobody uses.
                unsafe { block.write(Block { next: None }) };
                // SAFETY: it came from the depot in this size.
                unsafe { slab::give(index + 1, Some(block)) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::Layout;
    use std::cell::RefCell;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::{alloc, dealloc};
    use crate::slab::{SIZES, UNIT};

    /// A block full of one byte, which it tests when it goes.
    struct Written {
        block: *mut u8,
        layout: Layout,
        byte: u8,
    }

    // SAFETY: a block is nobody else's, and may be freed on any thread.
    unsafe impl Send for Written {}

    impl Written {
        fn new(size: usize, byte: u8) -> Written {
            let layout = Layout::from_size_align(size, UNIT).unwrap();
            // SAFETY: no test asks for nothing.
            let block = unsafe { alloc(layout) };
            assert_eq!(block.addr() % UNIT, 0);
            // SAFETY: it is ours and so large.
            unsafe { block.write_bytes(byte, size) };
            Written { block, layout, byte }
        }
    }

    impl Drop for Written {
        fn drop(&mut self) {
            // SAFETY: `new` has written it.
            let content = unsafe { std::slice::from_raw_parts(self.block, self.layout.size()) };
            assert!(content.iter().all(|byte| *byte == self.byte), "somebody else wrote here");
            // SAFETY: it came from alloc with this layout.
            unsafe { dealloc(self.block, self.layout) };
        }
    }

    #[test]
    fn blocks_of_all_sizes_are_apart() {
        for size in (1..=SIZES * UNIT + 2 * UNIT).step_by(7) {
            // More than a slab and two magazines hold.
            for count in [1, 3, 1500, 200] {
                let blocks: Vec<_> = (0..count).map(|i| Written::new(size, i as u8)).collect();
                drop(blocks);
            }
        }
    }

    #[test]
    #[cfg_attr(pelmeni_malloc, ignore = "the system's allocator decides")]
    fn freed_block_is_the_next_one() {
        let first = Written::new(100, 1).block;
        assert_eq!(Written::new(112, 2).block, first, "the same size in units");
    }

    /// Threads make blocks, hand them on, free what they are handed, and end with some in hand.
    #[test]
    fn blocks_travel() {
        const THREADS: usize = 4;
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel()).unzip();
        thread::scope(|scope| {
            for (index, receiver) in receivers.into_iter().enumerate() {
                let next = senders[(index + 1) % THREADS].clone();
                scope.spawn(move || {
                    let mut random = index as u32 + 1;
                    let mut held = Vec::new();
                    for round in 0..30_000 {
                        random ^= random << 13;
                        random ^= random >> 17;
                        random ^= random << 5;
                        let block = Written::new(random as usize % 300 + 1, round as u8);
                        match random % 5 {
                            0 | 1 => drop(next.send(block)), // it may have ended
                            2 => held.push(block),
                            3 => held.clear(),
                            _ => drop(block),
                        }
                        drop(receiver.try_recv());
                    }
                });
            }
        });
    }

    thread_local! {
        static EARLY: RefCell<Vec<Written>> = const { RefCell::new(Vec::new()) };
        static LATE: RefCell<Vec<Written>> = const { RefCell::new(Vec::new()) };
    }

    /// What a thread keeps until it ends is freed before or after its stock is gone.
    #[test]
    fn thread_ends() {
        for _ in 0..100 {
            let work = || {
                EARLY.with_borrow_mut(|early| early.reserve(1));
                let blocks = || (0..200).map(|i| Written::new(48, i)).collect();
                EARLY.set(blocks());
                LATE.set(blocks());
            };
            thread::scope(|scope| scope.spawn(work).join().unwrap());
        }
    }
}
