//! What people type while they work on Roomlet.
fn main() {}
