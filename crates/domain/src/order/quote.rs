//! Judging a submit: prices, shelf and sums against the catalog, all differences at once; then splitting it by seller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::OrderNo;
use super::offer::{Offer, demands};
use super::record::{HoldAxis, Life, Order, OrderLine, Snapshot};
use super::state::{FulfillmentStatus, OrderStatus, PaymentStatus};
use crate::catalog::Sku;
use crate::id::{
    BuyerId, ClientId, Fingerprint, GroupKey, InvalidCode, InvalidField, Quantity, SellerId, SkuCode, TenantId, Version,
};
use crate::ledger::Demand;
use crate::money::{Currency, Minor};
use crate::refusal::{Difference, Refusal};
use crate::tenant::PriceSource;
use crate::time::UnixMillis;

/// The limits of one submit. Each keeps a batch small enough that no request can hold up the others.
pub struct Limits;

impl Limits {
    /// Lines of one submit.
    pub const LINES_MAX: usize = 1_000;
    /// Adjustments of one submit.
    pub const ADJUSTMENTS_MAX: usize = 1_000;
    /// Bytes of the address JSON.
    pub const ADDRESS_BYTES_MAX: usize = 4_096;
    /// Bytes of the note.
    pub const NOTE_BYTES_MAX: usize = 1_024;
    /// Bytes of a caller's snapshot, each line.
    pub const SNAPSHOT_BYTES_MAX: usize = 4_096;
    /// Bytes of the channel's name.
    pub const CHANNEL_BYTES_MAX: usize = 32;
}

/// One line as submitted. Stored with accepted submits: fields may be added with a default, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitLine {
    /// What.
    pub sku: SkuCode,
    /// Who the caller believes sells it; `None`: whoever the catalog says.
    #[serde(default)]
    pub seller: Option<SellerId>,
    /// How many.
    pub quantity: Quantity,
    /// The unit price that the buyer saw, or that the caller sets.
    pub unit_price: Minor,
    /// Its currency.
    pub currency: Currency,
    /// The title, from callers that set prices.
    pub title: Option<String>,
    /// The caller's opaque goods snapshot, JSON.
    pub snapshot: Option<String>,
}

/// What an adjustment does to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentKind {
    /// Adds.
    Freight,
    /// Takes away.
    Discount,
}

/// What an adjustment belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentTarget {
    /// A line of the submit, from 1.
    Line(i32),
    /// All lines of a seller.
    Seller(SellerId),
}

/// Freight or discount, decided by the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// What it does.
    pub kind: AdjustmentKind,
    /// What it belongs to.
    pub target: AdjustmentTarget,
    /// How much, never negative.
    pub amount: Minor,
    /// The caller's reference.
    pub reference: String,
}

/// A checked submit: every text and number within its limits. Stored where it was accepted before it was decided: fields
/// may be added with a default, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    /// Whose.
    pub tenant: TenantId,
    /// The integration that sent it.
    pub client: ClientId,
    /// Its identity.
    pub key: GroupKey,
    /// Who buys.
    pub buyer: BuyerId,
    /// Through which channel; may be empty.
    pub channel: String,
    /// What.
    pub lines: Vec<SubmitLine>,
    /// Freight and discounts.
    pub adjustments: Vec<Adjustment>,
    /// The total that the buyer saw.
    pub expected_total: Option<Minor>,
    /// Where to, opaque JSON.
    pub address: Option<String>,
    /// The buyer's words.
    pub note: Option<String>,
    /// Where prices come from.
    pub price_source: PriceSource,
}

