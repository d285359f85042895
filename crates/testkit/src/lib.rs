//! How Holdline is proved without a machine's clock or disk: model stores with injected faults, a simulator that runs
//! the real `holdline-app` on them in virtual time, and a judge that shares nothing with the rules it judges.
//!
//! Invariants: everything random comes from one seed, time is virtual, one thread runs one simulation, no unordered map
//! is walked: the same seed is the same history, to the last step.

pub mod contract;
pub mod dice;
pub mod history;
pub mod judge;
pub mod model;
pub mod sim;
