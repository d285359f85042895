//! Fuzzers of every parser that reads bytes from outside, guided by coverage: `cargo xtask fuzz`.
//!
//! A workspace of its own: its build is instrumented, and `cargo test` of the root must not need a fuzzer.

mod targets;

/// Runs one target.
///
/// # Panics
///
/// If the target finds a defect, or there is no target of this name.
pub fn check(name: &str, bytes: &[u8]) {
    let target = targets::TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.check)(bytes);
}
