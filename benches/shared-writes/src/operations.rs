//! What is counted: the operations that a program is made of, each as a loop on one worker.
//!
//! The loop is a task that stays on its worker, and yields at no cost (see `Course::meet`); what it measures is done by
//! tasks that may run anywhere, but stay because no worker is idle. The few things that surround a loop, like the end of
//! the task that it runs in, are counted with it, and are less than a hundredth of an operation.
//!
//! Tokio's figures are not measured but read in the sources of tokio 1.53.1 (`runtime/task`, `runtime/scheduler/multi_thread`,
//! `runtime/time`, `runtime/io`): the read-modify-writes on the usual way, without contention, and those among them on lines
//! that all workers share. A sum is that of a read and of a sleep of the worker. A dash: not counted there.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::{JoinHandle, sleep, spawn, spawn_local, yield_now};
use pelmeni_core::count::{Tally, begin, end};

use crate::course::{Course, Run};

/// Something that a program does over and over.
pub struct Operation {
    /// What one is.
    pub name: &'static str,
    /// What tokio does for it: read-modify-writes, writes to shared lines.
    pub tokio: [&'static str; 2],
    /// Its tasks stay on their workers; those that wait for the kernel are woken by whichever worker takes the event.
    pub(crate) stay: bool,
    pub(crate) run: Run,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Operation").field(&self.name).finish()
    }
}

/// A task is started.
pub const SPAWN: Operation = Operation {
    name: "spawn",
    tokio: ["7", "5"],
    stay: true,
    run: |_, times| Box::pin(spawns(times)),
};

/// A task that has yielded is polled again.
pub const YIELD: Operation = Operation {
    name: "yield to poll",
    tokio: ["-", "-"],
    stay: true,
    run: |_, times| Box::pin(on_a_task(yields(times))),
};

/// One task wakes another on its worker, and waits until that wakes it.
pub const WAKE: Operation = Operation {
    name: "wake to poll, same worker",
    tokio: ["6", "-"],
    stay: true,
    run: |_, times| Box::pin(wakes(times)),
};

/// The whole life of a task that nobody joins.
pub const DETACHED: Operation = Operation {
    name: "spawn, poll, end; detached",
    tokio: ["-", "-"],
    stay: true,
    run: |_, times| Box::pin(detached(times)),
};

/// The whole life of a task that another one awaits.
pub const JOIN: Operation = Operation {
    name: "spawn, await, end",
    tokio: ["20-22", "7-8"],
    stay: true,
    run: |_, times| Box::pin(on_a_task(joins(times))),
};

/// A timer that ends before its time.
pub const TIMER: Operation = Operation {
    name: "timer: set, dropped",
    tokio: ["15", "8"],
    stay: true,
    run: |_, times| Box::pin(timers(times)),
};

/// A timer that waits is polled once more, as is that of a timeout whenever its future is.
pub const AGAIN: Operation = Operation {
    name: "timer: polled again",
    tokio: ["4", "-"],
    stay: true,
    run: |_, times| Box::pin(on_a_task(polls_of_a_timer(times))),
};

/// A timer that fires, with the wake and the poll that follow.
pub const SLEEP: Operation = Operation {
    name: "timer: set, fires, wakes",
    tokio: ["15", "8"],
    stay: true,
    run: |_, times| Box::pin(sleeps(times)),
};

/// A read that has to wait: event, wake, poll, read; and the write that the other end answers with. The worker is awake.
pub const READ: Operation = Operation {
    name: "socket read, worker awake",
    tokio: ["12", "-"],
    stay: false,
    run: |course, times| Box::pin(reads(course, times, PAIRS, true)),
};

/// A read for which the worker goes to sleep.
pub const ASLEEP: Operation = Operation {
    name: "socket read, worker asleep",
    tokio: ["12+18", "-"],
    stay: false,
    run: |course, times| Box::pin(reads(course, times, 1, false)),
};

/// Those that are counted on any number of workers.
pub const ALL: [&Operation; 9] =
    [&SPAWN, &YIELD, &WAKE, &DETACHED, &JOIN, &TIMER, &AGAIN, &SLEEP, &READ];

/// As many tasks as the next slot and the smallest deque hold.
const TASKS: usize = 60;
const PAIRS: usize = 16;

async fn spawns(times: usize) -> Option<Tally> {
    let mut tally = Tally::default();
    let mut handles = Vec::with_capacity(TASKS);
    for from in (0..times).step_by(TASKS) {
        begin();
        handles.extend((from..times.min(from + TASKS)).map(|_| spawn(async {})));
        tally += end()?;
        for handle in handles.drain(..) {
            join(handle).await;
        }
    }
    Some(tally)
}

async fn detached(times: usize) -> Option<Tally> {
    begin();
    for from in (0..times).step_by(TASKS) {
        (from..times.min(from + TASKS)).for_each(|_| drop(spawn(async {})));
        // The last of them has been queued last, but a new task goes before all others.
        join(spawn_local(yield_now())).await;
        for _ in 0..2 * TASKS {
            yield_now().await;
        }
    }
    end()
}

