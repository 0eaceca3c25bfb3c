//! The attributes as a program uses them, on a stand-in for the facade that counts what it is asked for.

extern crate self as pelmeni;

mod stand_in;

mod main_function;
mod test_function;

pub use stand_in::{Builder, run};
