//! The shapes of shipments and returns.

use std::borrow::Cow;

use holdline_domain::fulfillment::{Return, Shipment};
use holdline_domain::money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::payment::{LineBody, LineInput};
use super::{At, Money, MoneyInput};

/// What leaves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShipmentRequest)]
pub(crate) struct ShipInput<'a> {
    /// Units by line; left out: all that is left to ship.
    #[serde(default)]
    pub(crate) lines: Vec<LineInput>,
    /// Who carries it.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    pub(crate) carrier: Option<Cow<'a, str>>,
    /// The carrier's number of it.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    pub(crate) tracking: Option<Cow<'a, str>>,
}

/// Goods of an order on their way.
#[derive(Serialize, ToSchema)]
#[schema(as = Shipment)]
pub(crate) struct ShipmentBody<'a> {
    /// Which of the order's shipments, from 1.
    n: i32,
    /// `shipped` or `delivered`.
    state: &'static str,
    /// What is in it.
    lines: Vec<LineBody>,
    /// Who carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<&'a str>,
    /// The carrier's number of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking: Option<&'a str>,
    /// When it left.
    shipped_at: At,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<At>,
}

impl<'a> ShipmentBody<'a> {
    pub(crate) fn new(shipment: &'a Shipment) -> Self {
        Self {
            n: shipment.n,
            state: shipment.state.as_str(),
            lines: shipment.lines.iter().map(LineBody::from).collect(),
            carrier: shipment.carrier.as_deref(),
            tracking: shipment.tracking.as_deref(),
            shipped_at: At(shipment.shipped),
            delivered_at: shipment.delivered.map(At),
        }
    }
}

/// The shipments of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = ShipmentList)]
pub(crate) struct ShipmentsBody<'a> {
    /// Each, in order.
    pub(crate) shipments: Vec<ShipmentBody<'a>>,
}

/// Why an order's fulfillment stops.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseInput<'a> {
    /// For people.
    #[serde(borrow)]
    #[schema(max_length = 1024)]
    pub(crate) reason: Cow<'a, str>,
}

/// What is to come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReturnRequest)]
pub(crate) struct ReturnInput<'a> {
    /// Units by line.
    pub(crate) lines: Vec<LineInput>,
    /// Why, in the buyer's words.
    #[serde(borrow, default)]
    #[schema(max_length = 1024)]
    pub(crate) reason: Option<Cow<'a, str>>,
}

/// How a return is approved.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveInput<'a> {
    /// What is paid back once the goods have arrived; left out: what they cost, at most what is left.
    #[serde(borrow, default)]
    pub(crate) amount: Option<MoneyInput<'a>>,
}

/// What the inspection says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InspectionInput {
    /// Units that may be sold again; left out: none.
    #[serde(default)]
    pub(crate) restocked: Vec<LineInput>,
}

/// Goods that come back.
#[derive(Serialize, ToSchema)]
#[schema(as = Return)]
pub(crate) struct ReturnBody<'a> {
    /// Which of the order's returns, from 1.
    n: i32,
    /// `requested`, `approved`, `rejected`, `received`.
    state: &'static str,
    /// What comes back.
    lines: Vec<LineBody>,
    /// Why, in the buyer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// What is paid back for it, from its approval on.
    amount: Money,
    /// What of it may be sold again, from its inspection on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restocked: Vec<LineBody>,
    /// When it was asked for.
    requested_at: At,
    /// When it was last decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<At>,
}

impl<'a> ReturnBody<'a> {
    pub(crate) fn new(returned: &'a Return, currency: Currency) -> Self {
        Self {
            n: returned.n,
            state: returned.state.as_str(),
            lines: returned.lines.iter().map(LineBody::from).collect(),
            reason: returned.reason.as_deref(),
            amount: Money::new(returned.amount, currency),
            restocked: returned.restocked.iter().map(LineBody::from).collect(),
            requested_at: At(returned.requested),
            decided_at: returned.decided.map(At),
        }
    }
}

/// The returns of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = ReturnList)]
pub(crate) struct ReturnsBody<'a> {
    /// Each, in order.
    pub(crate) returns: Vec<ReturnBody<'a>>,
}
