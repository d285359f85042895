//! What a provider's word does: one rule for answers, callbacks and queries, in whatever order they come.
//!
//! A word is judged on the attempt and its orders as they are now, and becomes one [`Change`] or nothing. Captured money
//! is written down whatever else is true: attached to its orders if all of them still wait for it, else unattached, to be
//! looked at at once ([`super::Attempt::unattached`]).

use super::{Attempt, AttemptFlag, AttemptState, Captured, Refund, RefundState};
use crate::money::{Currency, Minor};
use crate::order::change::{Change, Due, OrderWrite, Satellite};
use crate::order::{EventKind, Order};
use crate::port::{ProviderWord, RefundWord};
use crate::time::UnixMillis;

/// How a word came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// As the answer to a question of ours: it is the truth of the provider's books.
    Asked,
    /// By a callback: signed, but perhaps confused. What contradicts is not believed, and the provider is asked.
    Told,
}

/// The change that a word about an attempt makes; `None`: it says nothing new. `orders`: those of the attempt's shares, as
/// they are stored now.
pub fn hear(attempt: &Attempt, orders: &[Order], word: &ProviderWord, heard: Heard) -> Option<Change> {
    match word {
        ProviderWord::Captured { amount, currency, reference } => {
            hear_captured(attempt, orders, (*amount, *currency), reference.as_deref(), heard)
        }
        ProviderWord::Failed { reason } if attempt.state.is_open() => {
            let mut failed = ended(attempt, AttemptState::Failed);
            failed.reason = Some(reason.clone());
            Some(end(failed, orders))
        }
        ProviderWord::Closed if attempt.state.is_open() => Some(end(ended(attempt, AttemptState::Closed), orders)),
        ProviderWord::Pending { pay, reference } => hear_pending(attempt, pay.as_deref(), reference.as_deref()),
        // Old words about an attempt that has ended, and "unknown", which whoever asked must act on.
        ProviderWord::Failed { .. } | ProviderWord::Closed | ProviderWord::Unknown => None,
    }
}

fn hear_pending(attempt: &Attempt, pay: Option<&str>, reference: Option<&str>) -> Option<Change> {
    let state = match attempt.state {
        AttemptState::Opening => AttemptState::Open,
        AttemptState::Open if attempt.pay.is_none() && pay.is_some() => AttemptState::Open,
        AttemptState::Open
        | AttemptState::Closing
        | AttemptState::Captured
        | AttemptState::Failed
        | AttemptState::Closed => return None,
    };
    let mut open = attempt.next(state);
    open.pay = pay.map(str::to_owned).or(open.pay);
    open.reference = reference.map(str::to_owned).or(open.reference);
    Some(Change { satellites: vec![Satellite::Attempt(Box::new(open))], ..Change::touch(attempt.tenant) })
}

fn hear_captured(
    attempt: &Attempt,
    orders: &[Order],
    (amount, currency): (Minor, Currency),
    reference: Option<&str>,
    heard: Heard,
) -> Option<Change> {
    if attempt.captured.is_some() {
        return None;
    }
    let as_owed = amount == attempt.amount && currency == attempt.currency;
    if !as_owed && heard == Heard::Told {
        // Looked at at once, but only once: a confused provider may say it again and again.
        let mut doubted = attempt.next(attempt.state);
        doubted.flag = Some(AttemptFlag::AmountDiffers);
        doubted.look_in(0);
        let is_new = attempt.flag != doubted.flag;
        return is_new.then(|| Change {
            satellites: vec![Satellite::Attempt(Box::new(doubted))],
            ..Change::touch(attempt.tenant)
        });
    }
    let mut captured = ended(attempt, AttemptState::Captured);
    captured.reference = reference.map(str::to_owned).or(captured.reference);
    let paid = if as_owed { paid_orders(attempt, orders) } else { None };
    captured.captured = Some(Captured { amount, currency, at: UnixMillis::default(), attached: paid.is_some() });
    let Some(paid) = paid else {
        captured.flag = Some(if as_owed { AttemptFlag::Late } else { AttemptFlag::CapturedOther });
        captured.look_in(0);
        return Some(end(captured, orders));
    };
    // Money of an attempt that is not open counts only where nobody can have seen the order expire.
    let first_deadline = orders.iter().map(|order| order.pay_deadline).min();
    let not_after = if attempt.state.is_open() { None } else { first_deadline };
    captured.flag = None;
    Some(Change {
        orders: paid.into_iter().map(|order| (OrderWrite::Update(Box::new(order)), EventKind::Confirmed)).collect(),
        satellites: vec![Satellite::Attempt(Box::new(captured))],
        not_after,
        ..Change::touch(attempt.tenant)
    })
}

/// Every order of the attempt, paid; `None` if any of them cannot be.
fn paid_orders(attempt: &Attempt, orders: &[Order]) -> Option<Vec<Order>> {
    let paid = attempt.shares.iter().map(|share| {
        let order = orders.iter().find(|order| order.no == share.order_no)?;
        order.captured(&attempt.id, share.amount).ok()
    });
    paid.collect()
}

/// The attempt in its last state: nothing is left to do.
fn ended(attempt: &Attempt, state: AttemptState) -> Attempt {
    Attempt { next_look: None, ..attempt.next(state) }
}

/// The attempt, and its orders waiting again, each to be looked at when its time comes.
fn end(attempt: Attempt, orders: &[Order]) -> Change {
    let tenant = attempt.tenant;
    let waiting: Vec<Order> = orders.iter().filter_map(|order| order.pay_ended(&attempt.id)).collect();
    let timers = waiting.iter().map(|order| {
        let due = order.life.hold_until.map_or(order.pay_deadline, |until| until.min(order.pay_deadline));
        (order.no.clone(), Due::At(due))
    });
    let timers = timers.collect();
    let writes = waiting.into_iter().map(|order| (OrderWrite::Update(Box::new(order)), EventKind::PaymentEnded));
    Change {
        orders: writes.collect(),
        satellites: vec![Satellite::Attempt(Box::new(attempt))],
        timers,
        ..Change::touch(tenant)
    }
}

/// The change that a word about a refund makes; `None`: it says nothing new. `order`: the refund's order as it is stored now.
pub fn hear_refund(refund: &Refund, order: Option<&Order>, word: &RefundWord) -> Option<Change> {
    if refund.state == RefundState::Succeeded {
        return None;
    }
    match word {
        RefundWord::Pending => None,
        RefundWord::Succeeded { reference } => {
            let mut succeeded = Refund { next_try: None, error: None, ..refund.next(RefundState::Succeeded) };
            succeeded.reference = reference.clone().or(succeeded.reference);
            let order = order.and_then(|order| order.refund_ended(refund.amount).ok());
            let orders = order.map(|order| (OrderWrite::Update(Box::new(order)), EventKind::RefundEnded));
            Some(Change {
                orders: orders.into_iter().collect(),
                satellites: vec![Satellite::Refund(Box::new(succeeded))],
                ..Change::touch(refund.tenant)
            })
        }
        RefundWord::Failed { reason } => {
            let mut failed = refund.next(RefundState::Failed);
            failed.error = Some(reason.clone());
            let is_new = refund.state != RefundState::Failed || refund.error != failed.error;
            is_new.then(|| Change {
                satellites: vec![Satellite::Refund(Box::new(failed))],
                ..Change::touch(refund.tenant)
            })
        }
    }
}
