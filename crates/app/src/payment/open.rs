//! Opening an attempt: durable first, then created at its provider.
//!
//! An order that has an open attempt already gets another one only after the former is closed at its provider; an order
//! whose hold has lapsed is held again first, or not paid. That the deadline has not passed is judged inside the batch.

use std::time::Duration;

use holdline_domain::id::{BuyerId, ClientId, Fingerprint, GroupKey, IdempotencyKey, TenantId, Version};
use holdline_domain::money::Minor;
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite, Satellite};
use holdline_domain::order::{EventKind, GroupState, Obstacle, Order, OrderNo, OrderStatus};
use holdline_domain::payment::{
    Attempt, AttemptId, AttemptState, Heard, PaymentNo, ProviderAccount, ProviderName, Share,
};
use holdline_domain::port::PaymentOrder;
use holdline_domain::refusal::{Difference, Refusal};
use holdline_domain::time::UnixMillis;

use super::TRIES_MAX;
use super::rehold::Reheld;
use crate::App;
use crate::error::Error;

/// How soon an attempt of which the provider has not said anything is looked at, in milliseconds: after the longest call.
const LOOK_AFTER_MS: i64 = 15_000;

/// What is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayScope {
    /// One order by itself.
    Order(OrderNo),
    /// All orders of a group that wait for payment.
    Group(GroupKey),
}

/// A wish to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayRequest {
    /// Whose.
    pub tenant: TenantId,
    /// The integration that asks.
    pub client: ClientId,
    /// The request's key: sent again, it opens nothing again.
    pub key: IdempotencyKey,
    /// What is to be paid.
    pub scope: PayScope,
    /// Only this buyer's orders; `None`: whoever's.
    pub buyer: Option<BuyerId>,
    /// Where.
    pub provider: ProviderName,
    /// How, in the provider's words.
    pub method: Option<String>,
    /// Where the buyer's browser goes afterwards.
    pub return_url: Option<String>,
}

impl PayRequest {
    fn identity(&self) -> Fingerprint {
        Fingerprint::of(&[b"pay", self.client.as_str().as_bytes(), self.key.as_str().as_bytes()])
    }

    /// Whether an attempt of the same identity was asked for with the same words.
    fn is_as(&self, attempt: &Attempt) -> bool {
        attempt.provider == self.provider && attempt.method == self.method && attempt.return_url == self.return_url
    }
}

