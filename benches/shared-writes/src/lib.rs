//! Counts what pelmeni's operations do to memory that cores share. Empty unless built with `--cfg pelmeni_count`.
//!
//! Two numbers for each operation: atomic read-modify-writes, and writes to lines that another worker writes too. They stand
//! in for a machine with many cores: there such a line is what limits a runtime, while its price hardly shows on a few.
//! What counts as what is told in `count.rs` of `pelmeni-core`.
//!
//! | module | what |
//! |---|---|
//! | `operations` | what is counted, each with tokio's figures |
//! | `course` | one worker or two that do the same at the same time, and the count of what all did |
//! | `report` | the table, and the places in the source |

#[cfg(pelmeni_count)]
pub mod course;
#[cfg(pelmeni_count)]
pub mod operations;
#[cfg(pelmeni_count)]
pub mod report;
