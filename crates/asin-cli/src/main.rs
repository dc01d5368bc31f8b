//! The `asin` command.
fn main() {}
