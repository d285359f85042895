//! Money: each attempt to pay against its orders and the refunds of what it captured, so that every unit that came is
//! known to be with an order, back, on its way back, or waiting for that decision.
//!
//! Attempts, the orders that name them and the refunds are read side by side, one attempt at a time. All of it changes in
//! one database and is read in one state of it: nothing is a moment behind.

mod attempt;
mod refund;

use std::collections::BTreeMap;

use self::attempt::Attempt;
use self::refund::Refund;
use super::report::{Check, Money};
use super::rows::Row;
use super::source::{Source, statement};

/// The checks of this file, and what the money comes to.
pub(super) struct Payments {
    attempt: Check,
    open: Check,
    captured: Check,
    refund: Check,
    pub(super) money: BTreeMap<String, Money>,
}

impl Payments {
    fn new() -> Self {
        Self {
            attempt: Check::new(
                "payment_attempt",
                "an attempt's row says one thing, and what is left to do has its instant",
            ),
            open: Check::new("open_attempt", "an attempt is open exactly while its orders wait for it"),
            captured: Check::new("captured_money", "captured money is its orders', or all of it goes back"),
            refund: Check::new("refund", "refunds are driven until they succeed, and add up to what their order says"),
            money: BTreeMap::new(),
        }
    }

    pub(super) fn into_checks(self) -> [Check; 4] {
        [self.attempt, self.open, self.captured, self.refund]
    }
}

/// An order that names an attempt.
struct Order {
    no: String,
    captured: i64,
    refunding: i64,
    refunded: i64,
    pay_deadline_ms: i64,
    status: String,
    currency: String,
    payment: String,
}

/// What one attempt has.
struct Of {
    tenant: i64,
    id: String,
    attempt: Option<Attempt>,
    orders: Vec<Order>,
    refunds: Vec<Refund>,
}

/// The checks. Reads the database that orders are in.
pub(super) fn judge(orders: &Source) -> anyhow::Result<Payments> {
    let mut checks = Payments::new();
    let mut current: Option<Of> = None;
    let mut rows = orders.rows(statement!("payment"), &[])?;
    while let Some(row) = rows.next()? {
        let (tenant, id) = (row.int(0)?, row.text(1)?);
        if current.as_ref().is_none_or(|of| of.tenant != tenant || of.id != id) {
            let next = Of { tenant, id: id.to_owned(), attempt: None, orders: Vec::new(), refunds: Vec::new() };
            if let Some(of) = current.replace(next) {
                of.judge(&mut checks);
            }
        }
        if let Some(of) = &mut current {
            of.take_in(&row)?;
        }
    }
    if let Some(of) = current {
        of.judge(&mut checks);
    }
    Ok(checks)
}

impl Of {
    fn take_in(&mut self, row: &Row<'_>) -> anyhow::Result<()> {
        match row.int(2)? {
            0 => self.attempt = Some(Attempt::read(row)?),
            1 => self.orders.push(Order {
                no: row.text(3)?.to_owned(),
                captured: row.int(5)?,
                refunding: row.int(6)?,
                refunded: row.int(7)?,
                pay_deadline_ms: row.int(8)?,
                status: row.text(12)?.to_owned(),
                currency: row.text(13)?.to_owned(),
                payment: row.text(14)?.to_owned(),
            }),
            _ => self.refunds.push(Refund::read(row)?),
        }
        Ok(())
    }

    fn judge(&self, checks: &mut Payments) {
        let Self { id, attempt, orders, refunds, .. } = self;
        let Some(attempt) = attempt else {
            let numbers: Vec<&str> = orders.iter().map(|order| order.no.as_str()).collect();
            checks.attempt.judge(false, || {
                format!("attempt {id} does not exist, but the orders {numbers:?} and {} refunds name it", refunds.len())
            });
            return;
        };
        let put = |check: &mut Check, fault: Option<String>| {
            check.judge(fault.is_none(), || format!("attempt {id}: {}", fault.unwrap_or_default()));
        };
        put(&mut checks.attempt, attempt.fault());
        put(&mut checks.open, attempt.open_fault(orders));
        put(&mut checks.captured, attempt.captured_fault(orders, refunds));
        for refund in refunds {
            put(&mut checks.refund, refund.fault(attempt.captured_currency.as_deref()));
        }
        for order in orders {
            put(&mut checks.refund, refund::order_fault(order, refunds));
        }
        if let (Some(captured), Some(currency)) = (attempt.captured, &attempt.captured_currency) {
            let money = checks.money.entry(currency.clone()).or_default();
            money.add(captured, attempt.attached == Some(1), &refund::sums(refunds));
        }
    }
}
