//! The waker of whoever awaits a `JoinHandle`, in one word.
//!
//! A task is usually awaited by another task. Its waker is two words, of which one (the vtable) is one of two; so it is kept as
//! the task's address, and a bit of that says which. Any other waker is boxed, and another bit of the box's address says so.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::Waker;

use crate::waker::{self, RawTask};

/// An owned waker in one word.
#[derive(Debug)]
pub(crate) struct Joiner(NonNull<()>);

/// Set on the address of a boxed foreign waker.
const FOREIGN: usize = 1;
/// Set on the address of a task with an owner.
const OWNED: usize = 2;

impl Joiner {
    /// Clones a waker into a word.
    pub(crate) fn new(waker: &Waker) -> Joiner {
        if waker::is_ours(waker) {
            let flag = if waker::is_owned(waker) { OWNED } else { 0 };
            let waker = ManuallyDrop::new(waker.clone());
            let task = RawTask::from_data(waker.data()).pointer();
            Joiner(task.cast().map_addr(|address| address | flag))
        } else {
            let foreign = NonNull::from(Box::leak(Box::new(waker.clone())));
            Joiner(foreign.cast().map_addr(|address| address | FOREIGN))
        }
    }

    /// Makes a waker of the word again.
    pub(crate) fn into_waker(self) -> Waker {
        let word = self.0.as_ptr();
        if word.addr() & FOREIGN == 0 {
            let vtable = waker::vtable(word.addr() & OWNED != 0);
            let data = word.map_addr(|address| address & !OWNED);
            // SAFETY: `new` took the data out of a waker with this vtable, whose reference the word has owned since.
            unsafe { Waker::new(data, vtable) }
        } else {
            let foreign = word.map_addr(|address| address & !FOREIGN).cast::<Waker>();
            // SAFETY: `new` leaked a box at this address, whose lowest bit was clear as a Waker is aligned to a word.
            *unsafe { Box::from_raw(foreign) }
        }
    }
}
