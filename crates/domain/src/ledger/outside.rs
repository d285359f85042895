//! Holds of outside callers: systems that keep their own orders and ask Holdline for stock only.
//!
//! Such a hold has no order group. Its taker names it, says until when it stands, and ends it; what the taker leaves
//! open past its deadline, the job role ends, after asking the taker where it left an address for the question.
//!
//! A part may be named freely ([`Part::Seller`] carries the name); each open part has its own deadline.
//!
//! The rules have no clock here either: deadlines are stamped from the instant that the store gives to the batch, and
//! [`OutsideRequest::Expire`] is judged on the deadline that its sender saw, so that whoever extends first wins.

use serde::{Deserialize, Serialize};

use super::{Demand, HoldId, Part};
use crate::id::{Fingerprint, InvalidCode, InvalidField, TenantId};
use crate::time::UnixMillis;

/// Where a taker is asked what became of a hold before its deadline releases it: an absolute HTTP(S) address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckUrl(String);

impl CheckUrl {
    /// The longest address, in bytes.
    pub const BYTES_MAX: usize = 1_024;

    /// Parses a text from outside. Whether the address may be asked is for the port that asks to say.
    pub fn try_new(text: &str) -> Result<Self, InvalidField> {
        let invalid = |code, problem: &str| Err(InvalidField::new("check_url", code, problem));
        if text.len() > Self::BYTES_MAX {
            return invalid(InvalidCode::TooLong, "must have at most 1024 bytes");
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return invalid(InvalidCode::BadCharacter, "must be visible ASCII");
        }
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            return invalid(InvalidCode::Malformed, "must begin with https:// or http://");
        }
        Ok(Self(text.to_owned()))
    }

    /// An address that this program stored earlier.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an outside caller says of its hold besides what it claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long the hold stands unless it is ended or extended, in milliseconds.
    pub within_ms: i64,
    /// Whom to ask before its deadline ends it.
    pub check_url: Option<CheckUrl>,
}

/// Until when one part of a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// From then on the part may be released without its taker's word.
    pub at: UnixMillis,
    /// When the job role looks at it next: `at` at first, later while the taker cannot say what became of it.
    pub visit: UnixMillis,
    /// How often it has looked.
    pub visits: i32,
}

impl Deadline {
    /// A deadline that nobody has looked at.
    pub fn fresh(at: UnixMillis) -> Self {
        Self { at, visit: at, visits: 0 }
    }
}

/// What is stored of an outside hold beside its [`super::HoldRecord`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// Tombstone: the taker gave it up before it arrived. It will never be taken.
    Never,
    /// It was taken.
    Taken {
        /// The store's number of the hold.
        hold_no: i64,
        /// Whom to ask.
        check_url: Option<CheckUrl>,
        /// The deadline of each part that is still held, sorted by part.
        deadlines: Vec<(Part, Deadline)>,
    },
}

/// What only holds of outside callers are asked for. Every one may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutsideRequest {
    /// Claims all demands or none. Answers as [`super::LedgerRequest::Hold`] does, or `Never`.
    Take {
        /// The fingerprint of demands and terms: the same id with another content is refused.
        content: Fingerprint,
        /// What is claimed; at least one demand.
        demands: Vec<Demand>,
        /// Until when, and whom to ask.
        terms: Terms,
    },
    /// Sells a part, or a whole hold of which nothing was released: `Committed`, `AlreadyCommitted`, or
    /// `AlreadyReleased`, which changes nothing.
    Commit {
        /// The part; `None`: the whole hold.
        part: Option<Part>,
    },
    /// Gives back a part, or every part that is still held: `Released`, `AlreadyReleased`, or `AlreadyCommitted` where
    /// nothing of it was released. Of a hold that is not known, as a whole: `Never`, and then it is never taken.
    Release {
        /// The part; `None`: every part that is still held.
        part: Option<Part>,
    },
    /// Moves deadlines to `within_ms` from now, never to an earlier instant: `Extended`, or how the part ended.
    Extend {
        /// The part; `None`: every part that is still held.
        part: Option<Part>,
        /// The new distance, in milliseconds.
        within_ms: i64,
    },
    /// Claims the next look at an overdue part, and puts the one after it off: `Visited` for one sender, `Overtaken` for
    /// the others.
    Visit {
        /// The part.
        part: Part,
        /// How often it had been looked at when the sender read it.
        visits: i32,
        /// How far from now the look after this one is, in milliseconds.
        wait_ms: i64,
    },
    /// Releases a part whose deadline is still the one that the sender saw pass: `Released`, or `Overtaken`.
    Expire {
        /// The part.
        part: Part,
        /// The deadline that passed.
        deadline: UnixMillis,
    },
}

/// A new row beside a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideWrite {
    /// Whose.
    pub tenant: TenantId,
    /// Of which hold.
    pub id: HoldId,
    /// The hold's number; `None`: a tombstone.
    pub hold_no: Option<i64>,
    /// Whom to ask.
    pub check_url: Option<CheckUrl>,
}

/// A changed deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadlineWrite {
    /// Of which hold.
    pub hold_no: i64,
    /// Of which part.
    pub part: Part,
    /// As it is now; `None`: the part has ended.
    pub deadline: Option<Deadline>,
}