/// Runs what counts on a task that may run anywhere.
async fn on_a_task(counted: impl Future<Output = Option<Tally>> + Send + 'static) -> Option<Tally> {
    join(spawn(counted)).await
}

async fn yields(times: usize) -> Option<Tally> {
    begin();
    for _ in 0..times {
        yield_now().await;
    }
    end()
}

async fn joins(times: usize) -> Option<Tally> {
    begin();
    for _ in 0..times {
        join(spawn(async {})).await;
    }
    end()
}

/// A ball between two players. The lock is std's and is not counted.
#[derive(Debug, Default)]
struct Ball {
    hits: usize,
    waits: Option<Waker>,
}

async fn wakes(times: usize) -> Option<Tally> {
    let ball = Arc::new(Mutex::new(Ball::default()));
    let other = spawn(play(ball.clone(), 1, times));
    let first = on_a_task(async move {
        begin();
        play(ball, 0, times).await;
        end()
    });
    let tally = first.await;
    join(other).await;
    tally
}

async fn play(ball: Arc<Mutex<Ball>>, player: usize, times: usize) {
    loop {
        let hits =
            poll_fn(|cx| poll_ball(&mut ball.lock().expect("nobody panicked"), player, times, cx));
        let hits = hits.await;
        let waits = {
            let mut ball = ball.lock().expect("nobody panicked");
            ball.hits = hits + 1;
            ball.waits.take()
        };
        waits.into_iter().for_each(Waker::wake);
        if hits + 1 >= times {
            return;
        }
    }
}

fn poll_ball(ball: &mut Ball, player: usize, times: usize, cx: &Context<'_>) -> Poll<usize> {
    if ball.hits >= times || ball.hits % 2 == player {
        return Poll::Ready(ball.hits);
    }
    ball.waits = Some(cx.waker().clone());
    Poll::Pending
}

async fn timers(times: usize) -> Option<Tally> {
    poll_fn(|cx| {
        begin();
        for _ in 0..times {
            let timer = pin!(sleep(Duration::from_secs(1)));
            assert!(timer.poll(cx).is_pending(), "a second is long");
        }
        Poll::Ready(end())
    })
    .await
}

async fn polls_of_a_timer(times: usize) -> Option<Tally> {
    let mut timer = pin!(sleep(Duration::from_secs(1)));
    poll_fn(|cx| {
        assert!(timer.as_mut().poll(cx).is_pending(), "a second is long");
        begin();
        for _ in 0..times {
            assert!(timer.as_mut().poll(cx).is_pending(), "a second is long");
        }
        Poll::Ready(end())
    })
    .await
}

async fn sleeps(times: usize) -> Option<Tally> {
    let awake = Awake::keep();
    begin();
    let sleepers: Vec<_> = (0..TASKS)
        .map(|_| {
            spawn(async move {
                for _ in 0..times / TASKS {
                    sleep(Duration::from_micros(200)).await;
                }
            })
        })
        .collect();
    for sleeper in sleepers {
        join(sleeper).await;
    }
    let tally = end();
    drop(awake);
    tally
}

/// Pairs of tasks send a byte to and fro. Both ends may be woken by either worker, since any of them takes the events; so
/// each counts until all have ended.
async fn reads(course: Arc<Course>, times: usize, pairs: usize, keep: bool) -> Option<Tally> {
    let awake = keep.then(Awake::keep);
    let mut ends = Vec::new();
    for _ in 0..pairs {
        ends.push(connection().await);
    }
    course.meet().await;
    begin();
    let trips = times / pairs / 2;
    let tasks: Vec<_> = ends
        .into_iter()
        .flat_map(|(here, there)| [spawn(send_first(here, trips)), spawn(answer(there, trips))])
        .collect();
    for task in tasks {
        join(task).await;
    }
    course.meet().await;
    let tally = end();
    drop(awake);
    tally
}

async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it has an address");
    let here = TcpStream::connect(address).await.expect("it listens");
    let (there, _) = listener.accept().await.expect("one has come");
    (here, there)
}

async fn send_first(mut stream: TcpStream, trips: usize) {
    stream.set_nodelay(true).expect("it is a TCP socket");
    let mut buffer = [0; 16];
    for _ in 0..trips {
        stream.write_all(b"!").await.expect("the other end is there");
        stream.read(&mut buffer).await.expect("the other end is there");
    }
}

async fn answer(mut stream: TcpStream, trips: usize) {
    stream.set_nodelay(true).expect("it is a TCP socket");
    let mut buffer = [0; 16];
    for _ in 0..trips {
        stream.read(&mut buffer).await.expect("the other end is there");
        stream.write_all(b"!").await.expect("the other end is there");
    }
}

async fn join<T>(handle: JoinHandle<T>) -> T {
    handle.await.expect("it does not panic")
}

/// A task that yields on its worker until this is dropped, so that the worker does not sleep.
struct Awake(JoinHandle<()>);

impl Awake {
    fn keep() -> Awake {
        Awake(spawn_local(async {
            loop {
                yield_now().await;
            }
        }))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.abort();
    }
}
