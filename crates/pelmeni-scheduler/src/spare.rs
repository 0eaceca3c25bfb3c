//! A spare worker: a thread that comes when all workers are stuck in their polls, and goes when the one that it stands in
//! for has come back.
//!
//! Each seat has a spare seat of its own behind all others. What the spare's tasks spawn and arm belongs to the home of the
//! seat that is stuck, the spare empties that one's inbox and minds its timers; so nothing is left behind when it goes.

use std::io;

use pelmeni_core::primitive::seeded;

use crate::lease::Lease;
use crate::seat::Seat;
use crate::thread;
use crate::worker;

/// Starts a spare for a seat whose thread is stuck, unless that has one, or is a spare itself.
///
/// # Errors
/// The system's, if it has no more threads.
pub(crate) fn send(lease: &Lease, stuck: &Seat) -> io::Result<()> {
    let Some(spare) = reserve(lease, stuck) else { return Ok(()) };
    let (stuck, index) = (stuck.index, spare.index);
    let name = format!("{}-spare-{stuck}", lease.name);
    let started =
        thread::start_worker(lease, name, lease.stack, move |lease| work(lease, index, stuck));
    started.inspect_err(|_| spare.presence.leave())
}

/// Sees to it that the spare seat of this one, if it has one that is free, is there for a thread that is about to come.
pub(crate) fn reserve<'s>(lease: &'s Lease, stuck: &Seat) -> Option<&'s Seat> {
    let spare = lease.spare_of(stuck.index)?;
    if !spare.presence.enter() {
        return None;
    }
    lease.use_seat(spare.index);
    Some(spare)
}

/// What a spare's thread does.
pub(crate) fn work(lease: &Lease, seat: usize, stuck: usize) {
    worker::occupy(lease, seat, |worker| {
        // Tasks that must stay on this thread keep it at work.
        let may_leave = || !lease.is_stuck(stuck) && worker.has_no_tasks();
        worker.run_until(|| lease.is_stopping() || may_leave());
        worker.end_locals();
    });
}

/// Wakes the spares whose time is over, so that they go.
pub(crate) fn dismiss(lease: &Lease) {
    let spares = lease.seats_in_use().iter().skip(lease.threads + 1);
    for spare in spares.filter(|spare| lease.idle.is_asleep(spare.index)) {
        if lease.principal_of(spare.index).is_some_and(|stuck| !lease.is_stuck(stuck.index))
            && !seeded(214)
        {
            lease.unpark(spare.index);
        }
    }
}
