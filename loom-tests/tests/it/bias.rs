//! Tasks with an owner: wakes, requests and references from here and from abroad, and owners that come and go.

use std::future::{pending, poll_fn};
use std::task::{Poll, Waker};

use loom::sync::Arc;
use loom::thread;
use pelmeni_core::JoinHandle;
use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_loom_tests::{Model, Owned, reach};
use pelmeni_scheduler::model::House;
use pelmeni_scheduler::spawn;

use crate::house::open;
use crate::support::{Cup, Drops};

type Level = Arc<AtomicUsize>;

/// Waits until the level is reached, and counts its polls.
async fn reached(level: Level, enough: usize, polls: Level) {
    poll_fn(|_| {
        polls.fetch_add(1, Ordering::Relaxed);
        match level.load(Ordering::Relaxed) {
            now if now >= enough => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
}

/// A task that was polled once by this thread, the owner, is idle, and waits for the level; with a waker of it.
struct Waiting {
    level: Level,
    polls: Level,
    handle: JoinHandle<()>,
    waker: Waker,
}

impl Waiting {
    /// Another thread raises the level and wakes the task.
    fn raise_abroad(&self) -> thread::JoinHandle<()> {
        let (level, waker) = (self.level.clone(), self.waker.clone());
        thread::spawn(move || {
            level.fetch_add(1, Ordering::Relaxed);
            waker.wake();
        })
    }
}

fn waiting(owned: &Owned, enough: usize) -> Waiting {
    let (level, polls, cup) = (Level::default(), Level::default(), Cup::default());
    let handle = owned.spawn({
        let (cup, level, polls) = (cup.clone(), level.clone(), polls.clone());
        async move {
            cup.fill().await;
            reached(level, enough, polls).await;
        }
    });
    owned.run_ready();
    Waiting { level, polls, handle, waker: cup.take() }
}

/// Runs a program as the owner. Afterwards nobody is, and nobody will be.
fn as_owner(program: impl FnOnce(&Owned)) {
    let owned = Owned::new();
    let here = owned.enter();
    program(&owned);
    owned.leave(here);
    owned.close();
}

/// A wake from here and one from abroad: the task sees what was stored before each, whatever it was doing.
#[test]
fn woken_here_and_abroad() {
    let cases = &["answered at once", "answered one by one"];
    Model::new("bias::woken_here_and_abroad").reaches(cases).check(|| {
        as_owner(|owned| {
            let waiting = waiting(owned, 2);
            let other = waiting.raise_abroad();
            let Waiting { level, polls, handle, waker } = waiting;
            level.fetch_add(1, Ordering::Relaxed);
            waker.wake();
            owned.run();
            assert!(handle.is_finished());
            other.join().unwrap();
            owned.run_ready(); // a message that came too late
            match polls.load(Ordering::Relaxed) {
                1 => reach("answered at once"),
                2 => reach("answered one by one"),
                other => panic!("{other} polls for two wakes"),
            }
        });
    });
}

/// A wake that a task gives itself during its poll brings another poll.
#[test]
fn woken_here_during_the_poll() {
    Model::new("bias::woken_here_during_the_poll").check(|| {
        as_owner(|owned| {
            let mut polled = false;
            let handle = owned.spawn(poll_fn(move |cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }));
            owned.run();
            assert!(handle.is_finished());
        });
    });
}

/// Two wakes from abroad, of which the second sends no message: the poll sees what was stored before it all the same.
#[test]
fn woken_twice_abroad() {
    Model::new("bias::woken_twice_abroad").bound(2).check(|| {
        as_owner(|owned| {
            let Waiting { level, handle, waker, .. } = waiting(owned, 2);
            let others = [waker.clone(), waker].map(|waker| {
                let level = level.clone();
                thread::spawn(move || {
                    level.fetch_add(1, Ordering::Relaxed);
                    waker.wake_by_ref();
                })
            });
            owned.run();
            assert!(handle.is_finished());
            for other in others {
                other.join().unwrap();
            }
            owned.run_ready();
        });
    });
}

/// A message that comes when the task has ended, and nobody else keeps it any more, still finds it there.
#[test]
fn task_ends_while_a_message_is_on_its_way() {
    Model::new("bias::task_ends_while_a_message_is_on_its_way").check(|| {
        as_owner(|owned| {
            let Waiting { level, handle, waker, .. } = waiting(owned, 1);
            let other = thread::spawn({
                let waker = waker.clone();
                move || waker.wake()
            });
            drop(handle);
            level.fetch_add(1, Ordering::Relaxed);
            waker.wake();
            owned.run();
            other.join().unwrap();
            owned.run_ready();
        });
    });
}

/// References that are counted in two places: the task is freed once, whoever drops the last one.
#[test]
fn references_from_here_are_dropped_abroad() {
    Model::new("bias::references_from_here_are_dropped_abroad").check(|| {
        as_owner(|owned| {
            let Waiting { level, waker, .. } = waiting(owned, 1);
            let ours = waker.clone(); // lent here, and counted by the end of the task
            let other = thread::spawn({
                let theirs = waker.clone();
                move || drop((theirs.clone(), theirs))
            });
            level.fetch_add(1, Ordering::Relaxed);
            waker.wake();
            owned.run();
            drop(ours);
            other.join().unwrap();
        });
    });
}

/// An owner leaves while somebody wakes his task; another thread comes and finishes it.
#[test]
fn owner_leaves_and_another_comes() {
    Model::new("bias::owner_leaves_and_another_comes").check(|| {
        let owned = Owned::new();
        let here = owned.enter();
        let waiting = waiting(&owned, 2);
        let other = waiting.raise_abroad();
        let Waiting { level, handle, waker, .. } = waiting;
        level.fetch_add(1, Ordering::Relaxed);
        waker.wake_by_ref();
        owned.leave(here);
        drop(waker); // abroad by now
        let next = thread::spawn({
            let owned = owned.clone();
            move || {
                let here = owned.enter();
                owned.run();
                owned.leave(here);
            }
        });
        next.join().unwrap();
        assert!(handle.is_finished());
        other.join().unwrap();
        let here = owned.enter();
        owned.run_ready();
        owned.leave(here);
    });
}

/// A task that is made abroad: whoever wakes it before its first poll makes no second message.
#[test]
fn made_abroad_and_woken_at_once() {
    Model::new("bias::made_abroad_and_woken_at_once").check(|| {
        as_owner(|owned| {
            let other = thread::spawn({
                let owned = owned.clone();
                move || {
                    let handle = owned.spawn(pending::<()>());
                    handle.abort();
                    handle
                }
            });
            owned.run_ready();
            let handle = other.join().unwrap();
            owned.run();
            assert!(handle.is_finished());
        });
    });
}

/// The owner aborts a task before it has come to him.
#[test]
fn made_abroad_and_aborted_here() {
    Model::new("bias::made_abroad_and_aborted_here").bound(2).check(|| {
        let house = House::new(1);
        let theirs = house.clone();
        house.call(async move {
            let other = thread::spawn(move || theirs.deliver(0, pending::<()>()));
            other.join().unwrap().abort();
        });
        house.close();
        house.stop();
    });
}

/// A task that came from abroad, and whose owner leaves before its first poll, is there for the next one.
#[test]
fn made_abroad_and_left_unpolled() {
    Model::new("bias::made_abroad_and_left_unpolled").check(|| {
        let owned = Owned::new();
        let handle = owned.spawn(async {});
        let here = owned.enter();
        owned.receive();
        let waker = handle.abort_handle();
        let other = thread::spawn(move || waker.cancel());
        owned.leave(here);
        let here = owned.enter();
        owned.run();
        assert!(handle.is_finished());
        owned.leave(here);
        owned.close();
        other.join().unwrap();
    });
}

/// An abort from abroad reaches a task that nothing else would wake, and one from here as well.
#[test]
fn aborted_here_and_abroad() {
    Model::new("bias::aborted_here_and_abroad").check(|| {
        as_owner(|owned| {
            let drops = Drops::default();
            let future = drops.track();
            let handle = owned.spawn(async move {
                let _future = future;
                pending::<()>().await;
            });
            owned.run_ready();
            let other = thread::spawn({
                let abort = handle.abort_handle();
                move || abort.abort()
            });
            handle.abort();
            owned.run();
            assert!(handle.is_finished());
            other.join().unwrap();
            owned.run_ready();
        });
    });
}

/// A message that comes when no owner will come any more, to a task that has ended: it is dropped, and the task freed.
#[test]
fn message_to_nobody() {
    Model::new("bias::message_to_nobody").check(|| {
        let owned = Owned::new();
        let here = owned.enter();
        let Waiting { level, waker, .. } = waiting(&owned, 1);
        let other = thread::spawn({
            let waker = waker.clone();
            move || waker.wake()
        });
        level.fetch_add(1, Ordering::Relaxed);
        waker.wake();
        owned.run();
        owned.leave(here);
        owned.close();
        other.join().unwrap();
    });
}

/// A task yields in a poll that has cloned its waker.
#[test]
fn waker_of_a_poll_that_yields() {
    Model::new("bias::waker_of_a_poll_that_yields").check(|| {
        let owned = Owned::new();
        let here = owned.enter();
        let mut other = None;
        let handle = owned.spawn(async move {
            poll_fn(|cx| {
                let waker = cx.waker().clone();
                other.get_or_insert_with(|| thread::spawn(move || drop(waker)));
                Poll::Ready(())
            })
            .await;
            pelmeni_core::coop::yield_now().await;
        });
        owned.run();
        assert!(handle.is_finished());
        owned.leave(here);
    });
}

/// What a task returns, nobody wants, and is dropped: it clones and drops the task's waker meanwhile.
struct Output(Waker);

impl Drop for Output {
    fn drop(&mut self) {
        let clones = [self.0.clone(), self.0.clone()];
        thread::spawn(move || clones.map(Waker::wake));
    }
}

/// References that the drop of a task's output makes are counted like all others.
#[test]
fn output_clones_its_waker() {
    Model::new("bias::output_clones_its_waker").check(|| {
        as_owner(|owned| {
            drop(owned.spawn(poll_fn(|cx| Poll::Ready(Output(cx.waker().clone())))));
            owned.run();
        });
    });
}

/// Is ready at once, and has another thread wake its task.
async fn woken_in_the_last_poll() {
    poll_fn(|cx| {
        let waker = cx.waker().clone();
        thread::spawn(move || waker.wake());
        Poll::Ready(())
    })
    .await;
}

/// The message comes to a runtime that has ended; if it stays there, the task keeps the runtime and the runtime the task.
#[test]
fn root_woken_in_the_last_poll() {
    Model::new("bias::root_woken_in_the_last_poll").bound(2).check(|| {
        let house = House::new(1);
        house.call(woken_in_the_last_poll());
        house.close();
        house.stop();
    });
}

/// As before, of a task.
#[test]
fn task_woken_in_the_last_poll() {
    Model::new("bias::task_woken_in_the_last_poll").bound(2).check(|| {
        let house = House::new(1);
        house.call(async { drop(spawn(woken_in_the_last_poll())) });
        house.close();
        house.stop();
    });
}

/// As before, and whoever ends the runtime does not wait for the thread that sits in it.
#[test]
fn runtime_ends_before_its_caller_leaves() {
    Model::new("bias::runtime_ends_before_its_caller_leaves").bound(2).check(|| {
        let house = House::new(1);
        let caller = open(&house, |house| house.call(woken_in_the_last_poll()));
        house.stop();
        caller.join().unwrap();
    });
}

/// A runtime ends while somebody wakes a task that waits: it is dropped, wherever the message is.
#[test]
fn task_woken_while_the_runtime_ends() {
    Model::new("bias::task_woken_while_the_runtime_ends").bound(2).check(|| {
        let house = House::new(1);
        let (cup, drops) = (Cup::default(), Drops::default());
        let (own, tracked) = (cup.clone(), drops.track());
        let task = async move {
            let _tracked = tracked;
            own.fill().await;
            pending::<()>().await;
        };
        house.call(async move {
            drop(spawn(task));
            pelmeni_core::coop::yield_now().await;
        });
        let waker = cup.take();
        let other = thread::spawn(move || waker.wake());
        house.stop();
        assert_eq!(drops.count(), 1);
        other.join().unwrap();
    });
}
