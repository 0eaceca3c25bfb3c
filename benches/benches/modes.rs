//! pelmeni alone, on one thread and on two: did this change make it slower?
//!
//! The workloads are those of `compare`, on the quick scale. A workload measures itself, the median of several bodies,
//! and hands criterion the time of one operation; what criterion calls an iteration is the whole run of a runtime.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode};

use pelmeni_benches::client::ran_as_client;
use pelmeni_benches::clock::Scale;
use pelmeni_benches::row::{Group, Row};
use pelmeni_benches::runtimes::Pelmeni;
use pelmeni_benches::workloads::table;

const THREADS: [usize; 2] = [1, 2];
/// The least that criterion accepts.
const SAMPLES: usize = 10;
/// For a row and a number of threads. Every run warms itself up.
const TIME: Duration = Duration::from_millis(2_500);
fn main() {
    if ran_as_client() {
        return;
    }
    let mut criterion = Criterion::default()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(TIME)
        .configure_from_args();
    for (group, row) in table::<Pelmeni>() {
        if is_a_time(group, &row) {
            both_modes(&mut criterion, &row);
        }
    }
    criterion.final_summary();
}

/// Criterion measures the time of what runs on one thread and on two; the rest is `compare`'s to tell.
fn is_a_time(group: Group, row: &Row<Pelmeni>) -> bool {
    group != Group::Memory && row.workers.is_none() && !row.needs_wrk
}

fn both_modes(criterion: &mut Criterion, row: &Row<Pelmeni>) {
    let mut group = criterion.benchmark_group(row.key);
    group.sampling_mode(SamplingMode::Flat);
    for threads in THREADS {
        group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter_custom(|runs| (0..runs).map(|_| time_of_one(row, threads)).sum());
        });
    }
    group.finish();
}

/// Returns the time of one operation; for a speed-up, that of a millisecond of work.
fn time_of_one(row: &Row<Pelmeni>, threads: usize) -> Duration {
    let value = row.measure(threads, Scale::Quick);
    let nanoseconds = match row.unit {
        "times" => 1e6 / value,
        "us" | "us/trip" => value * 1e3,
        _ => value,
    };
    Duration::from_secs_f64(nanoseconds / 1e9)
}
