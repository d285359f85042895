//! Money that belongs to no order: it goes back, or revives the orders that it was for, as the tenant's policy says.

use holdline_domain::fault::Fault;
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite, Satellite};
use holdline_domain::order::{EventKind, Order, OrderStatus};
use holdline_domain::payment::{Attempt, AttemptFlag, Captured, Refund, RefundReason};
use holdline_domain::tenant::LatePayment;

use super::TRIES_MAX;
use super::rehold::Reheld;
use crate::App;

impl App {
    /// Finds a place for an attempt's money. Returns the attempt as it is then.
    pub(super) async fn settle_unattached(&self, attempt: Attempt) -> Result<Attempt, Fault> {
        let (tenant, id) = (attempt.tenant, attempt.id.clone());
        let mut attempt = attempt;
        for _ in 0..TRIES_MAX {
            let Some(captured) = attempt.unattached() else { return Ok(attempt) };
            let refunds = self.inner.ports.life.refunds(tenant, std::slice::from_ref(&id)).await?;
            if !refunds.is_empty() {
                return Ok(attempt);
            }
            let orders = self.share_orders(&attempt).await?;
            let change = match self.revival(&attempt, &orders, captured).await? {
                Some(revival) => revival,
                None => refund(&attempt, &orders, captured),
            };
            let answer = self.inner.orders.send(change).await?;
            let Some(again) = self.inner.ports.life.attempt(tenant, &id).await? else { return Ok(attempt) };
            attempt = again;
            if let ChangeAnswer::Applied { now } = answer {
                self.saw_now(now);
                metrics::counter!("holdline_late_payments_total").increment(1);
                return Ok(attempt);
            }
        }
        // Looked at again by the follow-up: its next look stays.
        Ok(attempt)
    }

    /// The change that brings the attempt's orders back to life; `None` if they stay as they are.
    async fn revival(&self, attempt: &Attempt, orders: &[Order], captured: Captured) -> Result<Option<Change>, Fault> {
        let policy = self.tenant(attempt.tenant).map(|tenant| tenant.policies.late_payment);
        let all_expired =
            orders.len() == attempt.shares.len() && orders.iter().all(|order| order.status == OrderStatus::Expired);
        if policy != Some(LatePayment::ReviveElseRefund) || attempt.flag != Some(AttemptFlag::Late) || !all_expired {
            return Ok(None);
        }
        let mut revived = Vec::with_capacity(orders.len());
        for order in orders {
            let share = attempt.shares.iter().find(|share| share.order_no == order.no);
            let amount = share.map(|share| share.amount).unwrap_or_default();
            let Reheld::Held { n } = self.hold_again(order).await? else { return Ok(None) };
            match order.revived(&attempt.id, amount, n) {
                Ok(order) => revived.push((OrderWrite::Update(Box::new(order)), EventKind::Confirmed)),
                Err(_) => return Ok(None),
            }
        }
        let mut attached = attempt.next(attempt.state);
        attached.captured = Some(Captured { attached: true, ..captured });
        attached.next_look = None;
        Ok(Some(Change {
            orders: revived,
            satellites: vec![Satellite::Attempt(Box::new(attached))],
            ..Change::touch(attempt.tenant)
        }))
    }
}

fn refund(attempt: &Attempt, orders: &[Order], captured: Captured) -> Change {
    let paid_otherwise = orders.iter().any(|order| {
        order.life.captured.0 > 0 && order.life.attempt.as_ref().is_some_and(|paid_by| *paid_by != attempt.id)
    });
    let reason = match attempt.flag {
        Some(AttemptFlag::CapturedOther) => RefundReason::WrongAmount,
        Some(AttemptFlag::Late | AttemptFlag::AmountDiffers) | None if paid_otherwise => RefundReason::Duplicate,
        Some(AttemptFlag::Late | AttemptFlag::AmountDiffers) | None => RefundReason::Late,
    };
    let refund = Refund::draft(attempt.tenant, attempt.id.clone(), 1, (captured.amount, captured.currency), reason);
    let mut looked_at = attempt.next(attempt.state);
    looked_at.next_look = None;
    Change {
        satellites: vec![Satellite::Attempt(Box::new(looked_at)), Satellite::Refund(Box::new(refund))],
        ..Change::touch(attempt.tenant)
    }
}
