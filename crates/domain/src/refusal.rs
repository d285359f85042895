//! Refusals: a business "no" with a stable code and the facts. Never a fault, never a silent repeat.
//!
//! Refusals that spend a key are stored with their order group and replayed word for word, so the serialised form is a
//! stored format: fields may be added with a default, never renamed.

use serde::{Deserialize, Serialize};

use crate::fulfillment::ReturnState;
use crate::id::{InvalidField, PeriodName, SellerId, SkuCode, Version};
use crate::ledger::{MovementKind, PartState, Shortage};
use crate::money::{Currency, Minor};
use crate::order::{FulfillmentStatus, OrderNo, OrderStatus};
use crate::time::UnixMillis;

/// One reason why a submit cannot become orders. A refusal carries all of them at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Difference {
    /// The catalog has no such SKU.
    UnknownSku {
        /// Place of the line in the request, from 0.
        line: usize,
        /// The SKU.
        sku: SkuCode,
    },
    /// The SKU is not for sale now.
    OffShelf {
        /// Place of the line in the request, from 0.
        line: usize,
        /// The SKU.
        sku: SkuCode,
    },
    /// The caller names another seller than the catalog.
    SellerDiffers {
        /// Place of the line in the request, from 0.
        line: usize,
        /// The SKU.
        sku: SkuCode,
        /// Who the caller says sells it.
        given: SellerId,
        /// Who sells it.
        actual: SellerId,
    },
    /// The buyer saw another price than the one that holds now.
    PriceChanged {
        /// Place of the line in the request, from 0.
        line: usize,
        /// The SKU.
        sku: SkuCode,
        /// What the buyer saw.
        old_price: Minor,
        /// What holds now.
        new_price: Minor,
        /// The currency of both.
        currency: Currency,
    },
    /// The line's currency is not the SKU's, or not that of the other lines.
    CurrencyDiffers {
        /// Place of the line in the request, from 0.
        line: usize,
        /// The SKU.
        sku: SkuCode,
        /// What the line says.
        given: Currency,
        /// What it must be.
        expected: Currency,
    },
    /// The buyer saw another total.
    TotalDiffers {
        /// What the buyer saw.
        expected: Minor,
        /// What the lines and adjustments come to.
        actual: Minor,
        /// The currency of both.
        currency: Currency,
    },
    /// The discounts exceed what a seller's lines and freight come to.
    DiscountTooLarge {
        /// The seller.
        seller: SellerId,
        /// Goods and freight.
        gross: Minor,
        /// Discounts.
        discount: Minor,
        /// The currency of both.
        currency: Currency,
    },
    /// An adjustment names a seller that no line belongs to.
    AdjustmentWithoutLine {
        /// Place of the adjustment in the request, from 0.
        adjustment: usize,
        /// The seller it names.
        seller: SellerId,
    },
    /// Fewer units can be had than asked for: stock, sold-out flag or quota.
    Short(Shortage),
    /// The SKU is sold in periods, and none is open now.
    BetweenPeriods {
        /// Place of the line in the request, from 0.
        line: usize,
        /// The SKU.
        sku: SkuCode,
        /// When the next period opens.
        opens: UnixMillis,
    },
}

impl Difference {
    /// The stable code of this difference, as the API shows it.
    pub fn code(&self) -> &'static str {
        use crate::ledger::ShortageCause;
        match self {
            Self::UnknownSku { .. } => "unknown_sku",
            Self::OffShelf { .. } => "off_shelf",
            Self::SellerDiffers { .. } => "seller_differs",
            Self::PriceChanged { .. } => "price_changed",
            Self::CurrencyDiffers { .. } => "currency_differs",
            Self::TotalDiffers { .. } => "total_differs",
            Self::DiscountTooLarge { .. } => "discount_too_large",
            Self::AdjustmentWithoutLine { .. } => "adjustment_without_line",
            Self::BetweenPeriods { .. } => "between_periods",
            Self::Short(Shortage { cause: ShortageCause::Stock, .. }) => "insufficient_stock",
            Self::Short(Shortage { cause: ShortageCause::SoldOut, .. }) => "sold_out",
            Self::Short(Shortage { cause: ShortageCause::Quota, .. }) => "quota_exceeded",
        }
    }
}

