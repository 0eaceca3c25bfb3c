//! The stopwatch: the one place of the instrument that reads the clock.
//!
//! A workload is a body of `operations` equal operations. The body runs once to warm the caches, the allocator and
//! the branch predictors, and then again and again until the budget is used up; the result is the **median** of the
//! bodies, so that one slow turn of the machine does not move it.
//!
//! Where not time is measured but what a counter outside says (allocations, instructions), a run makes so many bodies
//! and no more: [`Scale::Bodies`].

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Bodies measured at least, whatever the budget says, unless they take longer than [`LONG`].
const BODIES_AT_LEAST: usize = 3;

/// What has taken so long is not repeated for the median's sake: the machine's turns are short against it.
const LONG: Duration = Duration::from_secs(1);

/// How long one measurement may take. As text: `full`, `quick`, or the number of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A tenth or two of a second for each measurement: more rounds say more than longer ones.
    Full,
    /// A fifth of that, and smaller loads: to see whether everything runs, and for criterion, which repeats by itself.
    Quick,
    /// So many bodies after the first, whatever they take; the result is the number of their operations.
    Bodies(u32),
}

impl Scale {
    /// Returns the time for the bodies of one measurement.
    #[must_use]
    pub const fn budget(self) -> Duration {
        match self {
            Self::Full => Duration::from_millis(150),
            Self::Quick => Duration::from_millis(30),
            Self::Bodies(_) => Duration::ZERO,
        }
    }

    /// Returns `full`, or a tenth of it where no time is measured and on the quick scale.
    #[must_use]
    pub const fn of(self, full: u32) -> u32 {
        match self {
            Self::Full => full,
            Self::Quick | Self::Bodies(_) => full / 10,
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Quick => f.write_str("quick"),
            Self::Bodies(bodies) => bodies.fmt(f),
        }
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "quick" => Ok(Self::Quick),
            bodies => bodies
                .parse()
                .map(Self::Bodies)
                .map_err(|_| format!("a scale is full, quick or a number of bodies, not `{text}`")),
        }
    }
}

/// Returns the present instant.
#[expect(
    clippy::disallowed_methods,
    reason = "the instrument has to read the clock beside every runtime, not through one"
)]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Runs `body` until the budget of `scale` is used up, and returns the median nanoseconds per operation.
///
/// With [`Scale::Bodies`] it returns the number of operations.
pub async fn per_operation<F>(scale: Scale, operations: u32, body: impl Fn() -> F) -> f64
where
    F: Future<Output = ()>,
{
    body().await;
    if let Scale::Bodies(bodies) = scale {
        for _ in 0..bodies {
            body().await;
        }
        return f64::from(bodies) * f64::from(operations);
    }
    median_of(scale, || async {
        let start = now();
        body().await;
        nanoseconds(start.elapsed()) / f64::from(operations)
    })
    .await
}

/// Runs `body` until the budget of `scale` is used up, or three times where that is more, and returns the median of what it
/// says.
pub async fn median_of<F>(scale: Scale, body: impl Fn() -> F) -> f64
where
    F: Future<Output = f64>,
{
    let began = now();
    let mut bodies = Vec::new();
    loop {
        bodies.push(body().await);
        let elapsed = began.elapsed();
        if elapsed > LONG || bodies.len() >= BODIES_AT_LEAST && elapsed > scale.budget() {
            return median(&mut bodies);
        }
    }
}

/// Returns `duration` in nanoseconds.
#[must_use]
pub fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// Sorts `values` and returns the one in the middle, or the mean of the two there.
///
/// # Panics
///
/// Panics if `values` is empty: nothing was measured.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    assert!(!values.is_empty(), "a median needs at least one value");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Sorts `values` and returns the one that 99 of 100 do not exceed.
///
/// # Panics
///
/// Panics if `values` is empty: nothing was measured.
#[must_use]
pub fn percentile_99(values: &mut [f64]) -> f64 {
    assert!(!values.is_empty(), "a percentile needs at least one value");
    values.sort_by(f64::total_cmp);
    values[values.len() * 99 / 100]
}

#[cfg(test)]
mod tests {
    use super::{median, percentile_99};

    #[test]
    fn percentile_leaves_out_the_worst_of_a_hundred_and_no_more() {
        let mut values: Vec<f64> = (0..200).rev().map(f64::from).collect();
        assert_eq!(percentile_99(&mut values), 198.0);
        assert_eq!(percentile_99(&mut [7.0]), 7.0);
    }

    #[test]
    fn median_of_an_odd_count_is_the_middle_value() {
        assert_eq!(median(&mut [9.0, 1.0, 5.0]), 5.0);
    }

    #[test]
    fn median_of_an_even_count_is_the_mean_of_the_middle_values() {
        assert_eq!(median(&mut [8.0, 1.0, 2.0, 4.0]), 3.0);
    }
}