impl Submit {
    /// Checks what the types do not: counts and lengths.
    pub fn check(&self) -> Result<(), InvalidField> {
        if self.lines.is_empty() {
            return Err(InvalidField::new("/lines", InvalidCode::Empty, "must have at least one line"));
        }
        at_most("/lines", self.lines.len(), Limits::LINES_MAX, "lines")?;
        at_most("/adjustments", self.adjustments.len(), Limits::ADJUSTMENTS_MAX, "adjustments")?;
        at_most("/address", self.address.as_ref().map_or(0, String::len), Limits::ADDRESS_BYTES_MAX, "bytes")?;
        at_most("/note", self.note.as_ref().map_or(0, String::len), Limits::NOTE_BYTES_MAX, "bytes")?;
        at_most("/channel", self.channel.len(), Limits::CHANNEL_BYTES_MAX, "bytes")?;
        for (field, text) in [
            ("/note", self.note.as_deref()),
            ("/channel", Some(self.channel.as_str())),
            ("/address", self.address.as_deref()),
        ] {
            no_nul(field, text)?;
        }
        for (place, line) in self.lines.iter().enumerate() {
            let field = |name: &str| format!("/lines/{place}/{name}");
            at_most(
                &field("snapshot"),
                line.snapshot.as_ref().map_or(0, String::len),
                Limits::SNAPSHOT_BYTES_MAX,
                "bytes",
            )?;
            no_nul(&field("snapshot"), line.snapshot.as_deref())?;
            if let Some(title) = &line.title {
                crate::catalog::check_title(&field("title"), title)?;
            } else if self.price_source == PriceSource::Caller {
                return Err(InvalidField::new(
                    &field("title"),
                    InvalidCode::Empty,
                    "is required where the caller sets prices",
                ));
            }
        }
        for (place, adjustment) in self.adjustments.iter().enumerate() {
            let field = format!("/adjustments/{place}");
            at_most(&field, adjustment.reference.len(), 128, "bytes of reference")?;
            no_nul(&field, Some(&adjustment.reference))?;
            if self.price_source == PriceSource::Catalog {
                return Err(InvalidField::new(
                    &field,
                    InvalidCode::Malformed,
                    "only callers that set prices may send adjustments",
                ));
            }
            if let AdjustmentTarget::Line(line_no) = adjustment.target
                && !usize::try_from(line_no).is_ok_and(|line_no| (1..=self.lines.len()).contains(&line_no))
            {
                return Err(InvalidField::new(&field, InvalidCode::OutOfRange, format!("there is no line {line_no}")));
            }
        }
        Ok(())
    }

    /// The fingerprint of what was asked for. Two requests with one key must agree in it.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        field(b"submit.1");
        field(self.buyer.as_str().as_bytes());
        field(self.channel.as_bytes());
        for line in &self.lines {
            field(line.sku.as_str().as_bytes());
            field(&line.quantity.units().to_be_bytes());
            field(&line.unit_price.0.to_be_bytes());
            field(line.currency.as_str().as_bytes());
            field(line.title.as_deref().unwrap_or_default().as_bytes());
            field(line.snapshot.as_deref().unwrap_or_default().as_bytes());
            if let Some(seller) = &line.seller {
                field(b"seller");
                field(seller.as_str().as_bytes());
            }
        }
        for adjustment in &self.adjustments {
            field(match adjustment.kind {
                AdjustmentKind::Freight => b"freight",
                AdjustmentKind::Discount => b"discount",
            });
            match &adjustment.target {
                AdjustmentTarget::Line(line_no) => field(&line_no.to_be_bytes()),
                AdjustmentTarget::Seller(seller) => field(seller.as_str().as_bytes()),
            }
            field(&adjustment.amount.0.to_be_bytes());
            field(adjustment.reference.as_bytes());
        }
        field(&self.expected_total.map_or([0xff; 8], |total| total.0.to_be_bytes()));
        field(self.address.as_deref().unwrap_or_default().as_bytes());
        field(self.note.as_deref().unwrap_or_default().as_bytes());
        Fingerprint(hash.finalize().into())
    }
}

fn at_most(field: &str, count: usize, max: usize, what: &str) -> Result<(), InvalidField> {
    if count <= max {
        Ok(())
    } else {
        Err(InvalidField::new(field, InvalidCode::TooLong, format!("must have at most {max} {what}, has {count}")))
    }
}

fn no_nul(field: &str, text: Option<&str>) -> Result<(), InvalidField> {
    match text {
        Some(text) if text.contains('\0') => {
            Err(InvalidField::new(field, InvalidCode::BadCharacter, "must not contain NUL"))
        }
        _ => Ok(()),
    }
}

