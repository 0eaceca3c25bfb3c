//! The cores that this process has.

use std::sync::OnceLock;

/// A model has several cores, however many there are.
pub(crate) const IN_MODEL: bool = cfg!(all(loom, feature = "loom"));

/// Says whether this process has more than one core: with one, who stays awake keeps from coming what it waits for.
pub(crate) fn has_cores() -> bool {
    IN_MODEL || cores() > 1
}

/// How many cores this process has. It takes long to find out, and many programs need not know.
pub(crate) fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(num_cpus::get)
}
