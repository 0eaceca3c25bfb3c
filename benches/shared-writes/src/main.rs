//! Prints what pelmeni's operations do to memory that cores share: `make writes`.

#[cfg(pelmeni_count)]
fn main() {
    use pelmeni_shared_writes::report::{TIMES, all_places, lines, table};

    let lines = lines();
    let mut page = format!(
        "Each the average of {TIMES} on each worker. rmw: read-modify-writes, also those that fail. shared: writes to lines that \
         the other\nworker writes, too. fences: fence(SeqCst). tokio: from a reading of the sources of tokio 1.53.1.\n\n"
    );
    table(&lines, &mut page).expect("a string takes it");
    all_places(&lines, &mut page).expect("a string takes it");
    print!("{page}");
}

#[cfg(not(pelmeni_count))]
fn main() {
    println!("This program counts only if it is built for it: make writes");
}
