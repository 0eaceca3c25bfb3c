//! `timeout` and `timeout_at`: what is kept, what is stopped, and who is told.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use pelmeni::time::Elapsed;
use pelmeni::{catch_cancel, sleep, sleep_until, spawn, timeout, timeout_at, yield_now};

use crate::kitchen::{AGES, Count, counting, each, on, one_turn};

const SOON: Duration = Duration::from_millis(5);

#[test]
fn a_value_in_time_is_kept() {
    each(|runtime| {
        runtime.run(async {
            let soup = async {
                sleep(Duration::from_millis(1)).await;
                "soup"
            };
            assert_eq!(timeout(AGES, soup).await, Ok("soup"));
            assert_eq!(timeout_at(Instant::now() + AGES, ready(1)).await, Ok(1));
        });
    });
}

#[test]
fn never_early() {
    each(|runtime| {
        runtime.run(async {
            for millis in [1, 3, 10] {
                let start = Instant::now();
                let limit = Duration::from_millis(millis);
                assert!(timeout(limit, pending::<()>()).await.is_err());
                assert!(start.elapsed() >= limit);
                let deadline = Instant::now() + limit;
                assert!(timeout_at(deadline, sleep(AGES)).await.is_err());
                assert!(Instant::now() >= deadline);
            }
        });
    });
}

// regress: asyncio test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started
#[test]
fn zero_stops_at_the_first_wait() {
    each(|runtime| {
        runtime.run(async {
            assert_eq!(timeout(Duration::ZERO, async { 5 }).await, Ok(5));
            assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
            assert!(timeout(Duration::ZERO, sleep(Duration::ZERO)).await.is_err());
            assert!(timeout(Duration::ZERO, yield_now()).await.is_err());
            let past = Instant::now() - SOON;
            assert_eq!(timeout_at(past, async { 5 }).await, Ok(5));
            assert!(timeout_at(past, pending::<()>()).await.is_err());
        });
    });
}

#[test]
fn a_value_that_is_ready_in_the_poll_that_finds_the_time_over_is_kept() {
    on(1, |runtime| {
        runtime.run(async {
            let deadline = Instant::now() + 20 * SOON;
            // Busy until long after the deadline, and ready in the very poll after that.
            let busy = async {
                one_turn().await;
                while Instant::now() < deadline + SOON {
                    std::hint::spin_loop();
                }
                one_turn().await;
                5
            };
            assert_eq!(timeout_at(deadline, busy).await, Ok(5));
        });
    });
}

// regress: asyncio test_nested_timeouts_loop_busy
#[test]
fn nested_ones_elapse_where_they_are_over() {
    each(|runtime| {
        runtime.run(async {
            // The inner one is over first: the outer one does not notice.
            let inner = timeout(AGES, timeout(SOON, sleep(AGES))).await;
            assert_eq!(inner, Ok(Err(elapsed().await)));
            // The outer one is over first: the inner one is stopped like anything else.
            let outer = timeout(SOON, timeout(AGES, sleep(AGES))).await;
            assert!(outer.is_err());
            // Both are over when the poll comes.
            let both = timeout(SOON, async {
                let inner = timeout(SOON, async {
                    one_turn().await;
                    std::thread::sleep(2 * SOON);
                    sleep(AGES).await;
                })
                .await;
                assert!(inner.is_err());
                sleep(AGES).await;
            });
            assert!(both.await.is_err());
            sleep(Duration::from_millis(1)).await;
        });
    });
}

async fn elapsed() -> Elapsed {
    timeout(Duration::ZERO, pending::<()>()).await.unwrap_err()
}

#[test]
fn deeply_nested() {
    each(|runtime| {
        runtime.run(async {
            let mut layers: std::pin::Pin<Box<dyn Future<Output = usize> + Send>> =
                Box::pin(async {
                    sleep(AGES).await;
                    0
                });
            for layer in 0..50_usize {
                let inside = layers;
                let limit = if layer == 20 { SOON } else { AGES };
                layers = Box::pin(async move {
                    match timeout(limit, inside).await {
                        Ok(stopped) => stopped,
                        Err(_) => layer,
                    }
                });
            }
            assert_eq!(layers.await, 20);
        });
    });
}

#[test]
fn one_after_the_other_leaves_nothing_behind() {
    each(|runtime| {
        runtime.run(async {
            for _ in 0..200 {
                assert!(timeout(Duration::from_micros(50), sleep(AGES)).await.is_err());
                assert!(timeout(AGES, sleep(Duration::from_micros(50))).await.is_ok());
            }
            assert!(catch_cancel(sleep(Duration::from_millis(1))).await.is_ok());
        });
    });
}

#[test]
fn the_time_counts_from_the_first_wait() {
    each(|runtime| {
        runtime.run(async {
            let late = timeout(40 * SOON, async { sleep(Duration::from_millis(1)).await });
            sleep(50 * SOON).await;
            assert!(late.await.is_ok());
        });
    });
}

#[test]
fn a_timeout_that_is_dropped_drops_what_is_inside() {
    each(|runtime| {
        let dropped = Count::new();
        let witness = dropped.on_drop();
        runtime.run(async {
            let inside = async move {
                let _witness = witness;
                sleep(AGES).await;
            };
            let mut limited = Box::pin(timeout(AGES, inside));
            assert!(futures::poll!(limited.as_mut()).is_pending());
            drop(limited);
        });
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_panic_inside_goes_through() {
    each(|runtime| {
        let error = runtime.run(async {
            let burn = async {
                yield_now().await;
                panic!("burnt");
            };
            let inside = async { timeout(AGES, burn).await };
            spawn(inside).await.unwrap_err()
        });
        assert!(error.is_panic());
        // No request of the timeout's is left in the thread that polled it.
        runtime.run(async { sleep(Duration::from_millis(1)).await });
    });
}

#[test]
fn a_panic_inside_a_timeout_that_is_stopping_leaves_no_request_behind() {
    each(|runtime| {
        let error = runtime.run(async {
            let inside = async {
                let burn = std::future::poll_fn(|cx| match pelmeni::task::poll_proceed(cx) {
                    std::task::Poll::Ready(()) => std::task::Poll::Pending,
                    std::task::Poll::Pending => panic!("burnt on the way out"),
                });
                let caught = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(
                    timeout(SOON, async {
                        let () = burn.await;
                    }),
                ))
                .await;
                assert!(caught.is_err());
                sleep(Duration::from_millis(1)).await;
                "went on"
            };
            spawn(inside).await
        });
        assert_eq!(error.unwrap(), "went on");
    });
}

// regress: tokio#4157
#[test]
fn what_is_inside_is_polled_no_more_than_needed() {
    on(1, |runtime| {
        let polls = Count::new();
        runtime.run(async {
            let inside = counting(polls.clone(), sleep_until(Instant::now() + 20 * SOON));
            assert!(timeout(AGES, inside).await.is_ok());
            assert_eq!(polls.get(), 2);
            let inside = counting(polls.clone(), sleep(AGES));
            assert!(timeout(SOON, inside).await.is_err());
            assert_eq!(polls.get(), 4);
        });
    });
}
