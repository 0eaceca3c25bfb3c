//! Scenarios on the whole runtime.
mod basics;
