//! All workers are stuck in polls that block: what waits goes on all the same, and afterwards nobody is too many.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::time::Duration;

use pelmeni::{Builder, Runtime, sleep, spawn, yield_now};

use crate::kitchen::{Count, on, watch};

/// Blocks every worker until `rescue` has run, which no worker has time for.
fn block_all(runtime: &Runtime, threads: usize, rescue: impl Future<Output = ()> + Send + 'static) {
    runtime.run(async {
        let rescued = Count::new();
        let (all_block, begin) = (Arc::new(Barrier::new(threads)), rescued.clone());
        let rescuer = spawn(async move {
            yield_now().await; // so that it waits somewhere when it is woken again
            rescue.await;
            begin.add();
        });
        let blockers: Vec<_> = (1..threads)
            .map(|_| {
                let (all_block, rescued) = (all_block.clone(), rescued.clone());
                spawn(async move {
                    all_block.wait();
                    rescued.block_until(1);
                })
            })
            .collect();
        all_block.wait();
        rescued.block_until(1);
        rescuer.await.unwrap();
        for blocker in blockers {
            blocker.await.unwrap();
        }
    });
}

#[test]
fn task_runs_a_whileall_workers_block() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            for _ in 0..5 {
                block_all(runtime, threads, async {});
            }
        });
    }
}

#[test]
fn timer_ends_a_whileall_workers_block() {
    for threads in [2, 8] {
        on(threads, |runtime| block_all(runtime, threads, sleep(Duration::from_millis(20))));
    }
}

#[test]
fn bytes_come_a_whileall_workers_block() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            let (mut one, mut other) = runtime.run(crate::tcp::pair());
            block_all(runtime, threads, async move {
                one.write_all(b"soup").await.unwrap();
                other.read_exact(&mut [0; 4]).await.unwrap();
                other.write_all(b"!").await.unwrap();
                one.read_exact(&mut [0]).await.unwrap();
            });
        });
    }
}

/// A worker that fires another one's timers may thereby wake a task that only it can run.
#[test]
fn root_waits_for_a_timer_of_a_worker_that_blocks() {
    for threads in [2, 8] {
        on(threads, |runtime| {
            for _ in 0..5 {
                let (armed, rescued) = (Count::new(), Count::new());
                let slot = Arc::new(Mutex::new(None));
                let blocker = {
                    let (armed, rescued, slot) = (armed.clone(), rescued.clone(), slot.clone());
                    runtime.handle().spawn(async move {
                        let mut timer = Box::pin(sleep(Duration::from_millis(20)));
                        let first = poll_fn(|cx| Poll::Ready(timer.as_mut().poll(cx))).await;
                        assert!(first.is_pending());
                        *slot.lock().unwrap() = Some(timer);
                        armed.add();
                        rescued.block_until(1);
                    })
                };
                armed.block_until(1);
                runtime.run(async {
                    let timer = slot.lock().unwrap().take().unwrap();
                    timer.await;
                    rescued.add();
                    blocker.await.unwrap();
                });
            }
        });
    }
}

/// What blocks may run on a spare, too: then the next one comes.
#[test]
fn spare_that_is_stuck_has_a_spare() {
    on(2, |runtime| {
        let rescued = Count::new();
        runtime.run(async {
            let blocked = Count::new();
            let blockers: Vec<_> = (0..3)
                .map(|_| {
                    let (blocked, rescued) = (blocked.clone(), rescued.clone());
                    spawn(async move {
                        blocked.add();
                        rescued.block_until(1);
                    })
                })
                .collect();
            // Ours is the fourth thread, besides the other worker's and two spares'.
            blocked.block_until(2);
            rescued.add();
            for blocker in blockers {
                blocker.await.unwrap();
            }
        });
    });
}

#[test]
#[cfg(target_os = "linux")]
fn spares_go_when_the_workers_are_back() {
    let _watched = watch("spares_go_when_the_workers_are_back");
    let runtime = Builder::new().threads(2).name("ladle").build().unwrap();
    block_all(&runtime, 2, async {});
    // Without work, and with.
    while threads_named("ladle-spare") > 0 {
        runtime.run(yield_now());
    }
    assert!(runtime.close().is_clean());
}

/// Once everybody sleeps, so does the monitor: there is a while in which no thread of the runtime wakes up. It lasts 300 ms, or
/// as many seconds as the environment says in `IDLE_SECONDS`.
#[test]
#[cfg(target_os = "linux")]
fn idle_runtime_does_not_wake_up() {
    let _watched = watch("idle_runtime_does_not_wake_up");
    let runtime = Builder::new().threads(8).name("lid").build().unwrap();
    runtime.run(async {
        for task in (0..100).map(|_| spawn(yield_now())).collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    let seconds = std::env::var("IDLE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let a_while = seconds.map_or(Duration::from_millis(300), Duration::from_secs);
    let mut before = Vec::new();
    loop {
        let now = switches_of("lid-");
        // Eight workers, seven of them with a thread of its own, the substitute, and the monitor; a thread gets its name
        // after it has begun.
        if now.len() == 9 && before == now {
            break;
        }
        before = now;
        std::thread::sleep(a_while);
    }
    assert!(runtime.close().is_clean());
}

/// The kernel keeps fifteen letters of a thread's name.
#[cfg(target_os = "linux")]
fn threads_named(prefix: &str) -> usize {
    tasks().filter(|(name, _)| name.starts_with(prefix)).count()
}

/// How often threads with such names have given up their core by themselves.
#[cfg(target_os = "linux")]
fn switches_of(prefix: &str) -> Vec<u64> {
    let of = |(name, status): (String, String)| {
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        name.starts_with(prefix).then(|| line.split_whitespace().last()?.parse::<u64>().ok())?
    };
    tasks().filter_map(of).collect()
}

/// The name and the status of each thread of this process.
#[cfg(target_os = "linux")]
fn tasks() -> impl Iterator<Item = (String, String)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread may end while we look.
    let of = |path: std::path::PathBuf| {
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        Some((name, std::fs::read_to_string(path.join("status")).ok()?))
    };
    tasks.filter_map(move |entry| of(entry.ok()?.path()))
}
