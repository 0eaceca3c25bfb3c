//! The primitives as any executor would use them: polled by hand, woken by wakers that count, panic or call back.

mod support;

mod bounds;
mod cancel_after_grant;
mod first_come_first_served;
mod hostile_wakers;
mod in_a_task;
mod random_walk;
mod threads;

mod barrier;
mod event;
mod mutex;
mod notify;
mod oneshot;
mod semaphore;
