//! What happened in the model that runs on this thread: the cases it reached, the panics it raised.
//!
//! The runtime contains panics, so loom's own complaint (a race, a deadlock) may be raised inside a task's poll and end
//! there as the task's. The panic hook writes every panic down, and the model fails at its end if there was one. A model
//! that means to panic uses `resume_unwind`, which calls no hook.
//!
//! Loom runs all threads of a model on one thread of the system, so a thread-local is the model's own; it is std's, which
//! loom does not see and does not branch on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic;
use std::sync::Once;

thread_local! {
    static JOURNAL: RefCell<Option<Journal>> = const { RefCell::new(None) };
}

/// The record of one model.
#[derive(Debug)]
pub(crate) struct Journal {
    name: &'static str,
    iterations: u64,
    /// The cases that the model declares, and in how many iterations (or more often) each was reached.
    reached: BTreeMap<&'static str, u64>,
    panic: Option<String>,
}

/// Notes that the model that runs has come to a case that it declares with [`Model::reaches`](crate::Model::reaches).
///
/// # Panics
/// If the model does not declare the case.
pub fn reach(case: &'static str) {
    with(|journal| match journal.reached.get_mut(case) {
        Some(times) => *times += 1,
        None => panic!("{} reaches {case:?} but does not declare it", journal.name),
    });
}

impl Journal {
    /// Begins the record of the model that this thread runs from now on.
    pub(crate) fn open(name: &'static str, cases: &[&'static str]) {
        listen();
        let reached = cases.iter().map(|case| (*case, 0)).collect();
        let journal = Journal { name, iterations: 0, reached, panic: None };
        JOURNAL.with_borrow_mut(|open| *open = Some(journal));
    }

    /// Ends the record.
    pub(crate) fn close() -> Journal {
        JOURNAL
            .with_borrow_mut(Option::take)
            .expect("open opens a journal and close is called once")
    }

    pub(crate) fn begin_iteration() {
        with(|journal| journal.iterations += 1);
    }

    /// Fails if a panic was raised in this iteration, by whomever it was caught.
    pub(crate) fn end_iteration() {
        if let Some(panic) = with(|journal| journal.panic.clone()) {
            panic!("a panic was caught inside the model: {panic}");
        }
    }

    pub(crate) fn iterations(&self) -> u64 {
        self.iterations
    }

    /// The cases that never occurred.
    pub(crate) fn missed(&self) -> Vec<&'static str> {
        self.reached.iter().filter(|(_, times)| **times == 0).map(|(case, _)| *case).collect()
    }
}

fn with<R>(f: impl FnOnce(&mut Journal) -> R) -> R {
    JOURNAL.with_borrow_mut(|open| f(open.as_mut().expect("this is called inside a model only")))
}

/// Has every panic of a model written down and told on stderr; those of other threads go the usual way.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let in_model = JOURNAL.try_with(|open| match open.try_borrow_mut() {
                Ok(mut open) => open.as_mut().map(|journal| journal.note(&info.to_string())),
                Err(_) => None,
            });
            if !matches!(in_model, Ok(Some(()))) {
                usual(info);
            }
        }));
    });
}

impl Journal {
    /// Keeps the first panic; those that follow from it are told only.
    fn note(&mut self, panic: &str) {
        let then = if self.panic.is_some() { "then " } else { "" };
        eprintln!("model {} {then}fails in iteration {}: {panic}", self.name, self.iterations);
        self.panic.get_or_insert_with(|| panic.to_owned());
    }
}
