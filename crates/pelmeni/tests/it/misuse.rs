//! What a caller hears who uses the runtime where it cannot work: what was wrong, where, and what to do.

use std::time::Duration;

use futures::FutureExt;
use futures::executor::block_on;
use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::{Builder, Handle, Runtime, catch_cancel, gather, sleep, spawn};

use crate::kitchen::{alone_and_well, each, panic_of};

/// The message names this file and line, and the remedy.
fn assert_helps(message: &str, what: &str, line: u32) {
    assert!(message.contains(&format!("`{what}`")), "{message}");
    assert!(message.contains(&format!("{}:{line}:", file!())), "{message}");
    assert!(message.contains("pelmeni::run(async"), "{message}");
}

#[test]
fn spawn_outside_a_runtime() {
    let (line, message) = (line!(), panic_of(|| spawn(async {})));
    assert_helps(&message, "spawn", line);
    let (line, message) = (line!(), panic_of(|| pelmeni::spawn_local(async {})));
    assert_helps(&message, "spawn_local", line);
    let (line, message) = (line!(), panic_of(|| pelmeni::spawn_blocking(|| ())));
    assert_helps(&message, "spawn_blocking", line);
    let (line, message) =
        (line!() + 1, panic_of(|| pelmeni::task::Builder::new().name("x").spawn(async {})));
    assert!(message.contains(file!()) && line > 0, "{message}");
    let (line, message) = (line!(), panic_of(Handle::current));
    let _ = line;
    assert!(message.contains("`Handle::current`"), "{message}");
    assert!(Handle::try_current().is_none());
}

#[test]
fn sleep_outside_a_runtime() {
    let (line, nap) = (line!(), sleep(Duration::from_secs(1)));
    assert_helps(&panic_of(|| block_on(nap)), "sleep", line);
    // Over already, it needs nobody.
    block_on(sleep(Duration::ZERO));
}

#[test]
fn a_timeout_outside_a_runtime() {
    let (line, limited) =
        (line!(), pelmeni::timeout(Duration::from_secs(1), std::future::pending::<()>()));
    let message = panic_of(|| block_on(limited));
    assert!(message.contains(&format!("{}:{}:", file!(), line)), "{message}");
    assert_eq!(block_on(pelmeni::timeout(Duration::from_secs(1), async { 3 })), Ok(3));
}

#[test]
fn gather_outside_a_runtime() {
    let (line, gathering) = (line!(), gather([async { 1 }]));
    let message = panic_of(|| block_on(gathering));
    assert!(message.contains(&format!("{}:{line}:", file!())), "{message}");
}

#[test]
fn connect_outside_a_runtime() {
    let (line, connecting) = (line!(), TcpStream::connect("127.0.0.1:9"));
    assert_helps(&panic_of(|| block_on(connecting)), "TcpStream::connect", line);
    let (line, binding) = (line!(), TcpListener::bind("127.0.0.1:0"));
    assert_helps(&panic_of(|| block_on(binding)), "TcpListener::bind", line);
    let (line, connecting) = (line!(), TcpStream::connect("localhost:9"));
    assert_helps(&panic_of(|| block_on(connecting)), "TcpStream::connect", line);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (line, message) = (line!(), panic_of(|| TcpListener::from_std(listener)));
    assert_helps(&message, "TcpListener::from_std", line);
}

#[test]
fn what_needs_no_runtime_works_outside_one() {
    assert_eq!(block_on(catch_cancel(async { 3 })), Ok(3));
    block_on(pelmeni::yield_now());
    block_on(pelmeni::with_cleanup(async {}, async || ()));
}

