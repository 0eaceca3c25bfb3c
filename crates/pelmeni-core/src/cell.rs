//! A whole task: header, way home, and the future or its output. The law of who may touch what stands here.
//!
//! ```text
//! +--------+--------+------+------+--------+-----------+------------------+
//! | state  | vtable | bias | link | joiner | scheduler | future or output |
//! +--------+--------+------+------+--------+-----------+------------------+
//! |<--------------- Header --------------->|<-- S ---->|<---- Stage ----->|
//! ```
//!
//! # The law
//! * **R1, the right to poll.** While a task is not complete and its wakes are above zero, exactly one
//!   [`Runnable`](crate::Runnable) exists. Only its holder touches the future, the link, and (before completion) the
//!   output. Ending a poll with no wakes left, or completing, gives the right up. (Of a task with an owner it is the owner's
//!   word that says so, and the link is that of its message: B2 and B3 in `bias`.)
//! * **R2, references.** Each waker and each `AbortHandle` owns one reference, which is counted, or on loan to the poll
//!   that runs (`context`) or to the task's owner (`bias`). A task lives while one is left.
//! * **R3, life before completion.** A task that is not complete is alive, whoever refers to it.
//! * **R4, the output.** Once a task is complete its output belongs to the `JoinHandle`, which takes it or drops it. If
//!   the handle was given up before, the completing thread drops the output and completes after that.
//! * **R5, the joiner slot.** While `JOINER` is clear, the slot belongs to the handle. While it is set and the task is not
//!   complete, nobody touches it. Once it is set on a complete task, it belongs to the completing thread.
//! * **R6, the end.** Whoever makes the step that leaves a complete task without reference, `HANDLE` and `JOINER`, frees
//!   it. Each such step says so by returning `Free`, once.
//!
//! Future and output need not be `Send` if the scheduler runs the task on one thread only; the memory can be freed on
//! any thread, because both are gone by then.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use crate::bias::{Bias, Birth, Owner};
use crate::contain::contain;
use crate::error::JoinError;
use crate::header::{Arrival, Front, Header, Polled, Schedule, Vtable};
use crate::link::Link;
use crate::primitive::UnsafeCell;
use crate::primitive::alloc::{Layout, alloc, dealloc};
use crate::runnable::TaskRef;
use crate::state::State;
use crate::waker::{self, RawTask};

/// The whole allocation. `repr(C)`: its address is the front's, and that is the header's.
#[repr(C)]
struct Cell<F: Future, S> {
    front: Front<S>,
    stage: UnsafeCell<Stage<F>>,
}

/// The future until the task is complete or about to be, the output after that; nothing once that is taken.
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<F::Output, JoinError>>,
}

impl<F: Future> Stage<F> {
    /// # Safety
    /// The stage holds the future.
    unsafe fn future(&mut self) -> &mut ManuallyDrop<F> {
        // SAFETY: as this function asks.
        unsafe { &mut self.future }
    }

    /// # Safety
    /// The stage holds the output.
    unsafe fn output(&mut self) -> &mut ManuallyDrop<Result<F::Output, JoinError>> {
        // SAFETY: as this function asks.
        unsafe { &mut self.output }
    }
}

/// Allocates a task in its first state: scheduled once, with a handle.
///
/// `home` makes the task's scheduler; it sees the task before its future is in place, and may keep the reference in a
/// registry from which [`Schedule::release`] removes it.
pub(crate) fn allocate<F, S>(
    future: F,
    local: bool,
    owner: Option<&Owner>,
    home: impl FnOnce(TaskRef<'_>) -> S,
) -> RawTask
where
    F: Future,
    S: Schedule,
{
    // SAFETY: a cell holds a header, so its size is not zero.
    let cell: NonNull<Cell<F, S>> =
        NonNull::new(unsafe { alloc(Layout::new::<Cell<F, S>>()) }.cast())
            .expect("alloc is never null");
    let birth = owner.map_or(Birth::Anywhere, Owner::birth);
    let header = Header {
        state: State::new(local, birth),
        vtable: const { &vtable::<F, S>() },
        bias: Bias::new(birth),
        link: Link::none(),
        joiner: UnsafeCell::new(None),
    };
    let task = RawTask::new(cell.cast());
    // SAFETY: the block is ours and large enough.
    unsafe { task.pointer().write(header) };
    let scheduler = home(TaskRef::new(&task));
    // SAFETY: the cell was allocated with room for the field.
    let place = unsafe { &raw mut (*cell.as_ptr()).front.scheduler };
    // SAFETY: nobody reads the field before the task is scheduled or described, both after this function.
    unsafe { place.write(scheduler) };
    // SAFETY: as for the other field.
    let place = unsafe { &raw mut (*cell.as_ptr()).stage };
    let stage = Stage { future: ManuallyDrop::new(future) };
    // SAFETY: as for the other field: only the holder of the Runnable reads it, which does not exist yet.
    unsafe { place.write(UnsafeCell::new(stage)) };
    task
}

const fn vtable<F: Future, S: Schedule>() -> Vtable {
    Vtable {
        poll: poll::<F, S>,
        cancel: cancel::<F, S>,
        discard: discard::<F, S>,
        drop_output: drop_output::<F, S>,
        take_output: take_output::<F, S>,
        schedule: waker::schedule::<S>,
        arrive: arrive::<F, S>,
        release: release::<F, S>,
        free: free::<F, S>,
    }
}

/// # Safety
/// `task` is alive, has this future and scheduler, and is complete enough for the fields that the caller uses.
unsafe fn cell<'a, F: Future, S>(task: RawTask) -> &'a Cell<F, S> {
    // SAFETY: `allocate` made the cell with these types; all shared access goes through cells and atomics.
    unsafe { task.pointer().cast::<Cell<F, S>>().as_ref() }
}

unsafe fn poll<F: Future, S: Schedule>(task: RawTask, cx: &mut Context<'_>) -> Polled {
    // SAFETY: the caller holds the right to poll, so the task is alive (R1, R3).
    let cell = unsafe { cell::<F, S>(task) };
    cell.stage.with_mut(|stage| {
        // SAFETY: the stage is the caller's alone (R1).
        let stage = unsafe { &mut *stage };
        // SAFETY: it holds the future, as the task is not complete.
        let future: &mut F = unsafe { stage.future() };
        // SAFETY: the future stays in its cell until it is dropped in place.
        let future = unsafe { Pin::new_unchecked(future) };
        let output = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => return Polled::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(payload) => Err(JoinError::panicked(payload, cell.front.scheduler.describe())),
        };
        // SAFETY: as above; the future was polled for the last time.
        unsafe { replace_future(stage, output, &cell.front.scheduler) };
        Polled::Ready
    })
}

