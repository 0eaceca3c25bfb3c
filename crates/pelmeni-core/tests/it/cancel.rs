//! Requests to cancel: who takes them, who passes them on, and that none is lost or counted twice.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use pelmeni_core::JoinError;
use pelmeni_core::cancel::{Held, Scope, Stopped, catch_cancel, with_cleanup};
use pelmeni_core::coop::poll_proceed;

use crate::bench::{Bench, Count, Door, explode, result};
use crate::clock::{Elapsed, now, run, sleep, timeout};

/// When the clean-ups have ended.
#[derive(Debug, Clone, Default)]
struct Cleaned(Arc<Mutex<Vec<u64>>>);

impl Cleaned {
    /// A clean-up that takes so many ticks.
    async fn after(self, ticks: u64) {
        sleep(ticks).await;
        self.0.lock().unwrap().push(now());
    }

    fn times(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

#[track_caller]
fn assert_cancelled<T: std::fmt::Debug>(joined: Result<T, JoinError>) {
    assert!(joined.unwrap_err().is_cancelled());
}

#[test]
fn nobody_takes_it_and_the_task_ends() {
    assert_cancelled(run(sleep(10), &[5]));
}

#[test]
fn whoever_catches_it_goes_on() {
    let task = async {
        let cancelled = catch_cancel(sleep(10)).await.unwrap_err();
        assert_eq!((cancelled.requests(), cancelled.to_string().as_str()), (1, "cancelled"));
        sleep(3).await;
        now()
    };
    assert_eq!(run(task, &[5]).unwrap(), 8);
}

#[test]
fn clean_up_may_wait_and_then_the_task_ends() {
    let cleaned = Cleaned::default();
    let after = cleaned.clone();
    assert_cancelled(run(with_cleanup(sleep(10), || after.after(2)), &[5]));
    assert_eq!(cleaned.times(), [7]);
}

#[test]
fn clean_up_runs_without_a_request_too() {
    let cleaned = Cleaned::default();
    let after = cleaned.clone();
    run(with_cleanup(sleep(10), || after.after(2)), &[]).unwrap();
    assert_eq!(cleaned.times(), [12]);
}

#[test]
fn timeout_drops_what_has_no_boundary() {
    let joined = run(async { (timeout(4, sleep(10)).await, now()) }, &[]);
    assert_eq!(joined.unwrap(), (Err(Elapsed), 4));
}

#[test]
fn timeout_waits_for_what_cleans_up() {
    let task = async {
        let ended = timeout(4, with_cleanup(sleep(10), || sleep(3))).await;
        (ended, now())
    };
    assert_eq!(run(task, &[]).unwrap(), (Err(Elapsed), 7));
}

#[test]
fn outer_cancel_passes_through_a_timeout() {
    assert_cancelled(run(timeout(50, sleep(40)), &[5]));
}

#[test]
fn timeout_and_cancel_in_one_tick_take_one_each() {
    let cleaned = Cleaned::default();
    let after = cleaned.clone();
    let task = async move {
        let ended = timeout(5, with_cleanup(sleep(40), || after.clone().after(1))).await;
        assert_eq!(ended, Err(Elapsed));
        after.clone().after(0).await;
        unreachable!("the request travels with this very poll, and stops the next wait");
    };
    assert_cancelled::<()>(run(task, &[5]));
    assert_eq!(cleaned.times(), [6]);
}

#[test]
fn outer_cancel_interrupts_a_timeouts_clean_up() {
    let cleaned = Cleaned::default();
    let after = cleaned.clone();
    let task = async {
        timeout(5, with_cleanup(sleep(40), || after.after(9))).await.ok();
        sleep(1).await;
    };
    assert_cancelled(run(task, &[7]));
    assert!(cleaned.times().is_empty());
}

#[test]
fn nested_timeouts_of_one_deadline_end_once_each() {
    let task = async {
        let inner = async {
            let ended = timeout(5, sleep(40)).await;
            sleep(1).await;
            ended
        };
        timeout(5, inner).await
    };
    assert_eq!(run(task, &[]).unwrap(), Err(Elapsed));
}

#[test]
fn each_request_is_taken_once() {
    let caught = Count::default();
    let task = {
        let caught = caught.clone();
        async move {
            for _ in 0..2 {
                catch_cancel(sleep(100)).await.unwrap_err();
                caught.add();
            }
            sleep(100).await;
        }
    };
    assert_cancelled(run(task, &[3, 5, 9]));
    assert_eq!(caught.get(), 2);
}

#[test]
fn requests_of_one_tick_are_taken_together() {
    let task = async { catch_cancel(sleep(9)).await.unwrap_err().requests() };
    assert_eq!(run(task, &[3, 3, 3]).unwrap(), 3);
}

#[test]
fn innermost_boundary_takes_it() {
    let task = catch_cancel(async {
        catch_cancel(sleep(9)).await.unwrap_err();
        7
    });
    assert_eq!(run(task, &[3]).unwrap(), Ok(7));
}

#[test]
fn value_that_is_ready_is_kept_and_the_request_goes_on() {
    let reached = Count::default();
    let task = {
        let reached = reached.clone();
        async move {
            assert_eq!(catch_cancel(async { 5 }).await, Ok(5));
            reached.add();
            sleep(9).await;
        }
    };
    assert_cancelled(run(task, &[0]));
    assert_eq!(reached.get(), 1);
}

#[test]
fn code_that_takes_a_timeouts_request_is_told_at_its_end() {
    let task = async {
        let inside = async {
            catch_cancel(sleep(40)).await.unwrap_err();
            sleep(3).await;
            9
        };
        (timeout(5, inside).await, now())
    };
    assert_eq!(run(task, &[]).unwrap(), (Err(Elapsed), 8));
}

#[test]
fn timeout_that_cuts_off_a_clean_up_does_not_lose_what_it_held() {
    let task = async {
        timeout(6, with_cleanup(sleep(40), || sleep(9))).await.ok();
        sleep(1).await;
    };
    assert_cancelled(run(task, &[4]));
}

#[test]
fn requests_on_hold_are_passed_on_later() {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let task = {
        let steps = steps.clone();
        async move {
            let held = catch_cancel(sleep(40)).await.unwrap_err().hold();
            sleep(2).await;
            steps.lock().unwrap().push(now());
            match held.pass_on().await {}
        }
    };
    assert_cancelled::<()>(run(task, &[4, 4]));
    assert_eq!(*steps.lock().unwrap(), [6]);
}

#[test]
fn cancelled_passes_itself_on() {
    let task = async {
        let inner = async {
            match catch_cancel(sleep(40)).await {
                Ok(()) => unreachable!("nobody sleeps so long"),
                Err(cancelled) => match cancelled.pass_on().await {},
            }
        };
        catch_cancel::<_>(inner).await.map(|(): ()| ()).unwrap_err().requests()
    };
    assert_eq!(run(task, &[4, 4]).unwrap(), 2);
}

#[test]
fn requests_taken_by_hand_can_be_handed_back() {
    assert!(Held::take().is_none(), "nothing travels outside a poll");
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move {
            let mut held = None;
            let mut pass = pin!(door.pass());
            poll_fn(|cx| {
                held = held.take().or_else(Held::take);
                pass.as_mut().poll(cx)
            })
            .await;
            drop(held);
            pending::<()>().await;
        }
    });
    assert!(handle.cancel());
    assert_eq!((bench.run(), handle.is_finished()), (1, false), "the future holds the request");
    door.open();
    bench.run();
    assert_cancelled(result(handle));
}