// regress: asyncio test_recursive_run, tokio#5837
#[test]
fn run_inside_a_runtime() {
    each(|runtime| {
        let other = Builder::new().threads(1).build().unwrap();
        let nested = |what: &str, f: &mut dyn FnMut()| {
            let message = panic_of(f);
            for part in ["already runs a pelmeni runtime", ".await", "spawn_blocking"] {
                assert!(message.contains(part), "{what}: {message}");
            }
        };
        runtime.run(async {
            nested("run", &mut || pelmeni::run(async {}));
            nested("Runtime::run", &mut || runtime.run(async {}));
            nested("another Runtime::run", &mut || other.run(async {}));
            nested("block_on", &mut || runtime.handle().block_on(async {}));
            let refused = pelmeni::try_run(async { unreachable!() });
            assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ResourceBusy);
        });
        // In a task of any worker, too; and everything is as good as before.
        let handle = runtime.handle().clone();
        let task = runtime.handle().spawn(async move {
            let message = panic_of(|| handle.block_on(async {}));
            assert!(message.contains("already runs"), "{message}");
            sleep(Duration::from_millis(1)).await;
            5
        });
        assert_eq!(runtime.run(task).unwrap(), 5);
        assert_eq!(other.run(async { 6 }), 6);
    });
}

#[test]
fn close_inside_a_task() {
    each(|runtime| {
        let other = Builder::new().threads(1).build().unwrap();
        let message = panic_of(|| runtime.run(async { other.close() }));
        assert!(message.contains("drop the Runtime"), "{message}");
    });
}

#[test]
fn numbers_of_threads_that_make_no_sense() {
    let refused = |builder: Builder| {
        let error = builder.build().map(drop).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        error.to_string()
    };
    assert!(refused(Builder::new().threads(0)).contains("threads(0)"));
    assert!(refused(Builder::new().threads(1_000_000)).contains("at most"));
    assert!(refused(Builder::new().blocking_threads(0)).contains("blocking_threads(0)"));
}

fn default_runtime() -> std::io::Result<Runtime> {
    Builder::new().build()
}

#[test]
fn an_environment_that_makes_no_sense() {
    for nonsense in ["0", "-1", "many", "", "1.5", "18446744073709551616"] {
        alone_and_well(&[("PELMENI_THREADS", nonsense)], || {
            let text = std::env::var("PELMENI_THREADS").unwrap();
            let error = default_runtime().map(drop).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
            let message = error.to_string();
            assert!(message.contains(&format!("PELMENI_THREADS={text:?}")), "{message}");
            let message = panic_of(|| pelmeni::run(async {}));
            assert!(message.contains("PELMENI_THREADS"), "{message}");
            // Who says how many threads there are does not depend on it.
            let runtime = Builder::new().threads(2).build().unwrap();
            assert_eq!(runtime.run(async { 3 }), 3);
        });
    }
}

#[test]
fn an_environment_that_says_how_many() {
    for (text, threads) in [("1", 1), (" 3 ", 3), ("16", 16)] {
        alone_and_well(&[("PELMENI_THREADS", text), ("EXPECTED", &threads.to_string())], || {
            let expected: usize = std::env::var("EXPECTED").unwrap().parse().unwrap();
            let stats = default_runtime().unwrap().stats();
            // More than one thread come with a seat for a substitute.
            let seats = if expected == 1 { 1 } else { expected + 1 };
            assert_eq!(stats.workers.len(), seats);
        });
    }
}

#[test]
fn an_unknown_poller() {
    alone_and_well(&[("PELMENI_POLLER", "crystal ball")], || {
        let error = Builder::new().threads(1).build().map(drop).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("PELMENI_POLLER"), "{error}");
    });
}

#[test]
fn a_handle_that_is_awaited_twice() {
    each(|runtime| {
        runtime.run(async {
            let mut handle = spawn(async { 5 });
            assert_eq!((&mut handle).await.unwrap(), 5);
            let again = std::panic::AssertUnwindSafe(&mut handle).catch_unwind().await;
            let message = crate::kitchen::words(&*again.unwrap_err());
            assert!(message.contains("awaited again"), "{message}");
        });
    });
}

#[test]
fn into_panic_of_a_task_that_did_not_panic() {
    each(|runtime| {
        runtime.run(async {
            let handle = spawn(std::future::pending::<()>());
            handle.abort();
            let error = handle.await.unwrap_err();
            let message = panic_of(|| error.into_panic());
            assert!(message.contains("is_panic"), "{message}");
        });
    });
}
