//! Tasks: how they are started with a name, what waits for them, what ends them.

pub use pelmeni_core::cancel::{CatchCancel, Held};
pub use pelmeni_core::coop::{BUDGET, YieldNow, poll_proceed};
pub use pelmeni_core::{AbortHandle, JoinError, JoinHandle, TaskInfo};
pub use pelmeni_scheduler::TaskBuilder as Builder;
