//! The modes, as values: how many threads, one after the other or together, with one lock for all or without.
//!
//! | mode                | threads | coroutines are | lock |
//! |---------------------|---------|----------------|------|
//! | one after the other | 1       | awaited        | -    |
//! | 1 thread            | 1       | gathered       | -    |
//! | N threads           | N       | gathered       | -    |
//! | N threads, one lock | N       | gathered       | one  |
//!
//! Nothing else differs. Each workload is written once and asks [`Stage::together`] to run its coroutines.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::table;
use crate::trace::{Hue, Lane, Trace, Traced};

/// No workload takes as long as this; one that does has failed, and says so instead of hanging.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// One way to run a list of coroutines.
#[derive(Clone, Debug)]
pub(crate) struct Mode {
    pub(crate) name: String,
    pub(crate) threads: usize,
    gathered: bool,
    one_lock: bool,
}

impl Mode {
    /// The four modes, in the order of the table above.
    pub(crate) fn all(threads: usize) -> [Mode; 4] {
        let mode = |name: &str, threads, gathered, one_lock| Mode {
            name: name.to_owned(),
            threads,
            gathered,
            one_lock,
        };
        let many = match threads {
            1 => "1 thread again".to_owned(),
            threads => table::plural(threads, "thread"),
        };
        [
            mode("one after the other", 1, false, false),
            mode("1 thread", 1, true, false),
            mode(&many, threads, true, false),
            mode(&format!("{many}, one lock"), threads, true, true),
        ]
    }

    /// Runs `work` in a runtime of its own, so that the counters start at nought.
    ///
    /// # Errors
    /// When the runtime cannot be built, the work fails, or it takes longer than [`TIME_LIMIT`].
    pub(crate) fn measure<T>(
        &self,
        work: impl AsyncFnOnce(Stage) -> io::Result<T>,
    ) -> io::Result<Measured<T>> {
        let runtime = pelmeni::Builder::new().threads(self.threads).name("contrast").build()?;
        let trace = Arc::new(Trace::default());
        let stage = Stage {
            gathered: self.gathered,
            one_lock: self.one_lock.then(Arc::default),
            trace: trace.clone(),
        };
        let ended = runtime.run(async { pelmeni::timeout(TIME_LIMIT, work(stage)).await });
        let workers = self.counters(&runtime.stats());
        // Closing drops the tasks that are left, and with that they hand over what they recorded.
        drop(runtime.close());
        let value = ended.map_err(|_elapsed| {
            let message = format!("{}: not done after {TIME_LIMIT:?}", self.name);
            io::Error::new(io::ErrorKind::TimedOut, message)
        })??;
        Ok(Measured { value, seconds: trace.seconds(), workers, lanes: trace.lanes(self.threads) })
    }

    /// Polls and steals of each worker, and of the places for more workers if one of them was taken.
    fn counters(&self, stats: &pelmeni::Stats) -> Vec<(u64, u64)> {
        let counted = stats.workers.iter().map(|worker| (worker.polls, worker.steals));
        let mut counters: Vec<_> = counted.collect();
        while counters.len() > self.threads && counters.last() == Some(&(0, 0)) {
            counters.pop();
        }
        counters
    }
}

/// What a workload sees of its mode.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    gathered: bool,
    one_lock: Option<Arc<Mutex<()>>>,
    pub(crate) trace: Arc<Trace>,
}

impl Stage {
    /// The coroutine, recorded, and under the lock if this mode has one.
    pub(crate) fn traced<F>(&self, hue: Hue, coroutine: F) -> Traced<F> {
        Traced::new(coroutine, hue, self.trace.clone(), self.one_lock.clone())
    }

    /// The results of all coroutines, in order: awaited one after the other, or gathered.
    pub(crate) async fn together<F>(&self, coroutines: Vec<F>) -> Vec<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if self.gathered {
            return pelmeni::gather(coroutines).await;
        }
        let mut results = Vec::with_capacity(coroutines.len());
        for coroutine in coroutines {
            results.push(coroutine.await);
        }
        results
    }

    /// The results of two coroutines: the second after the first, or both at once.
    pub(crate) async fn both<A, B>(&self, first: A, second: B) -> (A::Output, B::Output)
    where
        A: Future<Output: Send + 'static> + Send + 'static,
        B: Future<Output: Send + 'static> + Send + 'static,
    {
        if self.gathered {
            return pelmeni::gather((first, second)).await;
        }
        (first.await, second.await)
    }
}

/// What came of a workload in one mode.
#[derive(Debug)]
pub(crate) struct Measured<T> {
    pub(crate) value: T,
    pub(crate) seconds: f64,
    /// Of each worker, how often it polled a task, and how often it took tasks from another.
    pub(crate) workers: Vec<(u64, u64)>,
    pub(crate) lanes: Vec<Lane>,
}
