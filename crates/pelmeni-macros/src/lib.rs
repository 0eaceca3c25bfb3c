//! `#[pelmeni::main]` and `#[pelmeni::test]`: an `async fn` where Rust wants a plain one.
//!
//! Both keep the function as it was written, inside a plain function of the same name that runs it:
//!
//! ```text
//! #[pelmeni::main(threads = 2)]            fn main() -> T {
//! async fn main() -> T { body }     =>         async fn main() -> T { body }
//!                                              (a runtime with two threads).run(main())
//!                                          }
//! ```
//!
//! So the body is checked as the `async fn` it is: `?`, `return` and `impl Trait` mean what they always mean, and an
//! error in it reads as it would without the attribute. Rejected: `async move { body }`, where the compiler complains of
//! a block whose type nobody wrote.
//!
//! | file | noun |
//! |---|---|
//! | `shape` | tokens without the compiler: what the two readers read, and what a test can write |
//! | `signature` | the parts of the function below the attribute |
//! | `options` | what stands in the attribute's parentheses |
//! | `expand` | the code that takes the function's place |
//! | `fault` | a mistake in the use of an attribute, as a compile error |
//!
//! There is no parser of Rust here. To wrap a body one has to find five places among the tokens, and whoever uses a
//! parser makes every program wait for it to be built.

mod expand;
mod fault;
mod options;
mod shape;
mod signature;

use proc_macro::TokenStream;

/// Makes an `async fn main` the start of the program: starts a runtime, runs the function on it, closes the runtime.
///
/// The function takes no arguments and returns what a plain `main` may return. Without options this is
/// `pelmeni::run(main())`.
///
/// | option | meaning |
/// |---|---|
/// | `threads = 2` | how many threads run tasks, the calling one among them. Default: `PELMENI_THREADS`, else one per core |
///
/// # Panics
/// The program panics, and says why, if the runtime cannot be started.
///
/// # Examples
/// ```
/// # extern crate self as pelmeni;
/// # pub use {futures::executor::block_on as run, pelmeni_macros::main};
/// #[pelmeni::main]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     let pots: u32 = "2".parse()?;
///     assert_eq!(pots, 2);
///     Ok(())
/// }
/// ```
///
/// What cannot work does not compile, and the message says what to write. A function that is not `async`:
/// ```compile_fail
/// # extern crate self as pelmeni;
/// # pub use {futures::executor::block_on as run, pelmeni_macros::main};
/// #[pelmeni::main]
/// fn main() {}
/// ```
/// Arguments, which nobody could pass:
/// ```compile_fail
/// # extern crate self as pelmeni;
/// # pub use {futures::executor::block_on as run, pelmeni_macros::main};
/// #[pelmeni::main]
/// async fn main(arguments: Vec<String>) {}
/// ```
/// A runtime without threads:
/// ```compile_fail
/// # extern crate self as pelmeni;
/// # pub use {futures::executor::block_on as run, pelmeni_macros::main};
/// #[pelmeni::main(threads = 0)]
/// async fn main() {}
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::main(options, item)
}

/// Makes an `async fn` a test: starts a runtime of its own for it, runs it there, closes the runtime.
///
/// The function takes no arguments and returns what a plain test may return. Other attributes of tests, such as
/// `#[should_panic]` and `#[ignore]`, go below this one and keep their meaning.
///
/// | option | meaning |
/// |---|---|
/// | `threads = 2` | how many threads run tasks. Default: `PELMENI_THREADS`, else one per core |
/// | `threads = [1, 2, 8]` | one test per count: `name_on_1_thread`, `name_on_2_threads`, `name_on_8_threads` |
///
/// A list makes several tests and not one that loops, so that the name of a failed test says on how many threads it
/// failed, and `#[should_panic]` asks every count for its panic.
///
/// # Panics
/// The test panics, and says why, if the runtime cannot be started.
///
/// # Examples
/// ```
/// # extern crate self as pelmeni;
/// # pub use {futures::executor::block_on as run, pelmeni_macros::test};
/// #[pelmeni::test]
/// async fn water_boils() -> std::io::Result<()> {
///     Ok(())
/// }
///
/// // Once on one thread, once on two.
/// #[pelmeni::test(threads = [1, 2])]
/// async fn both_pots_boil() {}
/// # fn main() {}
/// ```
///
/// A list that names a count twice does not compile:
/// ```compile_fail
/// # extern crate self as pelmeni;
/// # pub use {futures::executor::block_on as run, pelmeni_macros::test};
/// #[pelmeni::test(threads = [2, 2])]
/// async fn twice() {}
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::test(options, item)
}