impl App {
    /// Opens an attempt. True with it: it was opened before by the same request.
    pub async fn open_payment(&self, request: PayRequest) -> Result<(Attempt, bool), Error> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let app = self.clone();
        self.inner.tasks.run_request(async move {
            // A client that hung up asks again with the same key.
            let _ = answer.send(app.open_owned(request).await);
        });
        let patience = Duration::from_millis(self.inner.settings.answer_within_ms);
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(_)) | Err(_) => Err(Error::OutcomeUnknown),
        }
    }

    async fn open_owned(&self, request: PayRequest) -> Result<(Attempt, bool), Error> {
        for _ in 0..TRIES_MAX {
            let (payment, orders) = self.scope_orders(&request).await?;
            let attempts = self.inner.ports.life.attempts(request.tenant, std::slice::from_ref(&payment)).await?;
            let identity = request.identity();
            if let Some(before) = attempts.iter().find(|attempt| attempt.request == identity) {
                if !request.is_as(before) {
                    return Err(Refusal::KeyReused.into());
                }
                return Ok((before.clone(), true));
            }
            let account = self.provider_account(request.tenant, &request.provider).await?;
            let Some(account) = account.filter(|account| account.enabled) else {
                return Err(Refusal::not_found("payment_provider").into());
            };
            let n = attempts.last().map_or(1, |last| last.id.n + 1);
            if n > AttemptId::N_MAX {
                return Err(Refusal::PaymentRefused { reason: "too many attempts".to_owned() }.into());
            }
            let id = AttemptId { payment, n };
            let Some(orders) = self.payable(&id, orders).await? else { continue };
            let attempt = draft(&request, id, &orders);
            if attempt.amount == Minor::ZERO {
                return Err(Refusal::NothingOwed.into());
            }
            let writes =
                orders.into_iter().map(|order| (OrderWrite::Update(Box::new(order)), EventKind::PaymentStarted));
            let change = Change {
                orders: writes.collect(),
                satellites: vec![Satellite::Attempt(Box::new(attempt.clone()))],
                not_after: Some(attempt.deadline),
                ..Change::touch(request.tenant)
            };
            match self.inner.orders.offer(change).await? {
                ChangeAnswer::Applied { now } => {
                    self.saw_now(now);
                    let mut opened = attempt;
                    opened.stamp(now);
                    return Ok((self.create_at_provider(&account, opened).await?, false));
                }
                ChangeAnswer::TooLate { now } => self.saw_now(now),
                ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. } => {}
                other @ (ChangeAnswer::GroupExists(_)
                | ChangeAnswer::AlreadyAccepted(_)
                | ChangeAnswer::NumbersPromised(_)
                | ChangeAnswer::NumberTaken(_)
                | ChangeAnswer::TooEarly { .. }) => unreachable!("an attempt is never answered {other:?}"),
            }
        }
        Err(Error::Busy { queue: "orders", retry_after_ms: 1_000 })
    }

    /// The orders of a request as a reader may see them, and the number of their payment.
    async fn scope_orders(&self, request: &PayRequest) -> Result<(PaymentNo, Vec<Order>), Error> {
        let (payment, numbers) = match &request.scope {
            PayScope::Order(order_no) => (PaymentNo::of_order(order_no), vec![order_no.clone()]),
            PayScope::Group(key) => {
                let submit = self.inner.ports.orders.submits(&[(request.tenant, key.clone())]).await?.pop();
                let group = submit.and_then(|submit| submit.group);
                match group.map(|group| group.state) {
                    Some(GroupState::Placed { order_nos }) if !order_nos.is_empty() => {
                        (PaymentNo::of_group(&order_nos[0]), order_nos)
                    }
                    Some(GroupState::Placed { .. } | GroupState::Refused { .. } | GroupState::Abandoned) | None => {
                        return Err(Refusal::not_found("order_group").into());
                    }
                }
            }
        };
        let mut orders = self.load_orders(request.tenant, &numbers).await?;
        let of_another = |order: &Order| request.buyer.as_ref().is_some_and(|buyer| order.buyer != *buyer);
        let Some(first) = orders.first().cloned().filter(|first| !of_another(first)) else {
            return Err(Refusal::not_found("order").into());
        };
        if payment.is_of_group() {
            orders.retain(|order| order.status == OrderStatus::PendingPayment);
        }
        if orders.is_empty() {
            return Err(Refusal::OrderState { order_no: first.no, status: first.status }.into());
        }
        Ok((payment, orders))
    }

    /// The orders as they are while the attempt is open. `None`: something changed on the way, look again.
    async fn payable(&self, id: &AttemptId, orders: Vec<Order>) -> Result<Option<Vec<Order>>, Error> {
        let mut payable = Vec::with_capacity(orders.len());
        for order in orders {
            match order.pay_started(id) {
                Ok(started) => payable.push(started),
                Err(Obstacle::AttemptOpen(former)) => {
                    let former = self.close_attempt(order.tenant, &former).await?;
                    return match former {
                        Some(former) if former.state.is_open() => {
                            let refusal = Obstacle::AttemptOpen(former.id).refusal(&order);
                            Err(refusal.expect("an open attempt is a reason to refuse").into())
                        }
                        Some(_) | None => Ok(None),
                    };
                }
                Err(Obstacle::HoldLapsed) => {
                    self.take_hold_again(&order).await?;
                    return Ok(None);
                }
                Err(obstacle) => {
                    let refused = Refusal::OrderState { order_no: order.no.clone(), status: order.status };
                    return Err(obstacle.refusal(&order).unwrap_or(refused).into());
                }
            }
        }
        Ok(Some(payable))
    }

    /// Holds the goods of a lapsed order again, and tells the order.
    async fn take_hold_again(&self, order: &Order) -> Result<(), Error> {
        let n = match self.hold_again(order).await? {
            Reheld::Held { n } => n,
            Reheld::Short(short) => {
                let differences = short.into_iter().map(Difference::Short).collect();
                return Err(Refusal::OrderRefused { differences }.into());
            }
        };
        let Ok(held) = order.held_again(n) else { return Ok(()) };
        let change = Change {
            orders: vec![(OrderWrite::Update(Box::new(held)), EventKind::HeldAgain)],
            not_after: Some(order.pay_deadline),
            ..Change::touch(order.tenant)
        };
        // Too late or overtaken: whoever opens the attempt looks again; the hold is then the reaper's.
        match self.inner.orders.offer(change).await? {
            ChangeAnswer::Applied { now } | ChangeAnswer::TooLate { now } => self.saw_now(now),
            _ => {}
        }
        Ok(())
    }

    /// Creates what is written at its provider. Whatever is not known afterwards is followed up.
    pub(super) async fn create_at_provider(
        &self,
        account: &ProviderAccount,
        attempt: Attempt,
    ) -> Result<Attempt, Error> {
        let order = self.payment_order(account, &attempt);
        match self.inner.ports.providers.create(account, &order).await {
            Ok(word) => {
                let heard = self.hear(attempt.tenant, &attempt.id, &word, Heard::Asked).await?;
                Ok(heard.unwrap_or(attempt))
            }
            Err(fault) => {
                tracing::warn!(%fault, attempt = %attempt.id, "an attempt could not be created and is looked at again");
                Ok(attempt)
            }
        }
    }

    fn payment_order(&self, account: &ProviderAccount, attempt: &Attempt) -> PaymentOrder {
        let first = attempt.shares.first().map(|share| share.order_no.as_str()).unwrap_or_default();
        let description = match attempt.shares.len() {
            0 | 1 => first.to_owned(),
            orders => format!("{first} +{}", orders - 1),
        };
        PaymentOrder {
            attempt: attempt.id.clone(),
            amount: attempt.amount,
            currency: attempt.currency,
            deadline: attempt.deadline,
            description,
            notify_url: self.notify_url(account),
            return_url: attempt.return_url.clone(),
            method: attempt.method.clone(),
        }
    }

    /// Where a provider's callbacks come to.
    pub(super) fn notify_url(&self, account: &ProviderAccount) -> String {
        let tenant = self.tenant(account.tenant);
        let tenant = tenant.as_ref().map_or("", |tenant| tenant.name.as_str());
        format!("{}/callbacks/{tenant}/{}", self.inner.settings.public_url, account.name)
    }
}

fn draft(request: &PayRequest, id: AttemptId, orders: &[Order]) -> Attempt {
    let shares: Vec<Share> =
        orders.iter().map(|order| Share { order_no: order.no.clone(), amount: order.total }).collect();
    let first = orders.first().expect("an attempt pays at least one order");
    Attempt {
        tenant: request.tenant,
        id,
        version: Version::FIRST,
        provider: request.provider.clone(),
        buyer: first.buyer.clone(),
        amount: Minor(shares.iter().map(|share| share.amount.0).sum()),
        shares,
        currency: first.currency,
        state: AttemptState::Opening,
        request: request.identity(),
        method: request.method.clone(),
        return_url: request.return_url.clone(),
        opened: UnixMillis::default(),
        deadline: orders.iter().map(|order| order.pay_deadline).min().expect("an attempt pays at least one order"),
        pay: None,
        reference: None,
        captured: None,
        flag: None,
        reason: None,
        looks: 0,
        next_look: Some(UnixMillis(LOOK_AFTER_MS)),
    }
}
