//! What the models are written with. Empty unless built with `--cfg loom`.
//!
//! A model is a small concurrent program that loom runs under every schedule (with at most so many preemptions) and every
//! answer that a weak memory may give. The models stand in `tests/it`; each is an ordinary test that calls `Model::check`.
//!
//! ```text
//! cargo test                                    every model passes, is exhausted, and reaches what it says it reaches
//! cargo run --bin mutants                       every seeded bug is killed by every model that claims it
//! ```
//!
//! | module | what |
//! |---|---|
//! | `model` | runs a program under loom; a model that was cut short, or that missed a case, fails |
//! | `journal` | what happened in the model that runs: cases that were reached, panics that nobody saw |
//! | `queue` | a scheduler of one queue, whose misuse loom can see |
//! | `owned` | a scheduler for tasks with an owner |
//! | `alarm` | a waker that a model's thread can sleep on, and that counts |

#[cfg(loom)]
mod alarm;
#[cfg(loom)]
mod journal;
#[cfg(loom)]
mod model;
#[cfg(loom)]
mod owned;
#[cfg(loom)]
mod queue;

#[cfg(loom)]
pub use self::{
    alarm::{Alarm, block_on, poll_once},
    journal::reach,
    model::Model,
    owned::Owned,
    queue::{Home, Queue},
};
