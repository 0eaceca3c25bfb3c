//! Where blocks of memory come from: slabs, each cut into blocks of one size, and the depot that keeps them.
//!
//! ```text
//!   |<------------------- 16 KiB, at an address that is a multiple of 16 KiB ------------------->|
//!   +-----------+-------+-------+-------+-- - - --+-------+--------------------------------------+
//!   | Slab      | block | block | block |         | block |   not cut yet                        |
//!   +-----------+-------+-------+-------+-- - - --+-------+--------------------------------------+
//! ```
//! Blocks go to [`magazine`](crate::magazine) and come back many at once, so the lock of a size is rarely taken. A slab
//! whose blocks have all come back is kept for whatever size needs one next, or is the system's again if there are enough
//! of those: what a burst of tasks took does not stay.
//!
//! * **B1.** A block that is out, on a thread or as a task, is nobody's here. A block that is in is in its slab's list.
//! * **B2.** A slab with a block to give is in its size's ring; a slab that has given all is in none.
//! * **B3.** Slabs and lists are touched only under the lock of their size.
//!
//! Rejected: *slabs that belong to a thread*, with a list of what others free (an exchange for each such block, and
//! somebody must inherit the slabs of a thread that ends); *keeping blocks of the system's allocator* (a block that is kept
//! holds its page, whatever becomes of its neighbours); *slabs of 64 KiB* (more of the heap is lost between them).
//!
//! Source: Jeff Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory Allocator", USENIX 1994.

use std::alloc::{self, Layout, handle_alloc_error};
use std::ptr::NonNull;

use crate::primitive::Spin;

/// How far apart slabs lie.
const SLAB: usize = 16 * 1024;
/// What one takes. The system's allocator has two words of its own between two blocks; so two slabs can lie side by side.
const LAYOUT: Layout = match Layout::from_size_align(SLAB - 2 * size_of::<usize>(), SLAB) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};
/// Sizes are multiples of this, and so are addresses.
pub(crate) const UNIT: usize = 16;
/// How many sizes there are.
pub(crate) const SIZES: usize = 64;
/// How many slabs without a block that is out are kept.
const SPARE: usize = 128;

/// A block that is free: it holds the way to the next one.
pub(crate) struct Block {
    pub(crate) next: Option<NonNull<Block>>,
}

/// The front of a slab.
#[repr(C, align(64))]
struct Slab {
    /// The size of its blocks, in units.
    units: usize,
    /// The blocks that have come back.
    free: Option<NonNull<Block>>,
    /// Where the part begins that was never cut.
    uncut: usize,
    /// How many blocks are out.
    out: usize,
    /// Its neighbours in the ring; the next one also in the list of spares.
    next: Option<NonNull<Slab>>,
    previous: Option<NonNull<Slab>>,
}

/// The slabs of one size that have something to give (B2), most recently used first.
struct Shelf(Option<NonNull<Slab>>);

/// Slabs that have everything.
struct Spares {
    first: Option<NonNull<Slab>>,
    count: usize,
}

// SAFETY: slabs are touched under the lock only, by whichever thread has it (B3).
unsafe impl Send for Shelf {}
// SAFETY: as for shelves.
unsafe impl Send for Spares {}

static SHELVES: [Spin<Shelf>; SIZES] = [const { Spin::new(Shelf(None)) }; SIZES];
static SPARES: Spin<Spares> = Spin::new(Spares { first: None, count: 0 });

/// Some blocks, and how many: a list of such as were in use before, or a row of such as never were.
pub(crate) enum Batch {
    List(NonNull<Block>, usize),
    Row(NonNull<Block>, usize),
}

/// Gives blocks of so many units: at least one, and at most `count`.
pub(crate) fn take(units: usize, count: usize) -> Batch {
    SHELVES[units - 1].lock().take(units, count)
}

/// Takes a list of blocks of so many units back.
///
/// # Safety
/// The blocks came from [`take`] with the same size, and nobody uses them.
pub(crate) unsafe fn give(units: usize, mut blocks: Option<NonNull<Block>>) {
    let mut emptied = None;
    let mut shelf = SHELVES[units - 1].lock();
    while let Some(block) = blocks {
        // SAFETY: the block is free, so it holds the way to the next one.
        blocks = unsafe { block.as_ref() }.next;
        // SAFETY: as this function asks.
        if let Some(mut slab) = unsafe { shelf.give(block) } {
            // SAFETY: the slab is in no ring any more, and all its blocks are in.
            unsafe { slab.as_mut() }.next = emptied;
            emptied = Some(slab);
        }
    }
    drop(shelf);
    while let Some(slab) = emptied {
        // SAFETY: as above; we put it in the list.
        emptied = unsafe { slab.as_ref() }.next;
        // SAFETY: as above.
        unsafe { put_away(slab) };
    }
}

impl Slab {
    /// How many blocks can be cut.
    fn left(&self) -> usize {
        (LAYOUT.size() - self.uncut) / (self.units * UNIT)
    }

    /// Says whether all its blocks are out.
    fn has_none(&self) -> bool {
        self.free.is_none() && self.left() == 0
    }
}

