//! Workers, queues, idle protocol and blocking pool of the pelmeni runtime: what runs tasks, on one thread or on many.
//!
//! Names are those of the facade crate `pelmeni`, which re-exports what is public here.

mod alertness;
mod backlog;
mod batch;
mod builder;
mod callers;
mod cores;
mod cost;
mod counters;
mod crew;
mod current;
mod drive;
mod errand;
mod handle;
mod home;
#[cfg(all(loom, feature = "loom"))]
mod house;
mod idle;
mod kinds;
#[expect(unsafe_code, reason = "a counted pointer")]
mod lease;
mod limits;
mod look;
mod lookout;
mod misuse;
mod monitor;
mod newcomers;
mod outside;
mod pace;
mod patience;
mod pool;
mod presence;
mod queue;
#[cfg(all(pelmeni_count, not(all(loom, feature = "loom"))))]
mod queue_counted;
mod registry;
mod rest;
mod room;
mod root;
mod runtime;
mod scheduler;
mod search;
mod seat;
mod sleep;
mod slow;
mod spare;
mod spawn;
mod start;
mod survey;
mod thread;
mod visitors;
mod watch;
mod worker;

/// The parts that models are made of.
#[doc(hidden)]
pub mod model {
    pub use crate::backlog::Stranded;
    pub use crate::crew::Crew;
    #[cfg(all(loom, feature = "loom"))]
    pub use crate::house::{House, Monitor};
    pub use crate::idle::Idle;
    pub use crate::lookout::Rest;
    pub use crate::newcomers::Newcomers;
    pub use crate::queue::{Deque, Steal, Thief};
    pub use crate::search::search;
    pub use crate::watch::{Watch, While};
}

#[doc(hidden)]
pub use batch::Batch;
pub use builder::Builder;
pub use counters::{Stats, WorkerStats};
pub use drive::Registration;
pub use handle::{Handle, TimerHandle};
#[doc(hidden)]
pub use misuse::outside;
pub use runtime::{Runtime, ShutdownReport, run, try_run};
pub use sleep::Sleep;
pub use slow::SlowPoll;
pub use spawn::{Builder as TaskBuilder, spawn, spawn_blocking, spawn_local, spawn_many};