unsafe fn cancel<F: Future, S: Schedule>(task: RawTask, why: JoinError) {
    // SAFETY: the caller holds the right to poll, so the task is alive (R1, R3).
    let cell = unsafe { cell::<F, S>(task) };
    cell.stage.with_mut(|stage| {
        // SAFETY: the stage is the caller's alone (R1).
        let stage = unsafe { &mut *stage };
        // SAFETY: it holds the future, as the task is not complete.
        unsafe { replace_future(stage, Err(why), &cell.front.scheduler) };
    });
}

/// Drops the future and puts an output in its place; if the drop panics, the panic is the output.
///
/// # Safety
/// The stage holds the future.
unsafe fn replace_future<F: Future, S: Schedule>(
    stage: &mut Stage<F>,
    output: Result<F::Output, JoinError>,
    scheduler: &S,
) {
    // SAFETY: as this function asks.
    let future = unsafe { stage.future() };
    // SAFETY: the future is not used again: the output takes its place below.
    let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(future) }));
    let output = match dropped {
        Ok(()) => output,
        Err(payload) => {
            drop_quietly(output);
            Err(JoinError::panicked(payload, scheduler.describe()))
        }
    };
    *stage = Stage { output: ManuallyDrop::new(output) };
}

unsafe fn discard<F: Future, S: Schedule>(task: RawTask) {
    // SAFETY: the caller holds the right to poll, so the task is alive (R1, R3).
    let cell = unsafe { cell::<F, S>(task) };
    cell.stage.with_mut(|stage| {
        // SAFETY: the stage is the caller's alone (R1).
        let stage = unsafe { &mut *stage };
        // SAFETY: the caller has just put the output there.
        let output: &mut Result<_, _> = unsafe { stage.output() };
        // A panic in the poll that brought the request stays what it is: somebody must hear of it.
        if output.is_ok() {
            drop_quietly(std::mem::replace(output, Err(JoinError::cancelled())));
        }
    });
}

unsafe fn drop_output<F: Future, S: Schedule>(task: RawTask) {
    // SAFETY: the output is the caller's (R4), who keeps the task alive until it has left (R6).
    let cell = unsafe { cell::<F, S>(task) };
    cell.stage.with_mut(|stage| {
        // SAFETY: the stage is the caller's alone (R4).
        let stage = unsafe { &mut *stage };
        // SAFETY: it holds the output, as the task is complete or about to be.
        let output = unsafe { stage.output() };
        // SAFETY: the caller does not use the output again.
        let output = unsafe { ManuallyDrop::take(output) };
        if let Err(error) = &output
            && error.is_panic()
        {
            cell.front.scheduler.unobserved(error);
        }
        drop_quietly(output);
    });
}

unsafe fn take_output<F: Future, S: Schedule>(task: RawTask, to: NonNull<()>) {
    // SAFETY: the output is the caller's (R4), who keeps the task alive until it has left (R6).
    let cell = unsafe { cell::<F, S>(task) };
    cell.stage.with_mut(|stage| {
        // SAFETY: the stage is the caller's alone (R4).
        let stage = unsafe { &mut *stage };
        // SAFETY: it holds the output, as the task is complete or about to be.
        let output = unsafe { stage.output() };
        // SAFETY: the caller does not use the output again.
        let output = unsafe { ManuallyDrop::take(output) };
        // SAFETY: the caller gives the address of a place for this very type.
        unsafe { to.cast::<Result<F::Output, JoinError>>().write(output) };
    });
}

unsafe fn arrive<F: Future, S: Schedule>(task: RawTask) -> Arrival {
    // SAFETY: the caller holds the right to poll, so the task is alive (R1, R3).
    unsafe { cell::<F, S>(task) }.front.scheduler.arrive(TaskRef::new(&task))
}

unsafe fn release<F: Future, S: Schedule>(task: RawTask) {
    // SAFETY: the caller holds the right to poll, so the task is alive (R1, R3).
    unsafe { cell::<F, S>(task) }.front.scheduler.release();
}

unsafe fn free<F: Future, S: Schedule>(task: RawTask) {
    let cell = task.pointer().cast::<Cell<F, S>>();
    // SAFETY: nobody else is left (R6). A union does not drop what it held, and that is gone already (R4).
    let Cell { front: Front { header: _, scheduler }, stage: _ } = unsafe { cell.read() };
    // SAFETY: `allocate` got the block with this layout, and its content was moved out.
    unsafe { dealloc(cell.as_ptr().cast(), Layout::new::<Cell<F, S>>()) };
    // Last, because it may be what keeps the scheduler's own memory.
    drop(scheduler);
}

/// Drops a value of the user's, and contains the panic that this may raise.
fn drop_quietly<T>(value: T) {
    contain(|| drop(value));
}