impl Shelf {
    fn take(&mut self, units: usize, count: usize) -> Batch {
        let mut slab = self.0.unwrap_or_else(|| {
            let slab = new_slab(units);
            self.link(slab);
            slab
        });
        // SAFETY: it is in our ring, so it is alive, and ours under the lock (B3).
        let front = unsafe { slab.as_mut() };
        let (batch, taken) = match front.free {
            Some(first) => {
                // SAFETY: blocks in the list are free and ours.
                let (rest, taken) = unsafe { split(first, count) };
                front.free = rest;
                (Batch::List(first, taken), taken)
            }
            None => {
                let taken = count.min(front.left());
                // SAFETY: the part that was not cut lies in the slab.
                let first = unsafe { slab.byte_add(front.uncut) };
                front.uncut += taken * units * UNIT;
                (Batch::Row(first.cast(), taken), taken)
            }
        };
        front.out += taken;
        if front.has_none() {
            self.unlink(slab); // B2
        }
        batch
    }

    /// Takes a block back. If it was the last of its slab, that is in no ring any more, and the caller's.
    ///
    /// # Safety
    /// As the function [`give`].
    unsafe fn give(&mut self, mut block: NonNull<Block>) -> Option<NonNull<Slab>> {
        // SAFETY: it came from one.
        let mut slab = unsafe { slab_of(block) };
        // SAFETY: the slab of a block that was out is alive, and ours under the lock (B3).
        let front = unsafe { slab.as_mut() };
        let had_none = front.has_none();
        // SAFETY: the block is free, as this function asks.
        unsafe { block.as_mut() }.next = front.free.replace(block);
        front.out -= 1;
        let has_all = front.out == 0;
        match (had_none, has_all) {
            (true, false) => self.link(slab), // B2
            (false, true) => self.unlink(slab),
            _ => {}
        }
        has_all.then_some(slab)
    }

    fn link(&mut self, mut slab: NonNull<Slab>) {
        // SAFETY: it is in no ring, and ours.
        let front = unsafe { slab.as_mut() };
        front.previous = None;
        front.next = self.0.replace(slab);
        if let Some(mut next) = front.next {
            // SAFETY: it is in our ring.
            unsafe { next.as_mut() }.previous = Some(slab);
        }
    }

    fn unlink(&mut self, slab: NonNull<Slab>) {
        // SAFETY: it is in our ring.
        let front = unsafe { slab.as_ref() };
        match front.previous {
            // SAFETY: it is in our ring.
            Some(mut previous) => unsafe { previous.as_mut() }.next = front.next,
            None => self.0 = front.next,
        }
        if let Some(mut next) = front.next {
            // SAFETY: it is in our ring.
            unsafe { next.as_mut() }.previous = front.previous;
        }
    }
}

/// Cuts a list behind so many blocks, if it is longer; gives the rest, and how many there are before it.
///
/// # Safety
/// The blocks are free, and the caller's.
unsafe fn split(mut last: NonNull<Block>, count: usize) -> (Option<NonNull<Block>>, usize) {
    for before in 1..count {
        // SAFETY: a free block holds the way to the next one.
        match unsafe { last.as_ref() }.next {
            Some(next) => last = next,
            None => return (None, before),
        }
    }
    // SAFETY: as above.
    (unsafe { last.as_mut() }.next.take(), count)
}

/// The slab in which a block lies.
///
/// # Safety
/// The block is in a slab.
unsafe fn slab_of(block: NonNull<Block>) -> NonNull<Slab> {
    // SAFETY: slabs begin at multiples of their distance, and none at 0.
    unsafe { NonNull::new_unchecked(block.as_ptr().map_addr(|address| address & !(SLAB - 1))) }
        .cast()
}

/// A slab with nothing cut from it: a spare one, or the system's.
fn new_slab(units: usize) -> NonNull<Slab> {
    let spare = take_spare().unwrap_or_else(|| {
        // SAFETY: the size is not zero.
        let slab = unsafe { alloc::alloc(LAYOUT) };
        NonNull::new(slab.cast()).unwrap_or_else(|| handle_alloc_error(LAYOUT))
    });
    let front =
        Slab { units, free: None, uncut: size_of::<Slab>(), out: 0, next: None, previous: None };
    // SAFETY: the memory is ours alone, and large enough.
    unsafe { spare.write(front) };
    spare
}

fn take_spare() -> Option<NonNull<Slab>> {
    let mut spares = SPARES.lock();
    let slab = spares.first?;
    // SAFETY: a spare is nobody else's.
    spares.first = unsafe { slab.as_ref() }.next;
    spares.count -= 1;
    Some(slab)
}

/// Keeps a slab, or gives it back to the system.
///
/// # Safety
/// All its blocks are in, and it is in no ring.
unsafe fn put_away(mut slab: NonNull<Slab>) {
    let mut spares = SPARES.lock();
    if spares.count == SPARE {
        drop(spares);
        // SAFETY: it came from the system with this layout, and nobody uses it any more.
        return unsafe { alloc::dealloc(slab.as_ptr().cast(), LAYOUT) };
    }
    // SAFETY: it is nobody else's.
    unsafe { slab.as_mut() }.next = spares.first;
    spares.first = Some(slab);
    spares.count += 1;
}
