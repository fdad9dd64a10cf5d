//! The `tokenfleet` program.

fn main() {}
