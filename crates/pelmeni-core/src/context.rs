//! What travels with a poll: the task, its budget, the requests to cancel that are on their way, and the references on loan.
//!
//! One thread-local without destructor, saved and restored around each poll of a task or a visitor. Outside of those there
//! is no limit, and no request can be raised: nobody would be there to take it.
//!
//! **Loans.** A poll that waits clones its waker, and a reference counted at once would be an exchange on the state word.
//! So what a poll clones and drops of its own task's wakers is only noted here, and the step that ends the poll, which is
//! an exchange in any case, settles it. Meanwhile such a waker is as good as any other: it can be woken and dropped by
//! another thread, which takes a reference out of the word that was not put in. For that the word holds [`LOANS_MAX`] more
//! than there are (see `state`). Who is not the poll of that task, on this thread, counts at once.
//!
//! A future that a task blocks on inside its own poll, with some other crate's `block_on`, shares the task's budget and
//! requests; it must not wait there for as many as [`BUDGET`] operations, as a task must not block in any case.

use std::cell::Cell;
use std::ptr;

use crate::thread_state;
use crate::waker::RawTask;

/// How many leaf operations a task may complete in one poll before it must let others run.
pub const BUDGET: u32 = 128;

/// How many references a poll may clone or drop before it counts them in the state word.
pub(crate) const LOANS_MAX: u32 = 1 << 10;

/// No task is being polled, or not by us: no loans.
const CLOSED: i32 = i32::MIN;

/// No task is being polled: no limit.
const UNLIMITED: u32 = u32::MAX;

pub(crate) struct Context {
    /// The data of the waker of the task that is being polled.
    task: Cell<*const ()>,
    budget: Cell<u32>,
    requests: Cell<u32>,
    /// The task asked to run again after the others, and did not touch its waker for it.
    yielded: Cell<bool>,
    /// How many references of the task were cloned by this poll, less those dropped, and are not counted yet.
    loans: Cell<i32>,
}

thread_state! {
    static CONTEXT: Context = Context {
        task: Cell::new(ptr::null()),
        budget: Cell::new(UNLIMITED),
        requests: Cell::new(0),
        yielded: Cell::new(false),
        loans: Cell::new(CLOSED),
    }
}

/// The context of one poll, or of a part of one; dropping it brings the one before back, also when the poll unwinds.
pub(crate) struct Entered {
    outer: Outer,
}

/// The context of a task's poll.
pub(crate) struct EnteredTask {
    /// In a box, so that it is one word for the usual case, in which there is none.
    outer: Option<Box<Outer>>,
}

/// The context of a poll in which another one takes place.
struct Outer {
    task: *const (),
    budget: u32,
    requests: u32,
    yielded: bool,
    /// `None`: the loans are those of the poll that this is a part of.
    loans: Option<i32>,
}

/// Enters the poll of a task that brings some requests to cancel.
#[inline]
pub(crate) fn enter(task: RawTask, requests: u32) -> EnteredTask {
    CONTEXT.with(|context| {
        let outer = if context.task.get().is_null() { None } else { Some(context.save_in_box()) };
        context.set(task.data(), BUDGET, requests, 0);
        EnteredTask { outer }
    })
}

/// Enters the poll of a future that is no task, on behalf of whoever has this waker data: a visitor's.
pub(crate) fn enter_visit(data: *const ()) -> Entered {
    CONTEXT.with(|context| {
        let outer = context.save();
        context.set(data, UNLIMITED, 0, CLOSED);
        Entered { outer }
    })
}

/// Enters a part of a poll that neither budget nor requests reach: a scope's own timer, say.
pub(crate) fn unaffected() -> Entered {
    CONTEXT.with(|context| {
        let outer = Outer { loans: None, ..context.save() };
        context.budget.set(UNLIMITED);
        context.requests.set(0);
        Entered { outer }
    })
}

impl Context {
    fn save(&self) -> Outer {
        Outer {
            task: self.task.get(),
            budget: self.budget.get(),
            requests: self.requests.get(),
            yielded: self.yielded.get(),
            loans: Some(self.loans.get()),
        }
    }

    #[cold]
    fn save_in_box(&self) -> Box<Outer> {
        Box::new(self.save())
    }

    #[inline]
    fn set(&self, task: *const (), budget: u32, requests: u32, loans: i32) {
        self.task.set(task);
        self.budget.set(budget);
        self.requests.set(requests);
        self.yielded.set(false);
        self.loans.set(loans);
    }

    fn restore(&self, outer: &Outer) {
        self.task.set(outer.task);
        self.budget.set(outer.budget);
        self.requests.set(outer.requests);
        self.yielded.set(outer.yielded);
        if let Some(loans) = outer.loans {
            self.loans.set(loans);
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CONTEXT.with(|context| context.restore(&self.outer));
    }
}

impl Drop for EnteredTask {
    #[inline]
    fn drop(&mut self) {
        CONTEXT.with(|context| match self.outer.take() {
            None => context.set(ptr::null(), UNLIMITED, 0, CLOSED),
            Some(outer) => restore_from_box(context, outer),
        });
    }
}

#[cold]
fn restore_from_box(context: &Context, outer: Box<Outer>) {
    context.restore(&outer);
}

/// Notes that a reference was cloned (1) or dropped (-1) on behalf of the poll of the task with this waker data. False: it
/// is not the task that is being polled, or it has too many on loan, and the reference must be counted.
#[inline]
pub(crate) fn lend(waker_data: *const (), references: i32) -> bool {
    CONTEXT.with(|context| {
        let loans = context.loans.get();
        let may = ptr::eq(context.task.get(), waker_data) && loans.unsigned_abs() < LOANS_MAX;
        if may {
            context.loans.set(loans + references);
        }
        may
    })
}

/// The references on loan to the poll that runs now. Whoever ends the poll settles them.
#[inline]
pub(crate) fn loans() -> i32 {
    CONTEXT.with(|context| context.loans.get())
}

/// How many requests travel with the poll that runs now.
#[inline]
pub(crate) fn requests() -> u32 {
    CONTEXT.with(|context| context.requests.get())
}

/// Takes all the requests that travel, and puts others in their place; outside a poll there are none.
pub(crate) fn replace_requests(requests: u32) -> u32 {
    CONTEXT.with(|context| match context.task.get().is_null() {
        true => 0,
        false => context.requests.replace(requests),
    })
}

/// Takes one unit of budget. False: a request travels, or the budget is spent.
#[inline]
pub(crate) fn proceed() -> bool {
    CONTEXT.with(|context| match context.budget.get() {
        _ if context.requests.get() > 0 => false,
        UNLIMITED => true,
        0 => false,
        left => {
            context.budget.set(left - 1);
            true
        }
    })
}

/// Gives a unit of budget back, of an operation that did not come to pass.
#[inline]
pub(crate) fn give_back() {
    CONTEXT.with(|context| match context.budget.get() {
        UNLIMITED => {}
        left => context.budget.set(left + 1),
    });
}

/// Has the task with this waker run again after the others. False: it is not the task that is being polled.
#[inline]
pub(crate) fn yield_task(waker_data: *const ()) -> bool {
    CONTEXT.with(|context| {
        let is_polled = ptr::eq(context.task.get(), waker_data);
        if is_polled {
            context.yielded.set(true);
        }
        is_polled
    })
}

/// Says whether the task that was polled asked to run again.
pub(crate) fn has_yielded() -> bool {
    CONTEXT.with(|context| context.yielded.get())
}
