//! Reading payments.

use holdline_domain::fulfillment::Shipment;
use holdline_domain::id::TenantId;
use holdline_domain::order::{GroupState, Order, OrderNo};
use holdline_domain::payment::{Attempt, AttemptId, PaymentNo, Refund};
use holdline_domain::refusal::Refusal;

use crate::App;
use crate::error::Error;

/// What is owed by its number, what was tried, and what went back.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Its number.
    pub no: PaymentNo,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Every refund of what they captured, by attempt and number.
    pub refunds: Vec<Refund>,
}

impl App {
    /// A payment by its number.
    pub async fn payment(&self, tenant: TenantId, no: &PaymentNo) -> Result<Payment, Error> {
        let attempts = self.inner.ports.life.attempts(tenant, std::slice::from_ref(no)).await?;
        if attempts.is_empty() {
            return Err(Refusal::not_found("payment").into());
        }
        self.with_refunds(tenant, no.clone(), attempts).await
    }

    async fn with_refunds(&self, tenant: TenantId, no: PaymentNo, attempts: Vec<Attempt>) -> Result<Payment, Error> {
        let ids: Vec<AttemptId> = attempts.iter().map(|attempt| attempt.id.clone()).collect();
        let refunds = self.inner.ports.life.refunds(tenant, &ids).await?;
        Ok(Payment { no, attempts, refunds })
    }

    /// The payments that an order took part in: its own, and its group's.
    pub async fn payments_of(&self, order: &Order) -> Result<Vec<Payment>, Error> {
        let submit = self.inner.ports.orders.submits(&[(order.tenant, order.group.clone())]).await?.pop();
        let first = match submit.and_then(|submit| submit.group).map(|group| group.state) {
            Some(GroupState::Placed { order_nos }) => order_nos.into_iter().next(),
            Some(GroupState::Refused { .. } | GroupState::Abandoned) | None => None,
        };
        let numbers: Vec<PaymentNo> =
            std::iter::once(PaymentNo::of_order(&order.no)).chain(first.as_ref().map(PaymentNo::of_group)).collect();
        let attempts = self.inner.ports.life.attempts(order.tenant, &numbers).await?;
        let mut payments = Vec::new();
        for no in numbers {
            let of_it = attempts.iter().filter(|attempt| attempt.id.payment == no);
            let of_it: Vec<Attempt> = of_it
                .filter(|attempt| attempt.shares.iter().any(|share| share.order_no == order.no))
                .cloned()
                .collect();
            if !of_it.is_empty() {
                payments.push(self.with_refunds(order.tenant, no, of_it).await?);
            }
        }
        Ok(payments)
    }

    /// The refunds of an order's money.
    pub async fn refunds_of(&self, order: &Order) -> Result<Vec<Refund>, Error> {
        let Some(attempt) = &order.life.attempt else { return Ok(Vec::new()) };
        let refunds = self.inner.ports.life.refunds(order.tenant, std::slice::from_ref(attempt)).await?;
        Ok(refunds.into_iter().filter(|refund| refund.order_no.as_ref() == Some(&order.no)).collect())
    }

    /// An order's shipments.
    pub async fn shipments_of(&self, tenant: TenantId, order_no: &OrderNo) -> Result<Vec<Shipment>, Error> {
        Ok(self.inner.ports.life.shipments(tenant, std::slice::from_ref(order_no)).await?)
    }
}
