//! The waker of whoever awaits a `JoinHandle`, in one word.
//!
//! A task is usually awaited by another task. Its waker is two words, of which one (the vtable) is always the same; so it
//! is kept as the task's address. Any other waker is boxed, and the lowest bit of the box's address says so.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::Waker;

use crate::waker::{self, RawTask, VTABLE};

/// An owned waker in one word.
#[derive(Debug)]
pub(crate) struct Joiner(NonNull<()>);

/// Set on the address of a boxed foreign waker.
const FOREIGN: usize = 1;

impl Joiner {
    /// Clones a waker into a word.
    pub(crate) fn new(waker: &Waker) -> Joiner {
        if waker::is_ours(waker) {
            let owned = ManuallyDrop::new(waker.clone());
            Joiner(RawTask::from_data(owned.data()).pointer().cast())
        } else {
            let foreign = NonNull::from(Box::leak(Box::new(waker.clone())));
            Joiner(foreign.cast().map_addr(|address| address | FOREIGN))
        }
    }

    /// Makes a waker of the word again.
    pub(crate) fn into_waker(self) -> Waker {
        let word = self.0.as_ptr();
        if word.addr() & FOREIGN == 0 {
            // SAFETY: `new` took the data out of a waker with this vtable, whose reference the word has owned since.
            unsafe { Waker::new(word, &VTABLE) }
        } else {
            let foreign = word.map_addr(|address| address & !FOREIGN).cast::<Waker>();
            // SAFETY: `new` leaked a box at this address, whose lowest bit was clear as a Waker is aligned to a word.
            *unsafe { Box::from_raw(foreign) }
        }
    }
}
