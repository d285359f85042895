//! A submit as its clients know it: what was asked, what was told, and where its orders' cancels and payments stand.

use std::collections::BTreeSet;

use crate::crash::goods::seller_of;

/// Where a cancel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crash) enum Cancel {
    /// Not asked for.
    Never,
    /// Asked for; the answer is not known.
    Asked,
    /// Acknowledged.
    Done,
}

/// Where paying stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crash) enum Pay {
    /// Not asked for.
    Never,
    /// Asked for; the answer is not known.
    Asked,
    /// An attempt is acknowledged: the center captures its money, now or later.
    Opened,
    /// Refused: the order was cancelled before.
    Refused,
}

/// An acknowledged order.
#[derive(Clone, Debug)]
pub(in crate::crash) struct OrderKnown {
    pub(in crate::crash) number: String,
    pub(in crate::crash) cancel: Cancel,
    pub(in crate::crash) pay: Pay,
}

/// What a submit was told.
#[derive(Clone, Debug)]
pub(in crate::crash) enum Told {
    Nothing,
    /// It will be decided, and its orders will have these numbers.
    Promised(Vec<String>),
    /// No: nothing is stored of it, and asked again it may be a yes.
    Refused,
    /// It never becomes orders.
    Never,
    /// One order per seller, in the order of the sellers.
    Placed(Vec<OrderKnown>),
}

/// A submit.
#[derive(Clone, Debug)]
pub(in crate::crash) struct Submit {
    pub(in crate::crash) key: String,
    pub(in crate::crash) buyer: u32,
    /// SKU and quantity, each SKU once.
    pub(in crate::crash) lines: Vec<(usize, u32)>,
    pub(in crate::crash) told: Told,
    /// Its first attempt asks for an answer before it is decided.
    pub(super) later: bool,
}

impl Submit {
    /// Whether the next attempt asks for an answer before it is decided; once there is one, the end is asked for.
    pub(in crate::crash) fn for_later(&self) -> bool {
        self.later && matches!(self.told, Told::Nothing)
    }

    /// Its sellers, sorted: one order each.
    pub(super) fn sellers(&self) -> BTreeSet<&'static str> {
        self.lines.iter().map(|(sku, _)| seller_of(*sku)).collect()
    }
}
