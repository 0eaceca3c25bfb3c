//! Turns file descriptors and clocks into [`Waker`](std::task::Waker)s.
//!
//! A future that waits for the outside world waits for one of two things: that a descriptor can be read or written, or
//! that an instant has come. This crate keeps both kinds of promise and knows nothing of tasks, queues or threads: what
//! it is given is a waker, and what it does is wake it.
//!
//! # A turn
//!
//! One thread at a time may wait for the kernel. It claims the [`Turn`], waits once, and hands out what came:
//!
//! ```text
//!   Driver::try_claim ──► Turn::wait ──► poller ──► the kernel says: key 7 is readable
//!                              │
//!                              ├─ source: key 7 has this cell; who waits there?
//!                              ├─ readiness: still the same source? READY, one tick more      no: the event is dropped
//!                              └─ all locks gone: wake them
//! ```
//!
//! So an event meets the code of four files on its way: `direct` (or `portable`), `driver`, `source`, `readiness`. (The
//! `bell` is told once that the sleep is over, whatever ended it.)
//!
//! The other half is a task that found nothing to read. [`Registration::poll_io`] tries the operation first, and only
//! if it would block does the source enter the poller (once in its life; a [hesitant](Registration::hesitant) one when it would
//! block again in the next poll) and the waker enter the source:
//!
//! ```text
//!   look at the tick ──► operation ──► would block ──► clear READY, if the tick is still the same ──► Pending
//!         ▲                                                       │ it is not
//!         └───────────────────────────────────────────────────────┘
//! ```
//!
//! Time goes another way: a [`Timer`] lies in the future that waits, is linked into the [`Wheel`] of a worker, and the
//! worker asks the wheel how long its wait may be ([`Wheel::next_deadline`]) and which timers are due ([`Wheel::fire`]).
//!
//! # The files
//!
//! | file | noun |
//! |---|---|
//! | `deadline`, `clock`, `monotonic` | an instant; the only reader of the clock, and a twin for models; how the system counts |
//! | `estimate`, `tsc` | what time it is at the latest; the processor's own count |
//! | `interest`, `descriptor` | read or write; what the system calls a descriptor |
//! | `readiness` | the atomic word of one direction of one source, and the lock of those who wait for it |
//! | `drained` | what the last operation left, as the source's owner remembers it |
//! | `source`, `vacancies` | all sources, by key; which keys are free |
//! | `waiters`, `crowd` | those who wait; those who wait where somebody else waits already |
//! | `poller`, `direct`, `portable` | the system calls, and two ways to make them |
//! | `bell` | how a thread that waits for the kernel is called back |
//! | `driver` | the turn: one wait, its events, the wakers it ends with |
//! | `membership`, `registration` | one source's way in and out |
//! | `slack`, `thread_times` | how late the kernel may end a sleep; how long it has let a thread run, or wait |
//! | `alarm`, `node` | a deadline and what became of it; its place in a list |
//! | `timer`, `wheel`, `levels` | who waits for a deadline; where they wait, and in which order |

mod alarm;
mod bell;
#[cfg_attr(all(loom, feature = "loom"), path = "clock_by_hand.rs")]
pub mod clock;
mod crowd;
mod deadline;
mod descriptor;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod direct;
mod drained;
mod driver;
#[cfg(not(all(loom, feature = "loom")))]
mod estimate;
mod interest;
#[expect(unsafe_code, reason = "the nodes of the wheel lie in their timers")]
mod levels;
mod membership;
#[cfg(all(loom, feature = "loom"))]
mod mock;
#[cfg(all(loom, feature = "loom"))]
#[doc(hidden)]
pub mod model;
#[expect(unsafe_code, reason = "the nodes of the wheel lie in their timers")]
mod node;
mod poller;
#[expect(unsafe_code, reason = "polling's contract is passed on to the registration")]
mod portable;
mod readiness;
#[expect(unsafe_code, reason = "the descriptor is borrowed by number when its owner goes")]
mod registration;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "slack_elsewhere.rs")]
mod slack;
mod source;
mod thread_times;
#[expect(unsafe_code, reason = "the nodes of the wheel lie in their timers")]
mod timer;
mod vacancies;
mod waiters;
#[expect(unsafe_code, reason = "the nodes of the wheel lie in their timers")]
mod wheel;

pub use deadline::Deadline;
pub use descriptor::AsDescriptor;
pub use driver::{Driver, Turn};
pub use interest::Direction;
pub use poller::PollerKind;
pub use registration::Registration;
pub use slack::Punctual;
pub use thread_times::{ThreadTimes, this_thread};
pub use timer::{Timer, TimerState, WheelHandle};
pub use wheel::Wheel;
