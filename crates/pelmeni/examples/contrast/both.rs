//! Both at once: the server answers requests while the CPU is counting.
//!
//! ```text
//! due      |----|----|----|----|----|----|----|      each client, every so many milliseconds,
//! answered   |-----|  |--|   |--------|              until the counting is done
//!          '--------------- counting --------------'
//! ```
//!
//! A request's time runs from the moment it is *due*, not from the moment it could be sent: a client that is kept
//! waiting must not hide the wait of the requests it has not sent yet. One after the other means count, then answer.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::cpu::{self, Plan, Tally};
use crate::files::Tree;
use crate::modes::{Measured, Mode};
use crate::server::{self, Client, REQUEST_COST};
use crate::trace::{self, Hue};

pub(crate) const CLIENTS: usize = 20;
/// How many bytes a second one core can move to the clients; the load is set to a tenth of that.
const BYTES_PER_SECOND: f64 = 1e9;
const SHARE_OF_A_CORE: f64 = 0.1;

/// What the clients saw, and how long the counting took beside it.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) tally: Tally,
    pub(crate) counting: f64,
    /// Sorted seconds from the moment a request was due to its last byte.
    pub(crate) answers: Vec<f64>,
}

/// How often each client asks: rarely enough that the server alone would be nearly idle.
pub(crate) fn period(tree: &Tree) -> Duration {
    let request = (tree.bytes / tree.files.len() as u64 + REQUEST_COST) as f64;
    let seconds = CLIENTS as f64 * request / (BYTES_PER_SECOND * SHARE_OF_A_CORE);
    Duration::from_secs_f64(seconds.clamp(0.02, 0.25))
}

/// Counts everything while clients ask for files, in this mode.
///
/// # Errors
/// When the system refuses a socket, or a byte is not the one that the file holds.
pub(crate) fn run(mode: &Mode, tree: &Arc<Tree>, plan: &Plan) -> io::Result<Measured<Load>> {
    mode.measure(async |stage| {
        let address = server::start(&stage, tree).await?;
        let mut clients = Vec::with_capacity(CLIENTS);
        for _ in 0..CLIENTS {
            clients.push(Client::connect(address).await?);
        }
        let began = stage.trace.begin();
        let counted = Arc::new(OnceLock::new());
        let counting = {
            let (stage, tree) = (stage.clone(), tree.clone());
            let (plan, counted) = (plan.clone(), counted.clone());
            async move {
                let tally = cpu::count_all(&stage, &tree, &plan, |_| Hue::Count).await;
                // Only this coroutine sets it.
                let _ = counted.set(trace::now());
                stage.trace.end();
                tally
            }
        };
        let asking = {
            let (stage, tree, counted) = (stage.clone(), tree.clone(), counted.clone());
            let period = period(&tree);
            async move {
                let coroutines = clients.into_iter().enumerate().map(|(number, client)| {
                    let first = began + period * number as u32 / CLIENTS as u32;
                    let tree = tree.clone();
                    let counted = counted.clone();
                    stage.traced(Hue::Fetch, ask(client, tree, number, first, period, counted))
                });
                stage.together(coroutines.collect()).await
            }
        };
        let (tally, results) = stage.both(counting, asking).await;
        let mut answers = Vec::new();
        for result in results {
            answers.extend(result?);
        }
        answers.sort_by(f64::total_cmp);
        let counting = counted.get().map_or(0.0, |end| (*end - began).as_secs_f64());
        Ok(Load { tally, counting, answers })
    })
}

/// Asks for one file after the other, each at its time, as long as the counting lasts.
async fn ask(
    mut client: Client,
    tree: Arc<Tree>,
    number: usize,
    first: Instant,
    period: Duration,
    counted: Arc<OnceLock<Instant>>,
) -> io::Result<Vec<f64>> {
    let mut answers = Vec::new();
    let mut file = number * tree.files.len() / CLIENTS;
    let mut due = first;
    loop {
        pelmeni::sleep_until(due).await;
        if counted.get().is_some_and(|end| due >= *end) {
            return Ok(answers);
        }
        client.fetch(&tree, file).await?;
        answers.push(due.elapsed().as_secs_f64());
        file = (file + 1) % tree.files.len();
        due += period;
    }
}

/// The value that this part of the sorted list does not exceed: the nearest rank.
pub(crate) fn percentile(sorted: &[f64], part: f64) -> Option<f64> {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_the_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 0.50), Some(50.0));
        assert_eq!(percentile(&hundred, 0.99), Some(99.0));
        assert_eq!(percentile(&hundred, 1.0), Some(100.0));
        assert_eq!(percentile(&hundred, 0.0), Some(1.0));
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
