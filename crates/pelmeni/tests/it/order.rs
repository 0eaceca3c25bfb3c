//! The order of one thread, which is asyncio's: first in, first out.

use std::time::{Duration, Instant};

use pelmeni::{Handle, gather, sleep, sleep_until, spawn, yield_now};

use crate::kitchen::{Diary, on};

/// The first program of many who learn asyncio: ten letters leave before the first one arrives.
#[test]
fn ten_letters_leave_before_the_first_arrives() {
    on(1, |runtime| {
        let diary = Diary::new();
        let send_mail = |number: usize| {
            let diary = diary.clone();
            async move {
                diary.note(format!("letter {number} left"));
                sleep(Duration::from_millis(100)).await;
                diary.note(format!("letter {number} arrived"));
                number
            }
        };
        let sent = runtime.run(async { gather((0..10).map(send_mail).collect::<Vec<_>>()).await });
        assert_eq!(sent, (0..10).collect::<Vec<_>>());
        let left = (0..10).map(|number| format!("letter {number} left"));
        let arrived = (0..10).map(|number| format!("letter {number} arrived"));
        assert_eq!(diary.pages(), left.chain(arrived).collect::<Vec<_>>());
    });
}

#[test]
fn tasks_start_in_the_order_of_their_spawns() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let spawn_one = |i: usize| {
                let diary = diary.clone();
                spawn(async move { diary.note(i.to_string()) })
            };
            let handles: Vec<_> = (0..200).map(spawn_one).collect();
            assert!(diary.pages().is_empty(), "spawn runs nothing by itself");
            for handle in handles {
                handle.await.unwrap();
            }
        });
        assert_eq!(diary.pages(), (0..200).map(|i| i.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn yielding_tasks_take_turns() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let turns = |name: &'static str| {
                let diary = diary.clone();
                async move {
                    for turn in 0..50 {
                        diary.note(format!("{name}{turn}"));
                        yield_now().await;
                    }
                }
            };
            gather((turns("a"), turns("b"), turns("c"))).await;
        });
        let expected = (0..50).flat_map(|turn| ["a", "b", "c"].map(|name| format!("{name}{turn}")));
        assert_eq!(diary.pages(), expected.collect::<Vec<_>>());
    });
}

#[test]
fn a_woken_task_queues_behind_those_that_are_ready() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let (to, from) = pelmeni::sync::oneshot::channel::<()>();
            let notes = diary.clone();
            let receiver = spawn(async move {
                notes.note("waits");
                from.await.unwrap();
                notes.note("woken");
            });
            let notes = diary.clone();
            let sender = spawn(async move {
                to.send(()).unwrap();
                notes.note("sent");
            });
            let notes = diary.clone();
            let third = spawn(async move { notes.note("third") });
            gather((async { receiver.await.unwrap() }, async { sender.await.unwrap() })).await;
            third.await.unwrap();
        });
        assert_eq!(diary.pages(), ["waits", "sent", "third", "woken"]);
    });
}

#[test]
fn equal_deadlines_end_in_the_order_of_registration() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let deadline = Instant::now() + Duration::from_millis(20);
            let wait = |i: usize| {
                let diary = diary.clone();
                async move {
                    sleep_until(deadline).await;
                    diary.note(i.to_string());
                }
            };
            gather((0..100).map(wait).collect::<Vec<_>>()).await;
        });
        assert_eq!(diary.pages(), (0..100).map(|i| i.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn shorter_sleeps_end_first() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let start = Instant::now();
            let wait = |millis: u64| {
                let diary = diary.clone();
                async move {
                    sleep_until(start + Duration::from_millis(millis)).await;
                    diary.note(millis.to_string());
                }
            };
            gather([wait(150), wait(50), wait(200), wait(100), wait(0)]).await;
        });
        assert_eq!(diary.pages(), ["0", "50", "100", "150", "200"]);
    });
}

// regress: asyncio test__run_once_schedule_handle
#[test]
fn callbacks_run_in_the_order_of_the_calls_among_the_tasks() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let handle = Handle::current();
            for i in 0..3 {
                let (notes, again) = (diary.clone(), handle.clone());
                handle.call_soon(move || {
                    notes.note(format!("call {i}"));
                    // What is added in this turn runs in the next.
                    again.call_soon(move || notes.note(format!("again {i}")));
                });
                let notes = diary.clone();
                drop(spawn(async move { notes.note(format!("task {i}")) }));
            }
            yield_now().await;
            diary.note("root");
            yield_now().await;
        });
        assert_eq!(
            diary.pages(),
            [
                "call 0", "task 0", "call 1", "task 1", "call 2", "task 2", "root", "again 0",
                "again 1", "again 2"
            ]
        );
    });
}

#[test]
fn later_calls_come_when_they_are_due_and_can_be_taken_back() {
    on(1, |runtime| {
        let diary = Diary::new();
        runtime.run(async {
            let handle = Handle::current();
            let now = Instant::now();
            let call = |millis: u64| {
                let notes = diary.clone();
                handle.call_at(now + Duration::from_millis(millis), move || {
                    notes.note(millis.to_string());
                })
            };
            call(100);
            call(50);
            let never = call(75);
            assert!(!never.is_finished());
            never.cancel();
            let notes = diary.clone();
            handle.call_later(Duration::ZERO, move || notes.note("at once"));
            sleep_until(now + Duration::from_millis(125)).await;
            assert!(never.is_finished());
        });
        assert_eq!(diary.pages(), ["at once", "50", "100"]);
    });
}

#[test]
fn two_programs_make_the_same_trace() {
    let trace = || {
        let diary = Diary::new();
        on(1, |runtime| {
            runtime.run(async {
                let cook = |name: usize| {
                    let diary = diary.clone();
                    async move {
                        for step in 0..(name % 5 + 1) {
                            diary.note(format!("{name}.{step}"));
                            let inner = diary.clone();
                            let help = spawn(async move {
                                yield_now().await;
                                inner.note(format!("{name}.{step} help"));
                            });
                            if step % 2 == 0 {
                                help.await.unwrap();
                            } else {
                                yield_now().await;
                            }
                        }
                    }
                };
                gather((0..40).map(cook).collect::<Vec<_>>()).await;
            });
        });
        diary.pages()
    };
    assert_eq!(trace(), trace());
}
