//! `#[pelmeni::main]`.

use crate::stand_in::{closed, threads_asked_for};
use ::std::fmt::Display;
use ::std::num::ParseIntError;
use ::std::panic::catch_unwind;

/// Names that the user is free to give to something else.
mod core {}
mod std {}

#[pelmeni_macros::main]
async fn plain() -> u32 {
    assert_eq!(threads_asked_for(), None);
    7
}

#[pelmeni_macros::main(threads = 2)]
async fn on_two_threads() -> u32 {
    assert_eq!(threads_asked_for(), Some(2));
    8
}

#[pelmeni_macros::main(threads = 13)]
async fn on_thirteen_threads() {}

#[pelmeni_macros::main]
async fn returns_early() -> Result<u32, ParseIntError> {
    let pots: u32 = "two".parse()?;
    Ok(pots)
}

#[pelmeni_macros::main(threads = 1)]
async fn hides_its_type() -> impl Display {
    "dumpling"
}

/// Calls itself by its name, which inside means the `async fn`.
#[pelmeni_macros::main]
pub(crate) async fn r#move() -> u32 {
    thread_local! { static DEPTH: ::std::cell::Cell<u32> = const { ::std::cell::Cell::new(0) } }
    DEPTH.set(DEPTH.get() + 1);
    if DEPTH.get() < 3 { Box::pin(r#move()).await } else { DEPTH.get() }
}

macro_rules! wrapped {
    ($(#[$meta:meta])* $visibility:vis $name:ident $threads:literal $output:ty $body:block) => {
        #[pelmeni_macros::main(threads = $threads)]
        $(#[$meta])*
        $visibility async fn $name() -> $output $body
    };
}

wrapped!(
    #[must_use]
    pub(crate) from_a_macro 3 Option<usize> { threads_asked_for() }
);

#[test]
fn runs_on_the_default_runtime() {
    let before = closed();
    assert_eq!(plain(), 7);
    assert_eq!(closed(), before);
}

#[test]
fn runs_on_a_runtime_of_the_size_asked_for_and_closes_it() {
    let before = closed();
    assert_eq!(on_two_threads(), 8);
    assert_eq!(closed(), before + 1);
}

#[test]
fn runtime_that_cannot_start_says_why() {
    let panic = catch_unwind(on_thirteen_threads).expect_err("thirteen is unlucky");
    let message = panic.downcast_ref::<String>().expect("a formatted message");
    assert_eq!(message, "a runtime with threads = 13 could not be started: unlucky");
}

#[test]
fn question_mark_returns_from_the_function() {
    assert!(returns_early().is_err());
}

#[test]
fn return_type_may_be_opaque() {
    assert_eq!(hides_its_type().to_string(), "dumpling");
}

#[test]
fn name_inside_is_the_async_function() {
    assert_eq!(r#move(), 3);
}

#[test]
fn tokens_may_come_from_a_macro() {
    assert_eq!(from_a_macro(), Some(3));
}
