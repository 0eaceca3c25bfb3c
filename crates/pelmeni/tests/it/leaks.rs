//! Nothing is left: no descriptor, no thread, no memory.

use std::fs;
use std::thread;
use std::time::Duration;

use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::{Builder, sleep, spawn, spawn_blocking, spawn_local};

use crate::kitchen::{AGES, alone_and_well, event, telling};

/// How many descriptors and threads this process has now.
fn counts() -> (usize, usize) {
    let count = |path: &str| fs::read_dir(path).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// Threads are gone from that list a moment after they have said so.
fn come_to_rest_at(expected: (usize, usize)) {
    for _ in 0..2000 {
        if counts() == expected {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(counts(), expected, "descriptors, threads");
}

/// The memory that this process uses, in bytes. `smaps_rollup` walks the tables of pages; other counters lag behind.
fn memory() -> usize {
    let text = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let rss = text.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    rss.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

/// Runs something often, and sees to it that the memory stays flat from a tenth of it on.
fn stays_flat(times: usize, round: impl Fn()) {
    (0..times / 10).for_each(|_| round());
    let before = memory();
    (0..times).for_each(|_| round());
    let more = memory().saturating_sub(before);
    assert!(more < 1024 * 1024, "{more} bytes more after {times} times");
}

/// A runtime that has done a bit of everything.
fn use_a_runtime(threads: usize) {
    let runtime = Builder::new().threads(threads).build().unwrap();
    runtime.run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            drop(spawn(async move { stream.read(&mut byte).await })); // waits still at the end
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[1]).await.unwrap();
        server.await.unwrap();
        spawn_blocking(|| ()).await.unwrap();
        let waits = event();
        drop(spawn(telling(waits.clone(), sleep(AGES))));
        drop(spawn_local(sleep(AGES)));
        waits.wait().await;
    });
    let report = runtime.close();
    assert!(report.is_clean(), "{report}");
}

// regress: tokio#3564, tokio#3477
#[test]
fn two_hundred_runtimes_leave_nothing_behind() {
    alone_and_well(&[], || {
        let before = counts();
        for threads in [1, 2, 8] {
            stays_flat(200, || use_a_runtime(threads));
            come_to_rest_at(before);
        }
    });
}

/// In builds with debug assertions there are fewer, for the time that they take; `make stress` runs the others.
#[test]
fn ten_thousand_runtimes_leave_nothing_behind() {
    const RUNTIMES: usize = if cfg!(debug_assertions) { 2_000 } else { 10_000 };
    alone_and_well(&[], || {
        let before = counts();
        for threads in [1, 2] {
            stays_flat(RUNTIMES, || {
                let runtime = Builder::new().threads(threads).build().unwrap();
                runtime.run(async { drop(spawn(async {})) });
                assert!(runtime.close().is_clean());
            });
            come_to_rest_at(before);
        }
    });
}

#[test]
fn a_runtime_that_cannot_be_made_leaves_nothing_behind() {
    alone_and_well(&[("RUST_MIN_STACK", "70368744177664")], || {
        let before = counts();
        drop(Builder::new().threads(1).build().unwrap());
        for _ in 0..50 {
            assert!(Builder::new().threads(4).build().is_err());
        }
        come_to_rest_at(before);
    });
}

// regress: tokio#4063
#[test]
fn tasks_leave_no_memory_behind() {
    alone_and_well(&[], || {
        for threads in [1, 2] {
            let runtime = Builder::new().threads(threads).build().unwrap();
            stays_flat(100, || {
                runtime.run(async {
                    for _ in 0..100 {
                        let tasks: Vec<_> = (0..100_u64)
                            .map(|i| {
                                spawn(async move {
                                    let ballast = [i; 32];
                                    pelmeni::yield_now().await;
                                    ballast[7]
                                })
                            })
                            .collect();
                        for (i, task) in tasks.into_iter().enumerate() {
                            match i % 4 {
                                0 => drop(task.await),
                                1 => drop(task),
                                2 => task.abort(),
                                _ => drop(task.cancel()),
                            }
                        }
                    }
                    while runtime.stats().tasks > 1 {
                        pelmeni::yield_now().await;
                    }
                });
            });
            assert!(runtime.close().is_clean());
        }
    });
}

/// Tasks that one thread makes and another ends, while threads come and go: what a thread keeps for its next task must not
/// go with it. And bursts, of which each must find what the one before took.
#[test]
fn memory_of_tasks_is_used_again() {
    alone_and_well(&[], || {
        let runtime = Builder::new().threads(2).build().unwrap();
        stays_flat(500, || {
            let handle = runtime.handle().clone();
            let spawner = thread::spawn(move || {
                (0..1000).map(|_| handle.spawn(async {})).for_each(drop);
            });
            spawner.join().unwrap();
            runtime.run(async {
                while runtime.stats().tasks > 1 {
                    pelmeni::yield_now().await;
                }
            });
        });
        stays_flat(100, || {
            runtime.run(async {
                let burst: Vec<_> = (0..10_000).map(|_| spawn(sleep(AGES))).collect();
                burst.iter().for_each(|task| task.abort());
                while runtime.stats().tasks > 1 {
                    pelmeni::yield_now().await;
                }
            });
        });
        assert!(runtime.close().is_clean());
    });
}

#[test]
fn descriptors_are_not_inherited() {
    // regress: tokio#3809
    alone_and_well(&[], || {
        let runtime = Builder::new().threads(2).build().unwrap();
        runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (other, _) = listener.accept().await.unwrap();
            let child =
                std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
            let text = String::from_utf8(child.stdout).unwrap();
            assert!(text.contains("->"), "{text}");
            for kind in ["socket", "eventpoll", "eventfd", "timerfd"] {
                assert!(!text.contains(kind), "{text}");
            }
            drop((listener, stream, other));
        });
    });
}
