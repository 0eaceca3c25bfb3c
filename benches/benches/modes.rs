//! pelmeni alone, on one thread and on two: did this change make it slower?
//!
//! The workloads are those of `compare`, on the quick scale. A workload measures itself, median of several bodies, so
//! that criterion is handed nanoseconds per operation and its own iterations are runs of a whole runtime.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion};

use pelmeni_benches::client::ran_as_client;
use pelmeni_benches::clock::Scale;
use pelmeni_benches::rival::Rival as _;
use pelmeni_benches::runtimes::Pelmeni;
use pelmeni_benches::workloads::{Row, table};

/// Criterion asks for ten at least.
const SAMPLES: usize = 10;
/// Criterion measures time; memory is `compare`'s to tell.
const LEFT_OUT: [&str; 2] = ["bytes-parked", "bytes-sleeping"];

fn main() {
    if ran_as_client() {
        return;
    }
    let mut criterion = Criterion::default()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(1))
        .configure_from_args();
    both_modes(&mut criterion);
    criterion.final_summary();
}

fn both_modes(criterion: &mut Criterion) {
    for row in table::<Pelmeni>() {
        if LEFT_OUT.contains(&row.key) {
            continue;
        }
        let mut group = criterion.benchmark_group(row.key);
        for threads in [1, 2] {
            group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
                bencher.iter_custom(|iterations| {
                    (0..iterations)
                        .map(|_| time(&row, Pelmeni::run(threads, row.root(Scale::Quick))))
                        .sum()
                });
            });
        }
        group.finish();
    }
}

/// Returns a measured value as the time of one operation; a speed-up, as the time of a millisecond of work.
fn time(row: &Row, value: f64) -> Duration {
    let nanoseconds = match row.unit {
        "times" => 1e6 / value,
        unit if unit.starts_with("us") => value * 1e3,
        _ => value,
    };
    Duration::from_secs_f64(nanoseconds / 1e9)
}
