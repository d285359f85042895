//! One attempt to pay: by itself, against the orders that wait for it, and against what became of the money.

use super::Order;
use super::refund::Refund;
use crate::audit::rows::Row;
use crate::audit::stored::Share;

/// An attempt's row.
pub(super) struct Attempt {
    amount: i64,
    pub(super) captured: Option<i64>,
    /// 1 if what was captured belongs to its orders.
    pub(super) attached: Option<i64>,
    captured_ms: Option<i64>,
    opened_ms: i64,
    deadline_ms: i64,
    next_look_ms: Option<i64>,
    state: String,
    pub(super) currency: String,
    pub(super) captured_currency: Option<String>,
    /// `None`: the text is not what it should be.
    shares: Option<Vec<Share>>,
    flag: Option<String>,
}

impl Attempt {
    pub(super) fn read(row: &Row<'_>) -> anyhow::Result<Self> {
        Ok(Self {
            amount: row.int(5)?,
            captured: row.opt_int(6)?,
            attached: row.opt_int(7)?,
            captured_ms: row.opt_int(8)?,
            opened_ms: row.int(9)?,
            deadline_ms: row.int(10)?,
            next_look_ms: row.opt_int(11)?,
            state: row.text(12)?.to_owned(),
            currency: row.text(13)?.to_owned(),
            captured_currency: row.opt_text(14)?.map(str::to_owned),
            shares: row.opt_text(15)?.and_then(|shares| serde_json::from_str(shares).ok()),
            flag: row.opt_text(16)?.map(str::to_owned),
        })
    }

    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "opening" | "open" | "closing")
    }

    fn shares(&self) -> &[Share] {
        self.shares.as_deref().unwrap_or_default()
    }

    /// What is wrong with the row by itself.
    pub(super) fn fault(&self) -> Option<String> {
        let Self { amount, opened_ms, deadline_ms, state, .. } = self;
        let Some(shares) = &self.shares else { return Some("its shares cannot be understood".to_owned()) };
        let sum: i128 = shares.iter().map(|share| i128::from(share.1)).sum();
        if shares.is_empty() || sum != i128::from(*amount) {
            return Some(format!("it is to pay {amount}, but its shares come to {sum}"));
        }
        if opened_ms >= deadline_ms {
            return Some(format!("it was opened at {opened_ms} ms, not before its deadline {deadline_ms} ms"));
        }
        let parts = [self.captured, self.captured_ms, self.attached].map(|part| part.is_some());
        let has_captured = parts[0];
        if parts.iter().any(|part| *part != has_captured) || self.captured_currency.is_some() != has_captured {
            return Some("what it captured lacks its sum, currency, instant, or whether it is attached".to_owned());
        }
        if (state == "captured") != has_captured {
            let what = if has_captured { "money" } else { "no money" };
            return Some(format!("it is {state}, and has captured {what}"));
        }
        let next = self.next_look_ms.map_or("never".to_owned(), |at| format!("at {at} ms"));
        let looked_at = match (state.as_str(), self.attached) {
            ("opening" | "open" | "closing", _) => self.next_look_ms.is_some(),
            ("captured", Some(1)) => self.next_look_ms.is_none(),
            // Judged with the refunds of it.
            ("captured", _) => true,
            // Its provider spoke of another amount: somebody looks once more.
            ("failed" | "closed", _) => self.next_look_ms.is_none() || self.flag.as_deref() == Some("amount_differs"),
            _ => return Some(format!("its state {state:?} is none that this program knows")),
        };
        (!looked_at).then(|| format!("it is {state}, and is looked at next {next}"))
    }

    /// What is wrong between it and the orders that wait for money.
    pub(super) fn open_fault(&self, orders: &[Order]) -> Option<String> {
        let waiting = orders.iter().filter(|order| order.payment == "processing");
        let waiting: Vec<&str> = waiting.map(|order| order.no.as_str()).collect();
        let state = &self.state;
        if !self.is_open() {
            return (!waiting.is_empty()).then(|| format!("it is {state}, but the orders {waiting:?} wait for it"));
        }
        let mut shares: Vec<&str> = self.shares().iter().map(|share| share.0.as_str()).collect();
        shares.sort_unstable();
        let all_wait = orders.iter().all(|order| order.status == "pending_payment");
        if waiting != shares || orders.len() != waiting.len() || !all_wait {
            let named: Vec<(&str, &str, &str)> =
                orders.iter().map(|order| (order.no.as_str(), &*order.status, &*order.payment)).collect();
            return Some(format!("it is {state} for the orders {shares:?}, but those that name it are {named:?}"));
        }
        let late = orders.iter().find(|order| order.pay_deadline_ms < self.deadline_ms);
        late.map(|order| format!("it may be paid after the deadline of order {}", order.no))
    }

    /// What is wrong with where the money is.
    pub(super) fn captured_fault(&self, orders: &[Order], refunds: &[Refund]) -> Option<String> {
        match (self.captured, self.attached) {
            (None, _) if self.is_open() && refunds.is_empty() => {
                let paid = orders.iter().find(|order| order.captured != 0)?;
                Some(format!("it has captured nothing, but order {} has {} of it", paid.no, paid.captured))
            }
            (None, _) => {
                let (named, of_it) = (orders.len(), refunds.len());
                let state = &self.state;
                let right = named == 0 && of_it == 0;
                (!right).then(|| format!("it is {state} without money, but {named} orders and {of_it} refunds name it"))
            }
            (Some(captured), Some(1)) => self.attached_fault(captured, orders, refunds),
            (Some(captured), _) => self.unattached_fault(captured, orders, refunds),
        }
    }

    fn attached_fault(&self, captured: i64, orders: &[Order], refunds: &[Refund]) -> Option<String> {
        let Self { amount, currency, captured_currency, .. } = self;
        if captured != *amount || captured_currency.as_ref() != Some(currency) {
            let of = captured_currency.as_deref().unwrap_or_default();
            return Some(format!("{captured} {of} are its orders', which owed {amount} {currency}"));
        }
        let mut shares: Vec<(&str, i64)> = self.shares().iter().map(|share| (share.0.as_str(), share.1)).collect();
        shares.sort_unstable();
        let paid: Vec<(&str, i64)> = orders.iter().map(|order| (order.no.as_str(), order.captured)).collect();
        if shares != paid {
            return Some(format!("its money is {shares:?}, but the orders paid by it have {paid:?}"));
        }
        if let Some(other) = orders.iter().find(|order| order.currency != *currency) {
            return Some(format!("order {} is in {}, and was paid in {currency}", other.no, other.currency));
        }
        let of_none = refunds.iter().find(|refund| orders.iter().all(|order| order.no != refund.order_no));
        of_none.map(|refund| format!("refund {} gives back {} of none of its orders", refund.n, refund.amount))
    }

    fn unattached_fault(&self, captured: i64, orders: &[Order], refunds: &[Refund]) -> Option<String> {
        if let Some(order) = orders.first() {
            return Some(format!("its money belongs to no order, but order {} names it", order.no));
        }
        if let Some(refund) = refunds.iter().find(|refund| !refund.order_no.is_empty()) {
            let (n, order_no) = (refund.n, &refund.order_no);
            return Some(format!("its money belongs to no order, but refund {n} gives it back for order {order_no}"));
        }
        let back: i128 = refunds.iter().map(|refund| i128::from(refund.amount)).sum();
        let is_decided = back == i128::from(captured);
        let waits = self.next_look_ms.is_some() && refunds.is_empty();
        (!is_decided && !waits).then(|| {
            let left = i128::from(captured) - back;
            format!("its money belongs to no order, and {back} of {captured} go back: nobody looks after {left}")
        })
    }
}
