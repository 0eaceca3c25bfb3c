//! loom tests
