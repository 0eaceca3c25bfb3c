//! Runs the models against every seeded bug: a model that cannot fail proves nothing.
//!
//! ```text
//! RUSTFLAGS="--cfg loom -C debug_assertions" cargo run -p pelmeni-loom-tests --release --bin mutants [number..]
//! ```
//! It is checked both ways. Each bug of the [`table`] is killed by each model that the table names for it; each model
//! outside `detector` is named by a bug; and the numbers in the table are those in the sources.
//!
//! *Killed* means that the model's process failed and that the model said why: a panic, a race, a leak, a deadlock. A
//! process that did not end in time, or failed without a word, has killed nothing.

mod hunt;
mod source;
mod table;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use hunt::{Binary, Outcome};
use table::{Mutant, TABLE};

/// Processes at a time.
const HUNTERS: usize = 2;

fn main() -> ExitCode {
    let chosen: Vec<u16> = std::env::args()
        .skip(1)
        .map(|number| number.parse().expect("the arguments are numbers of mutants"))
        .collect();
    let binary = match Binary::build() {
        Ok(binary) => binary,
        Err(why) => {
            eprintln!("mutants: {why}");
            return ExitCode::FAILURE;
        }
    };
    let models = binary.models();
    if models.is_empty() {
        eprintln!(
            "mutants: there are no models; build with RUSTFLAGS=\"--cfg loom -C debug_assertions\""
        );
        return ExitCode::FAILURE;
    }
    let mut complaints = check_table(&models);
    let pairs = TABLE
        .iter()
        .filter(|mutant| chosen.is_empty() || chosen.contains(&mutant.id))
        .flat_map(|mutant| mutant.killed_by.iter().map(move |model| (mutant, *model)));
    let (kills, survivors) = hunt_all(&binary, pairs.collect());
    complaints.extend(survivors);
    for complaint in &complaints {
        eprintln!("mutants: {complaint}");
    }
    println!("mutants: {kills} kills, {} complaints", complaints.len());
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Compares the table with the sources and with the models that exist.
fn check_table(models: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let table: BTreeSet<_> =
        TABLE.iter().map(|mutant| (mutant.id, mutant.file.to_owned())).collect();
    let sources = source::seeded();
    for (id, file) in sources.difference(&table) {
        complaints.push(format!("seeded({id}) in {file} is not in the table"));
    }
    for (id, file) in table.difference(&sources) {
        complaints.push(format!("{file} has no seeded({id})"));
    }
    let named: BTreeSet<_> = TABLE.iter().flat_map(|mutant| mutant.killed_by).copied().collect();
    for model in models.iter().filter(|model| !named.contains(model.as_str())) {
        complaints.push(format!("{model} kills no mutant"));
    }
    for model in named.iter().filter(|model| !models.contains(**model)) {
        complaints.push(format!("the table names {model}, which does not exist"));
    }
    for mutant in TABLE.iter().filter(|mutant| mutant.killed_by.is_empty()) {
        complaints.push(format!("nothing kills {} ({})", mutant.id, mutant.what));
    }
    complaints
}

/// Sets each model on its mutants; gives the number of kills, and a complaint for each that failed.
fn hunt_all(binary: &Binary, pairs: Vec<(&Mutant, &str)>) -> (usize, Vec<String>) {
    let total = pairs.len();
    let pairs = Mutex::new(pairs.into_iter());
    let survivors = Mutex::new(Vec::new());
    let hunter = || {
        // The lock ends with this statement, so that the other hunter can go on.
        while let Some((mutant, model)) = { pairs.lock().unwrap().next() } {
            let outcome = binary.hunt(mutant.id, model);
            println!("mutant {:>3} {:<70} {model}: {outcome}", mutant.id, mutant.what);
            if !matches!(outcome, Outcome::Killed { .. }) {
                let Mutant { id, file, what, .. } = mutant;
                let complaint = format!("{model} does not kill {id} ({what}, {file}): {outcome}");
                survivors.lock().unwrap().push(complaint);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..HUNTERS {
            scope.spawn(hunter);
        }
    });
    let survivors = survivors.into_inner().unwrap();
    (total - survivors.len(), survivors)
}
