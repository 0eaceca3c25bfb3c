//! What the tests are made with.

use std::any::type_name;
use std::env;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::{Command, Output, abort};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use pelmeni::sync::Event;
use pelmeni::{Builder, Runtime};

/// Longer than any test: whoever waits this long waits for something else.
pub(crate) const AGES: Duration = Duration::from_secs(3600);

/// Runs a test on 1, 2 and 8 threads, and sees to it that nothing is left when it ends.
pub(crate) fn each<T: Fn(&Runtime)>(test: T) {
    each_of(Builder::new, test);
}

/// As [`each`], with other settings.
pub(crate) fn each_of<T: Fn(&Runtime)>(builder: impl Fn() -> Builder, test: T) {
    let _watched = watch(name_of(&test));
    for threads in [1, 2, 8] {
        let runtime = builder().threads(threads).build().unwrap();
        test(&runtime);
        let report = runtime.close();
        assert!(report.is_clean(), "{threads} threads: {report}");
    }
}

/// Runs a test on a runtime with so many threads.
pub(crate) fn on<T: FnOnce(&Runtime)>(threads: usize, test: T) {
    let _watched = watch(name_of(&test));
    let runtime = Builder::new().threads(threads).build().unwrap();
    test(&runtime);
    let report = runtime.close();
    assert!(report.is_clean(), "{threads} threads: {report}");
}

/// Runs a test that makes its own runtimes, for each number of threads.
pub(crate) fn each_number<T: Fn(usize)>(test: T) {
    let _watched = watch(name_of(&test));
    [1, 2, 8].into_iter().for_each(test);
}

/// The name of the test that a closure is written in.
fn name_of<T>(_: &T) -> &'static str {
    let name = type_name::<T>().trim_end_matches("::{{closure}}");
    name.split_once("::").map_or(name, |(_crate, test)| test)
}

/// A test is late after this long.
const LATE: Duration = Duration::from_secs(60);

static WATCHED: Mutex<Vec<(&'static str, Instant)>> = Mutex::new(Vec::new());

/// While it exists, the watchdog looks at the test.
pub(crate) struct Watched(&'static str);

/// Ends the process, in the name of the test, if the result is not dropped in time.
pub(crate) fn watch(test: &'static str) -> Watched {
    static WATCHDOG: Once = Once::new();
    WATCHDOG.call_once(|| {
        // A small stack: some tests leave no room for a large one.
        let dog = thread::Builder::new().name("watchdog".into()).stack_size(64 * 1024);
        dog.spawn(watchdog).unwrap();
    });
    WATCHED.lock().unwrap().push((test, Instant::now()));
    Watched(test)
}

fn watchdog() {
    loop {
        thread::sleep(Duration::from_secs(1));
        let watched = WATCHED.lock().unwrap();
        if let Some((test, _)) = watched.iter().find(|(_, since)| since.elapsed() > LATE) {
            eprintln!("watchdog: {test} hangs");
            abort();
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watched = WATCHED.lock().unwrap();
        let index = watched.iter().position(|(test, _)| *test == self.0).unwrap();
        watched.swap_remove(index);
    }
}

/// In the environment of a process that runs one test alone.
const ALONE: &str = "PELMENI_TEST_ALONE";

/// Runs the test that this is called in once more in a process of its own, where `body` is what it does; gives what the
/// process wrote. In that process itself this never returns.
pub(crate) fn alone<T: FnOnce()>(settings: &[(&str, &str)], body: T) -> Output {
    let test = name_of(&body);
    let _watched = watch(test);
    if env::var_os(ALONE).is_some() {
        body();
        std::process::exit(0);
    }
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

/// As [`alone`], for a process that ends well; gives what it wrote on stderr.
pub(crate) fn alone_and_well<T: FnOnce()>(settings: &[(&str, &str)], body: T) -> String {
    let output = alone(settings, body);
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{error}", output.status);
    assert!(out.contains("running 1 test"), "{out}");
    error
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a closure panics with, in words.
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("that should have panicked"),
        Err(payload) => words(&*payload),
    }
}

/// What a panic said.
pub(crate) fn words(payload: &(dyn std::any::Any + Send)) -> String {
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => payload.downcast_ref::<&str>().expect("a panic in words").to_string(),
    }
}

/// Counts how often something happens, and lets threads wait for that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(Arc<(AtomicUsize, Mutex<()>, Condvar)>);

impl Count {
    pub(crate) fn new() -> Count {
        Count::default()
    }

    pub(crate) fn add(&self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        drop(self.0.1.lock().unwrap());
        self.0.2.notify_all();
    }

    pub(crate) fn get(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Blocks this thread until it has happened so often.
    pub(crate) fn block_until(&self, at_least: usize) {
        let mut guard = self.0.1.lock().unwrap();
        while self.get() < at_least {
            guard = self.0.2.wait(guard).unwrap();
        }
    }

    /// Something whose drop is counted.
    pub(crate) fn on_drop(&self) -> CountOnDrop {
        CountOnDrop(self.clone())
    }
}

/// Counts its drop.
#[derive(Debug)]
pub(crate) struct CountOnDrop(Count);

impl Drop for CountOnDrop {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    pub(crate) fn new() -> Diary {
        Diary::default()
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn pages(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Notes its own drop.
    pub(crate) fn on_drop(&self, what: &'static str) -> NoteOnDrop {
        NoteOnDrop(self.clone(), what)
    }
}

/// Notes its drop in a diary.
#[derive(Debug)]
pub(crate) struct NoteOnDrop(Diary, &'static str);

impl Drop for NoteOnDrop {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// Sets the event once, when the future inside is pending for the first time.
pub(crate) async fn telling<F: Future>(event: Arc<Event>, future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            event.set();
        }
        polled
    })
    .await
}

/// An event that several can share.
pub(crate) fn event() -> Arc<Event> {
    Arc::new(Event::new())
}

/// Waits for one poll, and knows nothing of any runtime: it is ready the second time, whatever travels with the poll.
#[derive(Debug, Default)]
pub(crate) struct OneTurn(bool);

impl Future for OneTurn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// See [`OneTurn`].
pub(crate) fn one_turn() -> OneTurn {
    OneTurn::default()
}

/// Counts the polls of the future inside.
pub(crate) async fn counting<F: Future>(polls: Count, future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        polls.add();
        future.as_mut().poll(cx)
    })
    .await
}

/// Computes for a while, on any machine much the same thing.
pub(crate) fn compute(rounds: u32) -> u64 {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..rounds {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    std::hint::black_box(x)
}
