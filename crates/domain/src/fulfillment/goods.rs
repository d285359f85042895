//! Where an order's goods are, summed up from its shipments, refunds and returns; and what the ledger must know of it.

use super::{LineQuantity, Return, ReturnState, Shipment, ShipmentState, units_of};
use crate::id::{Quantity, Reference};
use crate::ledger::{AccountKey, LedgerRequest};
use crate::money::Minor;
use crate::order::{FulfillmentStatus, Order};
use crate::payment::Refund;

/// What has happened to the goods of an order. Refunds: those of the order alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goods {
    /// Its shipments.
    pub shipments: Vec<Shipment>,
    /// Its refunds.
    pub refunds: Vec<Refund>,
    /// Its returns.
    pub returns: Vec<Return>,
}

/// One account that an order's part of its hold claimed, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The account.
    pub account: AccountKey,
    /// Units.
    pub units: i64,
}

impl Goods {
    fn shipped(&self, line_no: i32) -> i64 {
        self.shipments.iter().map(|shipment| units_of(line_no, &shipment.lines)).sum()
    }

    fn delivered(&self, line_no: i32) -> i64 {
        let delivered = self.shipments.iter().filter(|shipment| shipment.state == ShipmentState::Delivered);
        delivered.map(|shipment| units_of(line_no, &shipment.lines)).sum()
    }

    fn taken_off(&self, line_no: i32) -> i64 {
        self.refunds.iter().map(|refund| units_of(line_no, &refund.lines)).sum()
    }

    fn coming_back(&self, line_no: i32) -> i64 {
        let counting = self.returns.iter().filter(|returned| returned.counts());
        counting.map(|returned| units_of(line_no, &returned.lines)).sum()
    }

    /// Units of a line that are still to be shipped.
    pub fn unshipped(&self, order: &Order, line_no: i32) -> i64 {
        let ordered = order.lines.iter().find(|line| line.line_no == line_no);
        ordered.map_or(0, |line| line.quantity.units()) - self.shipped(line_no) - self.taken_off(line_no)
    }

    /// All that is still to be shipped, by line.
    pub fn all_unshipped(&self, order: &Order) -> Vec<LineQuantity> {
        let left = order.lines.iter().map(|line| {
            let quantity = self.unshipped(order, line.line_no);
            LineQuantity { line_no: line.line_no, quantity }
        });
        left.filter(|line| line.quantity > 0).collect()
    }

    /// Units of a line that arrived and are not on their way back.
    pub fn returnable(&self, line_no: i32) -> i64 {
        self.delivered(line_no) - self.coming_back(line_no)
    }

    /// Whether everything that was not taken off has arrived.
    pub fn all_delivered(&self, order: &Order) -> bool {
        let mut arrived = 0;
        let all = order.lines.iter().all(|line| {
            arrived += self.delivered(line.line_no);
            line.quantity.units() - self.taken_off(line.line_no) == self.delivered(line.line_no)
        });
        all && arrived > 0
    }

    /// Where the goods are, in one word.
    pub fn status(&self, order: &Order) -> FulfillmentStatus {
        let sum = |units: &dyn Fn(i32) -> i64| order.lines.iter().map(|line| units(line.line_no)).sum::<i64>();
        let left = sum(&|line_no| self.unshipped(order, line_no));
        let (shipped, delivered) = (sum(&|line_no| self.shipped(line_no)), sum(&|line_no| self.delivered(line_no)));
        let received = self.returns.iter().filter(|returned| returned.state == ReturnState::Received);
        let returned: i64 = received.flat_map(|returned| &returned.lines).map(|line| line.quantity).sum();
        match (shipped, delivered, returned) {
            (0, _, _) => FulfillmentStatus::Unfulfilled,
            (_, 0, 0) if left > 0 => FulfillmentStatus::PartiallyShipped,
            (_, 0, 0) => FulfillmentStatus::Shipped,
            (_, _, 0) if left > 0 || delivered < shipped => FulfillmentStatus::PartiallyDelivered,
            (_, _, 0) => FulfillmentStatus::Delivered,
            (_, _, returned) if left > 0 || returned < shipped => FulfillmentStatus::PartiallyReturned,
            (_, _, _) => FulfillmentStatus::Returned,
        }
    }