#[test]
fn cancel_before_the_first_poll_is_delivered_with_it() {
    let bench = Bench::new();
    let started = Count::default();
    let (runnable, handle) = bench.make({
        let started = started.clone();
        async move {
            started.add();
            catch_cancel(pending::<()>()).await.unwrap_err().requests()
        }
    });
    assert!(handle.cancel() && handle.cancel());
    assert_eq!(handle.cancelling(), 2);
    runnable.run();
    assert_eq!((started.get(), handle.cancelling()), (1, 0));
    assert_eq!(result(handle).unwrap(), 2);
}

#[test]
fn uncancel_takes_back_what_was_not_found() {
    let bench = Bench::new();
    let door = Door::new();
    let handle = bench.start({
        let door = door.clone();
        async move { door.pass().await }
    });
    assert!(!handle.uncancel());
    assert!(handle.cancel());
    assert!(handle.uncancel());
    assert!(!handle.uncancel());
    assert_eq!((bench.run(), door.polls.get()), (1, 2), "the wake stays");
    door.open();
    bench.run();
    result(handle).unwrap();
}

#[test]
fn leaf_is_pending_while_a_request_travels() {
    let bench = Bench::new();
    let seen = Count::default();
    let (runnable, handle) = bench.make({
        let seen = seen.clone();
        poll_fn(move |cx| {
            if poll_proceed(cx).is_pending() {
                seen.add();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
    });
    handle.cancel();
    runnable.run();
    assert_eq!(seen.get(), 1);
    assert_cancelled(result(handle));
}

#[test]
fn task_that_ends_in_the_poll_that_brings_a_request_is_cancelled() {
    let bench = Bench::new();
    let outputs = Count::default();
    let output = outputs.live();
    let (runnable, handle) = bench.make(async move { output });
    handle.cancel();
    runnable.run();
    assert_eq!(outputs.get(), 0, "nobody will get the output");
    assert_cancelled(result(handle));
}

#[test]
fn scope_whose_inside_panics_keeps_its_request_to_itself() {
    let task = async {
        let broken = async {
            let mut scope = pin!(Scope::new(poll_fn(|_| -> Poll<()> { explode("inside") })));
            poll_fn(move |cx| {
                let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let _ = scope.as_mut().poll(cx, true);
                }));
                assert!(unwound.is_err());
                Poll::Ready(())
            })
            .await;
        };
        assert_eq!(catch_cancel(broken).await, Ok(()));
        sleep(2).await;
        now()
    };
    assert_eq!(run(task, &[]).unwrap(), 2);
}

#[test]
fn scope_that_is_stopped_says_so() {
    let task = async {
        let mut scope = pin!(Scope::new(sleep(9)));
        assert!(!scope.is_stopping());
        let ended = poll_fn(|cx| scope.as_mut().poll(cx, true)).await;
        (ended, scope.is_stopping())
    };
    assert_eq!(run(task, &[]).unwrap(), (Err(Stopped), true));
}

#[test]
fn drop_of_a_cancelled_inside_may_hand_requests_back() {
    // The clean-up holds one request while another one comes: the boundary outside gets both.
    let task = async {
        let inner = with_cleanup(sleep(40), || sleep(9));
        catch_cancel(inner).await.unwrap_err().requests()
    };
    assert_eq!(run(task, &[4, 6]).unwrap(), 2);
}