/// A submit that the catalog agrees with: what to hold and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// One part per seller, sorted by seller.
    pub parts: Vec<QuotePart>,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What is owed for the whole group.
    pub total: Minor,
    /// What to hold, in the order of the lines.
    pub demands: Vec<Demand>,
    /// The catalog versions it was judged against, in the order of the lines.
    pub versions: Vec<Version>,
}

/// One seller's part of a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotePart {
    /// Who sells.
    pub seller: SellerId,
    /// Its lines.
    pub lines: Vec<OrderLine>,
    /// Its adjustments.
    pub adjustments: Vec<Adjustment>,
    /// Sum of the lines.
    pub goods: Minor,
    /// Sum of the freight.
    pub freight: Minor,
    /// Sum of the discounts.
    pub discount: Minor,
    /// What is owed.
    pub total: Minor,
}

/// Judges a submit against what is offered now: `offers[i]` is what the shop offers for line i.
pub fn quote(submit: &Submit, offers: &[Option<Offer>]) -> Result<Quote, Refusal> {
    let mut differences = Vec::new();
    let currency = expected_currency(submit, offers);
    let mut parts: BTreeMap<SellerId, QuotePart> = BTreeMap::new();
    let mut seller_of_line: Vec<Option<SellerId>> = Vec::with_capacity(submit.lines.len());
    let mut versions = Vec::with_capacity(submit.lines.len());
    for (place, (line, sku)) in submit.lines.iter().zip(offers).enumerate() {
        let Some(sku) = sku else {
            differences.push(Difference::UnknownSku { line: place, sku: line.sku.clone() });
            seller_of_line.push(None);
            continue;
        };
        differences.extend(line_differences(submit, place, line, sku, currency));
        seller_of_line.push(Some(sku.seller.clone()));
        versions.push(sku.version);
        let part = parts.entry(sku.seller.clone()).or_insert_with(|| QuotePart::empty(sku.seller.clone()));
        let total = line.unit_price.checked_mul(line.quantity.units()).ok_or(Refusal::OutOfRange)?;
        part.goods = part.goods.checked_add(total).ok_or(Refusal::OutOfRange)?;
        part.lines.push(order_line(submit, place, line, sku, total));
    }
    for (place, adjustment) in submit.adjustments.iter().enumerate() {
        let seller = match &adjustment.target {
            AdjustmentTarget::Seller(seller) => Some(seller.clone()),
            AdjustmentTarget::Line(line_no) => {
                usize::try_from(line_no - 1).ok().and_then(|line| seller_of_line.get(line).cloned()).flatten()
            }
        };
        // A line without a seller is an unknown SKU, reported above.
        let Some(seller) = seller else { continue };
        let Some(part) = parts.get_mut(&seller) else {
            differences.push(Difference::AdjustmentWithoutLine { adjustment: place, seller });
            continue;
        };
        let sum = match adjustment.kind {
            AdjustmentKind::Freight => &mut part.freight,
            AdjustmentKind::Discount => &mut part.discount,
        };
        *sum = sum.checked_add(adjustment.amount).ok_or(Refusal::OutOfRange)?;
        part.adjustments.push(adjustment.clone());
    }
    let mut total = Minor::ZERO;
    for part in parts.values_mut() {
        let gross = part.goods.checked_add(part.freight).ok_or(Refusal::OutOfRange)?;
        if gross < part.discount {
            let (seller, discount) = (part.seller.clone(), part.discount);
            differences.push(Difference::DiscountTooLarge { seller, gross, discount, currency });
        }
        part.total = gross.checked_sub(part.discount).ok_or(Refusal::OutOfRange)?;
        total = total.checked_add(part.total).ok_or(Refusal::OutOfRange)?;
    }
    match submit.expected_total {
        Some(expected) if differences.is_empty() && expected != total => {
            differences.push(Difference::TotalDiffers { expected, actual: total, currency });
        }
        _ => {}
    }
    if differences.is_empty() {
        Ok(Quote { parts: parts.into_values().collect(), currency, total, demands: demands(submit, offers), versions })
    } else {
        Err(Refusal::OrderRefused { differences })
    }
}

/// The currency that every line must have: the catalog's, or the first line's where the caller sets prices.
fn expected_currency(submit: &Submit, offers: &[Option<Offer>]) -> Currency {
    let of_catalog = match submit.price_source {
        PriceSource::Catalog => offers.iter().flatten().next().map(|sku| sku.currency),
        PriceSource::Caller => None,
    };
    of_catalog.unwrap_or(submit.lines[0].currency)
}

