//! Consumers of the feed: how far each has come, and the events that one of them could not work off.
//!
//! An event that keeps failing is **parked** with the later ones of its order, so that the rest of the feed goes on. Parked
//! events of one order are tried in their sequence: the first one has an instant at which it is tried next, those behind
//! it wait for it. A parked event leaves when it is done, or when somebody skips it and says why.
//!
//! [`park`] and [`end`] decide on rows that a store has read under the lock of the consumer's position, so that no two
//! processes decide on one order at once.
//!
//! Deliberately absent: what a consumer does with an event, and how long it waits before it tries again.

mod parked;

#[cfg(test)]
mod parked_tests;

pub use parked::{End, Failure, ParkedEvent, ParkedKey, ParkedWrite, Parking, SkippedEvent, end, park};

/// How far a consumer of the feed has come. Positions are compared by epoch, then round, then sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct FeedPosition {
    /// Counts restores of the feed: positions of another epoch mean nothing.
    pub epoch: i64,
    /// Counts how often the consumer was told to begin anew: what it had begun before does not move it on.
    pub round: i64,
    /// Every event up to this one is done, or parked.
    pub seq: i64,
}