    /// What the ledger must know of one account of a sold order, each under a reference that only this fact has. `ended`:
    /// the order was cancelled, so that what was neither shipped nor taken off goes back.
    pub fn movements(&self, order: &Order, claim: &Claim, ended: bool) -> Vec<LedgerRequest> {
        let (tenant, account) = (order.tenant, &claim.account);
        let is_stock = matches!(account, AccountKey::Stock(_));
        let reference = |what: &str, n: i32| Reference::from_stored(format!("{}/{what}/{n}", order.no));
        let mut movements = Vec::new();
        let mut left = claim.units;
        for shipment in &self.shipments {
            let units = claim.units_in(order, &shipment.lines);
            left -= units;
            // A quota is used up by what was bought; only goods leave.
            if units > 0 && is_stock {
                let (quantity, reference) = (Quantity::from_stored(units), reference("shipment", shipment.n));
                movements.push(LedgerRequest::Ship { tenant, account: account.clone(), quantity, reference });
            }
        }
        for refund in &self.refunds {
            let units = claim.units_in(order, &refund.lines);
            left -= units;
            if units > 0 {
                let (quantity, reference) = (Quantity::from_stored(units), reference("refund", refund.n));
                movements.push(LedgerRequest::Unallocate { tenant, account: account.clone(), quantity, reference });
            }
        }
        if ended && left > 0 {
            let (quantity, reference) = (Quantity::from_stored(left), ended_reference(order, order.hold_n));
            movements.push(LedgerRequest::Unallocate { tenant, account: account.clone(), quantity, reference });
        }
        for returned in self.returns.iter().filter(|returned| returned.state == ReturnState::Received && is_stock) {
            let delta = claim.units_in(order, &returned.restocked);
            if delta > 0 {
                let (account, reference) = (account.clone(), reference("return", returned.n));
                movements.push(LedgerRequest::Adjust { tenant, account, delta, reference, force: false });
            }
        }
        movements
    }
}

impl Claim {
    /// All of it goes back, since the hold `n` that it is of is over. Nothing was shipped or refunded of it: its order was
    /// never paid with this hold.
    pub fn given_back(self, order: &Order, n: i32) -> LedgerRequest {
        let (quantity, reference) = (Quantity::from_stored(self.units), ended_reference(order, n));
        LedgerRequest::Unallocate { tenant: order.tenant, account: self.account, quantity, reference }
    }

    /// How many of these units of lines come from this account. All lines of a SKU in an order have one account of a kind.
    fn units_in(&self, order: &Order, lines: &[LineQuantity]) -> i64 {
        let of_sku = order.lines.iter().filter(|line| line.sku == *self.account.sku());
        of_sku.map(|line| units_of(line.line_no, lines)).sum()
    }
}

/// The reference under which an order gives back what was sold of its hold `n`: only the end of this hold can have it. Late
/// money may bring an order back to life, so it may end once more, with another hold.
pub fn ended_reference(order: &Order, n: i32) -> Reference {
    let order_no = &order.no;
    Reference::from_stored(if n == 1 { format!("{order_no}/ended") } else { format!("{order_no}/ended/{n}") })
}

/// What these units cost the buyer, without freight and discounts.
pub fn cost(order: &Order, lines: &[LineQuantity]) -> Minor {
    let cost = |wanted: &LineQuantity| {
        let line = order.lines.iter().find(|line| line.line_no == wanted.line_no)?;
        line.unit_price.checked_mul(wanted.quantity)
    };
    Minor(lines.iter().filter_map(cost).fold(0, |sum, cost| sum.saturating_add(cost.0)))
}