fn line_differences(
    submit: &Submit,
    place: usize,
    line: &SubmitLine,
    sku: &Offer,
    currency: Currency,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(given) = line.seller.as_ref().filter(|given| **given != sku.seller) {
        let (sku, given, actual) = (sku.code.clone(), given.clone(), sku.seller.clone());
        differences.push(Difference::SellerDiffers { line: place, sku, given, actual });
    }
    if !sku.on_shelf {
        differences.push(Difference::OffShelf { line: place, sku: sku.code.clone() });
    }
    differences.extend(sku.closed(place));
    // In a catalog of several currencies, the lines of one submit must still agree.
    let mixed = submit.price_source == PriceSource::Catalog && sku.currency != currency;
    if line.currency != currency || mixed {
        let (sku, given) = (sku.code.clone(), if mixed { sku.currency } else { line.currency });
        differences.push(Difference::CurrencyDiffers { line: place, sku, given, expected: currency });
    } else if submit.price_source == PriceSource::Catalog && line.unit_price != sku.price {
        let (old_price, new_price) = (line.unit_price, sku.price);
        differences.push(Difference::PriceChanged {
            line: place,
            sku: sku.code.clone(),
            old_price,
            new_price,
            currency,
        });
    }
    differences
}

fn order_line(submit: &Submit, place: usize, line: &SubmitLine, sku: &Sku, total: Minor) -> OrderLine {
    let (title, snapshot) = match submit.price_source {
        PriceSource::Catalog => (sku.title.clone(), Snapshot::Catalog(sku.version)),
        PriceSource::Caller => {
            (line.title.clone().unwrap_or_else(|| sku.title.clone()), Snapshot::Caller(line.snapshot.clone()))
        }
    };
    OrderLine {
        line_no: i32::try_from(place + 1).expect("a submit has at most 1,000 lines"),
        sku: line.sku.clone(),
        quantity: line.quantity,
        title,
        unit_price: line.unit_price,
        total,
        snapshot,
    }
}

impl QuotePart {
    fn empty(seller: SellerId) -> Self {
        let zero = Minor::ZERO;
        Self {
            seller,
            lines: Vec::new(),
            adjustments: Vec::new(),
            goods: zero,
            freight: zero,
            discount: zero,
            total: zero,
        }
    }
}

impl Quote {
    /// The orders to write, one per seller, under the numbers that the hold keeps. `None` if a seller has no number:
    /// the hold was taken for other sellers.
    pub fn orders(
        self,
        submit: &Submit,
        order_nos: &[(SellerId, OrderNo)],
        hold_n: i32,
        pay_within_ms: i64,
    ) -> Option<Vec<Order>> {
        let currency = self.currency;
        self.parts
            .into_iter()
            .map(|part| {
                let (_, no) = order_nos.iter().find(|(seller, _)| *seller == part.seller)?;
                let free = part.total == Minor::ZERO;
                Some(Order {
                    tenant: submit.tenant,
                    no: no.clone(),
                    group: submit.key.clone(),
                    hold_n,
                    client: submit.client.clone(),
                    buyer: submit.buyer.clone(),
                    seller: part.seller,
                    channel: submit.channel.clone(),
                    status: if free { OrderStatus::Confirmed } else { OrderStatus::PendingPayment },
                    payment: if free { PaymentStatus::Paid } else { PaymentStatus::Unpaid },
                    fulfillment: FulfillmentStatus::Unfulfilled,
                    hold: if free { HoldAxis::Committed } else { HoldAxis::Held },
                    version: Version::FIRST,
                    currency,
                    goods: part.goods,
                    freight: part.freight,
                    discount: part.discount,
                    total: part.total,
                    lines: part.lines,
                    adjustments: part.adjustments,
                    address: submit.address.clone(),
                    note: submit.note.clone(),
                    created: UnixMillis::default(),
                    pay_deadline: UnixMillis(pay_within_ms),
                    ended: None,
                    life: Life::default(),
                })
            })
            .collect()
    }
}
