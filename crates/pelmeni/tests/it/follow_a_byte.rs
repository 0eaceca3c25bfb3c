//! A byte that comes from the kernel to the task that waits for it: one wake, one schedule, one poll, and no more.
//!
//! The task reads byte after byte, each of which is sent when the one before has been read; so whatever is done twice for
//! a byte shows in the sums. A poll of the task is seen by a future around the read; a wake by the waker that this future
//! hands in; a schedule by the worker, which counts the tasks that it takes out of its queues.

use std::future::poll_fn;
use std::io::Write;
use std::net::{self, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread;

use pelmeni::net::TcpListener;
use pelmeni::{Runtime, spawn};

use crate::kitchen::{Count, each};

const BYTES: usize = 500;

/// Counts the wakes that it passes on.
struct Counted {
    wakes: Count,
    task: Waker,
}

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.wakes.add();
        self.task.wake_by_ref();
    }
}

/// Polls a future with a waker that counts, and tells whenever it is pending.
async fn with_counts<F: Future>(counts: Counts, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut waker: Option<Waker> = None;
    poll_fn(move |cx| {
        counts.polls.add();
        // One for the whole time, as a task has one.
        let waker = waker.get_or_insert_with(|| {
            Waker::from(Arc::new(Counted { wakes: counts.wakes.clone(), task: cx.waker().clone() }))
        });
        let polled = future.as_mut().poll(&mut Context::from_waker(waker));
        counts.pending.add();
        polled
    })
    .await
}

#[derive(Clone, Default)]
struct Counts {
    polls: Count,
    wakes: Count,
    pending: Count,
}

impl Counts {
    /// Polls, wakes, schedules.
    fn now(&self, runtime: &Runtime) -> [usize; 3] {
        let schedules: u64 = runtime.stats().workers.iter().map(|worker| worker.polls).sum();
        [self.polls.get(), self.wakes.get(), schedules as usize]
    }
}

/// Sends the bytes, each when the task waits for it, and gives what was counted meanwhile.
fn send(runtime: &Runtime, counts: &Counts, address: SocketAddr) -> [usize; 3] {
    let mut stream = net::TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    // It waits after its second try.
    counts.pending.block_until(2);
    // The first one goes the whole way too, but does not count.
    stream.write_all(&[0]).unwrap();
    counts.pending.block_until(3);
    let before = counts.now(runtime);
    for i in 1..=BYTES {
        stream.write_all(&[0]).unwrap();
        counts.pending.block_until(3 + i);
    }
    let after = counts.now(runtime);
    std::array::from_fn(|i| after[i] - before[i])
}

#[test]
fn one_wake_one_schedule_one_poll() {
    each(|runtime| {
        let counts = &Counts::default();
        thread::scope(|scope| {
            runtime.run(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let sender = scope.spawn(move || send(runtime, counts, address));
                let (mut stream, _) = listener.accept().await.unwrap();
                let reader = spawn(with_counts(counts.clone(), async move {
                    let mut bytes = [0; 16];
                    let mut heard = 0;
                    while let read @ 1.. = stream.read(&mut bytes).await.unwrap() {
                        heard += read;
                    }
                    heard
                }));
                assert_eq!(reader.await.unwrap(), BYTES + 1);
                assert_eq!(sender.join().unwrap(), [BYTES; 3], "polls, wakes, schedules");
            });
        });
    });
}
