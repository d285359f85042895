//! Rows that live with orders and change under their own versions: attempts, refunds, shipments, returns.

use std::collections::BTreeMap;

use compact_str::{CompactString, ToCompactString as _};

use crate::fulfillment::{Return, Shipment};
use crate::id::{TenantId, Version};
use crate::payment::{Attempt, Refund};
use crate::time::UnixMillis;

/// Which kind of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SatelliteKind {
    /// An attempt to pay.
    Attempt,
    /// A refund.
    Refund,
    /// A shipment.
    Shipment,
    /// A return.
    Return,
}

impl SatelliteKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Attempt, Self::Refund, Self::Shipment, Self::Return];
}

/// The key of a row within its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SatelliteKey {
    /// Which kind.
    pub kind: SatelliteKind,
    /// What it belongs to: a payment's number (attempt), an attempt's id (refund), an order's number.
    pub parent: CompactString,
    /// Its number there, from 1.
    pub n: i32,
}

/// One row as it shall be. Its first version is a new row, any other one changes the row of the version before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Satellite {
    /// An attempt to pay.
    Attempt(Box<Attempt>),
    /// A refund.
    Refund(Box<Refund>),
    /// A shipment.
    Shipment(Box<Shipment>),
    /// A return.
    Return(Box<Return>),
}

impl Satellite {
    /// Its kind.
    pub fn kind(&self) -> SatelliteKind {
        match self {
            Self::Attempt(_) => SatelliteKind::Attempt,
            Self::Refund(_) => SatelliteKind::Refund,
            Self::Shipment(_) => SatelliteKind::Shipment,
            Self::Return(_) => SatelliteKind::Return,
        }
    }

    /// Whose it is.
    pub fn tenant(&self) -> TenantId {
        match self {
            Self::Attempt(attempt) => attempt.tenant,
            Self::Refund(refund) => refund.tenant,
            Self::Shipment(shipment) => shipment.tenant,
            Self::Return(returned) => returned.tenant,
        }
    }

    /// Its key.
    pub fn key(&self) -> SatelliteKey {
        let (parent, n) = match self {
            Self::Attempt(attempt) => (attempt.id.payment.as_str().to_compact_string(), attempt.id.n),
            Self::Refund(refund) => (refund.attempt.to_compact_string(), refund.n),
            Self::Shipment(shipment) => (shipment.order_no.as_str().to_compact_string(), shipment.n),
            Self::Return(returned) => (returned.order_no.as_str().to_compact_string(), returned.n),
        };
        SatelliteKey { kind: self.kind(), parent, n }
    }

    /// Its version.
    pub fn version(&self) -> Version {
        match self {
            Self::Attempt(attempt) => attempt.version,
            Self::Refund(refund) => refund.version,
            Self::Shipment(shipment) => shipment.version,
            Self::Return(returned) => returned.version,
        }
    }

    /// Whether it can be written over a row of this version (`None`: no row).
    pub(super) fn follows(&self, current: Option<Version>) -> bool {
        let before = (self.version() != Version::FIRST).then_some(self.version());
        before == current.map(Version::next)
    }

    pub(super) fn stamped(&self, now: UnixMillis) -> Self {
        let mut stamped = self.clone();
        match &mut stamped {
            Self::Attempt(attempt) => attempt.stamp(now),
            Self::Refund(refund) => refund.stamp(now),
            Self::Shipment(shipment) => shipment.stamp(now),
            Self::Return(returned) => returned.stamp(now),
        }
        stamped
    }
}

/// Rows of one batch by key: the last state of each, and whether it is new.
pub(super) type Rows = BTreeMap<(TenantId, SatelliteKey), (Satellite, bool)>;
