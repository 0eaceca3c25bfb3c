//! Finds the seeded bugs in the sources: calls of `seeded(n)`, or of `seeded(NAME)` with a constant of the same file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The bugs and their files, relative to `crates`.
pub(crate) fn seeded() -> BTreeSet<(u16, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = BTreeSet::new();
    for package in entries(&crates) {
        look_into(&package.join("src"), &crates, &mut found);
    }
    found
}

fn look_into(directory: &Path, crates: &Path, found: &mut BTreeSet<(u16, String)>) {
    for path in entries(directory) {
        if path.is_dir() {
            look_into(&path, crates, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let file = path.strip_prefix(crates).expect("it was found there").display().to_string();
            found.extend(numbers(&text).map(|number| (number, file.clone())));
        }
    }
}

/// What is in a directory; nothing, if it is none.
fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}

/// The arguments of all calls of `seeded` in a text.
fn numbers(text: &str) -> impl Iterator<Item = u16> {
    text.split("seeded(").skip(1).filter_map(|rest| {
        let argument = rest.split(')').next()?.trim();
        argument.parse().ok().or_else(|| constant(text, argument))
    })
}

/// The value of `const NAME: u16 = n;`.
fn constant(text: &str, name: &str) -> Option<u16> {
    let definition = text.split(&format!("const {name}: u16 = ")).nth(1)?;
    definition.split(';').next()?.parse().ok()
}
