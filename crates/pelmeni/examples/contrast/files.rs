//! The files the demonstration works on: those of one folder, read once into memory.
//!
//! What is left out leaves a note instead of an error: what cannot be read, what is not a regular file (a pipe would
//! block, a link could lead in a circle), what is too large. Build output (`target`), `.git` and empty files are
//! left out silently.
//! The walk is sorted, so that every run works on the same sequence.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::trace;

/// A larger file would make one task's share of the work larger than all others.
const LARGEST_FILE: u64 = 8 << 20;
/// Enough to be real work, little enough to be read at once. The file that exceeds it is the last.
const LARGEST_TREE: u64 = 64 << 20;
const MOST_FILES: usize = 20_000;
/// A slow disk must not eat the minute that the demonstration has.
const READING_TIME: Duration = Duration::from_secs(5);

/// One file, with its name as seen from the folder.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// All files of the folder, and what was left out.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<Entry>,
    pub(crate) notes: Vec<String>,
    pub(crate) bytes: u64,
}

impl Tree {
    /// Reads the folder, except for the file `page`, which this program itself writes.
    ///
    /// # Errors
    /// When the folder cannot be listed, or holds nothing to count.
    pub(crate) fn read(dir: &Path, page: &Path) -> io::Result<Tree> {
        let mut tree = Tree { files: Vec::new(), notes: Vec::new(), bytes: 0 };
        let page = page.canonicalize().ok();
        let began = trace::now();
        let mut folders = vec![dir.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let entries = match list(&folder) {
                Ok(entries) => entries,
                Err(error) if folder == dir => return Err(unreadable(dir, &error)),
                Err(error) => {
                    tree.skip(dir, &folder, &error.to_string());
                    continue;
                }
            };
            let mut inner = Vec::new();
            for path in entries {
                let full = tree.bytes >= LARGEST_TREE || tree.files.len() >= MOST_FILES;
                if full || began.elapsed() > READING_TIME {
                    tree.notes.push(format!("stopped after {} files", tree.files.len()));
                    return tree.checked(dir);
                }
                match fs::symlink_metadata(&path) {
                    Err(error) => tree.skip(dir, &path, &error.to_string()),
                    Ok(seen) if seen.is_dir() => inner.push(path),
                    Ok(seen) if !seen.is_file() => tree.skip(dir, &path, "not a regular file"),
                    Ok(seen) if seen.len() > LARGEST_FILE => tree.skip(dir, &path, "over 8 MiB"),
                    // Nothing to count; and where a system shows its own state as files, these are the ones that
                    // claim to be empty and then block whoever reads them.
                    Ok(seen) if seen.len() == 0 => {}
                    Ok(_) if page.is_some() && path.canonicalize().ok() == page => {}
                    Ok(_) => match contents(&path) {
                        Ok(bytes) if bytes.is_empty() => {}
                        Ok(bytes) => tree.add(dir, path, bytes),
                        Err(error) => tree.skip(dir, &path, &error.to_string()),
                    },
                }
            }
            folders.extend(inner.into_iter().rev().filter(|folder| !is_left_out(folder)));
        }
        tree.checked(dir)
    }

    fn add(&mut self, dir: &Path, path: PathBuf, bytes: Vec<u8>) {
        self.bytes += bytes.len() as u64;
        self.files.push(Entry { name: shown(dir, &path), path, bytes });
    }

    fn skip(&mut self, dir: &Path, path: &Path, why: &str) {
        self.notes.push(format!("skipped {}: {why}", shown(dir, path)));
    }

    fn checked(self, dir: &Path) -> io::Result<Tree> {
        if self.bytes > 0 {
            return Ok(self);
        }
        let left_out = match self.notes.first() {
            Some(first) => format!(" ({first})"),
            None => String::new(),
        };
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{} holds no file with anything in it{left_out}; name a folder of text files",
                printable(&dir.to_string_lossy())
            ),
        ))
    }
}

/// The name with its control characters made visible: a file's name must not steer the terminal.
pub(crate) fn printable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_control() {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
    text
}

fn shown(dir: &Path, path: &Path) -> String {
    printable(&path.strip_prefix(dir).unwrap_or(path).to_string_lossy())
}

fn unreadable(dir: &Path, error: &io::Error) -> io::Error {
    let dir = printable(&dir.to_string_lossy());
    let remedy = match error.kind() {
        io::ErrorKind::NotADirectory => "name a folder, not a file",
        io::ErrorKind::NotFound => "name a folder that exists",
        _ => "name a folder that you may read",
    };
    io::Error::new(error.kind(), format!("cannot read the folder {dir}: {error}; {remedy}"))
}

fn is_left_out(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "target" || name == ".git")
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)?.take(MOST_FILES) {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The bytes of a file, refused when it turns out larger than it said.
fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other("over 8 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for one test, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("contrast-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("a folder for the test");
            Folder(path)
        }

        fn file(&self, name: &str, bytes: &[u8]) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }

        fn read(&self) -> io::Result<Tree> {
            Tree::read(&self.0, &self.0.join("page.html"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_come_sorted_and_without_build_output_or_the_page() {
        let folder = Folder::new("sorted");
        folder.file("hollow", b"");
        for name in ["b/z", "b/a", "a", "target/x", ".git/y", "page.html", "c"] {
            folder.file(name, b"text");
        }
        let tree = folder.read().expect("readable");
        let names: Vec<_> = tree.files.iter().map(|file| file.name.replace('\\', "/")).collect();
        assert_eq!(names, ["a", "c", "b/a", "b/z"]);
        assert_eq!(tree.bytes, 16);
        assert!(tree.notes.is_empty());
    }

    #[test]
    fn too_large_a_file_leaves_a_note() {
        let folder = Folder::new("large");
        folder.file("big", &vec![b'x'; LARGEST_FILE as usize + 1]);
        folder.file("small", b"x");
        let tree = folder.read().expect("readable");
        assert_eq!(tree.files.len(), 1);
        assert_eq!(tree.notes, ["skipped big: over 8 MiB"]);
    }

    #[test]
    fn empty_missing_and_not_a_folder_say_so() {
        let folder = Folder::new("empty");
        let message = folder.read().expect_err("nothing there").to_string();
        assert!(message.contains("no file with anything"), "{message}");
        folder.file("hollow", b"");
        assert!(folder.read().is_err());
        for (name, words) in [("absent", "that exists"), ("hollow", "not a file")] {
            let path = folder.0.join(name);
            let message = Tree::read(&path, Path::new("p")).expect_err("no folder").to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_names_cannot_steer_the_terminal() {
        let folder = Folder::new("links");
        folder.file("a", b"x");
        std::os::unix::fs::symlink(&folder.0, folder.0.join("\u{1b}[2Jcircle")).expect("a link");
        let tree = folder.read().expect("readable");
        assert_eq!(tree.notes, ["skipped \\u{1b}[2Jcircle: not a regular file"]);
    }
}