/// A business no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// A field of the request is wrong.
    InvalidField(InvalidField),
    /// The submit cannot become orders, for these reasons.
    OrderRefused {
        /// Every reason, line by line.
        differences: Vec<Difference>,
    },
    /// The same idempotency key came with another content.
    KeyReused,
    /// The submit with this key was abandoned: it will never become an order.
    SubmitAbandoned,
    /// The submit was accepted, and could not be decided by the instant that its client was told.
    NotDecidedInTime {
        /// That instant.
        decide_by: UnixMillis,
    },
    /// There is no such thing, or the caller may not see it.
    NotFound {
        /// What was looked for: `order`, `order_group`, `sku`, `seller`.
        what: String,
    },
    /// The order's state does not allow it.
    OrderState {
        /// The order.
        order_no: OrderNo,
        /// Its status now.
        status: OrderStatus,
    },
    /// An attempt to pay is open: its money may still come.
    PaymentOpen {
        /// The order.
        order_no: OrderNo,
        /// The attempt.
        attempt: String,
    },
    /// The order's goods have left, or some of them.
    GoodsShipped {
        /// The order.
        order_no: OrderNo,
        /// Where its goods are.
        fulfillment: FulfillmentStatus,
    },
    /// Not all of the order's goods have arrived.
    NotDelivered {
        /// The order.
        order_no: OrderNo,
        /// Where its goods are.
        fulfillment: FulfillmentStatus,
    },
    /// The order's fulfillment is stopped.
    OrderPaused {
        /// The order.
        order_no: OrderNo,
        /// Why.
        reason: String,
    },
    /// More would go back than was captured and is left.
    RefundTooLarge {
        /// What was asked for.
        requested: Minor,
        /// What may still go back.
        refundable: Minor,
        /// The currency of both.
        currency: Currency,
    },
    /// More units of a line were asked for than there are in the state that the request needs.
    LineQuantity {
        /// The line.
        line_no: i32,
        /// Units asked for.
        requested: i64,
        /// Units that there are.
        available: i64,
    },
    /// The time in which goods may be returned is over.
    ReturnWindowClosed {
        /// Since when.
        closed: UnixMillis,
    },
    /// The return is past what was asked for.
    ReturnState {
        /// Which of the order's returns.
        n: i32,
        /// Where it stands.
        state: ReturnState,
    },
    /// The provider does not take the payment.
    PaymentRefused {
        /// Why, in the provider's words.
        reason: String,
    },
    /// There is nothing to pay.
    NothingOwed,
    /// The resource has changed since the caller read it.
    VersionMismatch {
        /// Its version now.
        current_version: Version,
    },
    /// On hand would fall below what is held and allocated.
    BreaksHolds {
        /// Units on hand now.
        on_hand: i64,
        /// Units held now.
        held: i64,
        /// Units allocated now.
        allocated: i64,
    },
    /// The reference was used on this account for another change.
    ReferenceReused {
        /// The kind of the other change.
        kind: MovementKind,
        /// Its quantity.
        quantity: i64,
    },
    /// A hold cannot be taken: these accounts are short.
    HoldRefused {
        /// All of them, sorted by account.
        shortages: Vec<Shortage>,
    },
    /// The hold, or the part asked for, has ended in another way.
    HoldEnded {
        /// How.
        state: PartState,
    },
    /// The hold was given up before it arrived: it will never be taken.
    HoldGivenUp,
    /// The period would overlap another one of the same SKU and channel.
    PeriodOverlaps {
        /// The other one.
        period: PeriodName,
    },
    /// The period has begun, so that it cannot be changed in this way.
    PeriodBegun,
    /// The tenant has as many endpoints of webhooks as it may have.
    TooManyWebhooks,
    /// The place in the feed is of another epoch: a restore has replaced that feed.
    CursorOfAnotherEpoch,
    /// A balance or total would leave the range of 64 bits.
    OutOfRange,
}

impl Refusal {
    /// The stable code, as the API shows it; documented in `api/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidField(_) => "invalid_field",
            Self::OrderRefused { .. } => "order_refused",
            Self::KeyReused => "idempotency_key_reused",
            Self::SubmitAbandoned => "submit_abandoned",
            Self::NotDecidedInTime { .. } => "not_decided_in_time",
            Self::NotFound { .. } => "not_found",
            Self::OrderState { .. } => "order_state",
            Self::PaymentOpen { .. } => "payment_open",
            Self::GoodsShipped { .. } => "goods_shipped",
            Self::NotDelivered { .. } => "not_delivered",
            Self::OrderPaused { .. } => "order_paused",
            Self::RefundTooLarge { .. } => "refund_too_large",
            Self::LineQuantity { .. } => "line_quantity",
            Self::ReturnWindowClosed { .. } => "return_window_closed",
            Self::ReturnState { .. } => "return_state",
            Self::PaymentRefused { .. } => "payment_refused",
            Self::NothingOwed => "nothing_owed",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::BreaksHolds { .. } => "breaks_holds",
            Self::ReferenceReused { .. } => "reference_reused",
            Self::HoldRefused { .. } => "hold_refused",
            Self::HoldEnded { .. } => "hold_ended",
            Self::HoldGivenUp => "hold_given_up",
            Self::PeriodOverlaps { .. } => "period_overlaps",
            Self::PeriodBegun => "period_begun",
            Self::TooManyWebhooks => "too_many_webhooks",
            Self::CursorOfAnotherEpoch => "cursor_of_another_epoch",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// Nothing of this kind can be seen.
    pub fn not_found(what: &str) -> Self {
        Self::NotFound { what: what.to_owned() }
    }
}
