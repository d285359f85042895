//! Refunds: each by itself, and all of an order together.

use super::Order;
use crate::audit::report::Returned;
use crate::audit::rows::Row;

/// A refund's row.
pub(super) struct Refund {
    pub(super) n: i64,
    /// Empty: the money belongs to no order.
    pub(super) order_no: String,
    pub(super) amount: i64,
    next_try_ms: Option<i64>,
    state: String,
    currency: String,
}

impl Refund {
    pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Self> {
        Ok(Self {
            order_no: row.text(3)?.to_owned(),
            n: row.int(4)?,
            amount: row.int(5)?,
            next_try_ms: row.opt_int(6)?,
            state: row.text(12)?.to_owned(),
            currency: row.text(13)?.to_owned(),
        })
    }

    fn has_succeeded(&self) -> bool {
        self.state == "succeeded"
    }

    /// What is wrong with the row by itself. `captured`: the currency that came.
    pub(super) fn fault(&self, captured: Option<&str>) -> Option<String> {
        let Self { n, amount, next_try_ms, state, currency, .. } = self;
        if !matches!(state.as_str(), "created" | "submitted" | "succeeded" | "failed") {
            return Some(format!("refund {n} has the state {state:?}, which this program does not know"));
        }
        if *amount < 1 || captured.is_some_and(|captured| captured != currency) {
            let captured = captured.unwrap_or_default();
            return Some(format!("refund {n} gives back {amount} {currency} of money that came in {captured}"));
        }
        (self.has_succeeded() != next_try_ms.is_none()).then(|| {
            let next = next_try_ms.map_or("never".to_owned(), |at| format!("at {at} ms"));
            format!("refund {n} is {state}, and is tried next {next}")
        })
    }
}

/// What refunds come to.
pub(super) fn sums<'a>(refunds: impl IntoIterator<Item = &'a Refund>) -> Returned {
    let mut sums = Returned::default();
    for refund in refunds {
        let sum = if refund.has_succeeded() { &mut sums.refunded } else { &mut sums.on_its_way };
        *sum = sum.saturating_add(refund.amount);
    }
    sums
}

/// How an order differs from its refunds.
pub(super) fn order_fault(order: &Order, refunds: &[Refund]) -> Option<String> {
    let of_order = sums(refunds.iter().filter(|refund| refund.order_no == order.no));
    let Order { no, refunding, refunded, .. } = order;
    let right = (*refunding, *refunded) == (of_order.on_its_way, of_order.refunded);
    (!right).then(|| {
        let Returned { on_its_way, refunded: succeeded } = of_order;
        format!(
            "order {no} says {refunding} on their way back and {refunded} given back, its refunds {on_its_way} and {succeeded}"
        )
    })
}
