//! The words of the tables of placing: where the process dies, what comes then, and what there is in the end.

/// Where the process dies while it places, by the names of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    P0,
    P1,
    P2,
    P3,
    P4,
    P5,
    P6,
    P7,
    P8,
    P9,
    A0,
    A1,
    A2,
    A3,
    A4,
}

impl Point {
    /// Whether the submit is answered before it is decided.
    pub(crate) fn is_accepted(self) -> bool {
        matches!(self, Self::A0 | Self::A1 | Self::A2 | Self::A3 | Self::A4)
    }

    /// Whether the process goes on until after its answer.
    pub(crate) fn is_answered(self) -> bool {
        matches!(self, Self::P7 | Self::P8 | Self::P9)
    }

    /// Whether the price changes while the process waits for its first answer.
    pub(crate) fn meets_another_price(self) -> bool {
        matches!(self, Self::P3 | Self::P4 | Self::A3)
    }
}

/// What comes then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Retry,
    /// Only time passes: the reaper, the feed and whoever takes up what was promised do their work.
    Reaper,
    Abandon,
    Cancel,
    Expiry,
    HangUp,
}

/// What there is in the end. Where no order lives, nothing is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The order waits for payment, and its unit is held.
    Waits,
    /// The order has ended.
    Ended,
    /// The refusal stands under the key.
    Refused,
    /// A tombstone stands under the key.
    Never,
    /// Nothing was ever written.
    Nothing,
}
