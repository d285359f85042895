//! Hearing a provider: what it says is judged on what is stored now, and written in one change.

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::TenantId;
use holdline_domain::order::change::ChangeAnswer;
use holdline_domain::order::{Order, OrderNo};
use holdline_domain::payment::{self, Attempt, AttemptId, Heard, Refund};
use holdline_domain::port::{ProviderWord, RefundWord};

use super::TRIES_MAX;
use crate::App;

impl App {
    /// Writes what a word about an attempt does. Returns the attempt as it is then; `None` if there is none of this id.
    pub(super) async fn hear(
        &self,
        tenant: TenantId,
        id: &AttemptId,
        word: &ProviderWord,
        heard: Heard,
    ) -> Result<Option<Attempt>, Fault> {
        for _ in 0..TRIES_MAX {
            let Some(attempt) = self.inner.ports.life.attempt(tenant, id).await? else { return Ok(None) };
            let orders = self.share_orders(&attempt).await?;
            let Some(change) = payment::hear(&attempt, &orders, word, heard) else { return Ok(Some(attempt)) };
            let written = change.satellites.clone();
            match self.inner.orders.send(change).await? {
                ChangeAnswer::Applied { now } => {
                    self.saw_now(now);
                    count(word, heard);
                    let attempt = self.inner.ports.life.attempt(tenant, id).await?;
                    debug_assert!(!written.is_empty(), "a word that changes something changes its attempt");
                    return match attempt {
                        Some(attempt) if attempt.unattached().is_some() => {
                            self.settle_unattached(attempt).await.map(Some)
                        }
                        attempt => Ok(attempt),
                    };
                }
                // The money came for orders that somebody may have seen expire: they end first, and it is late.
                ChangeAnswer::TooLate { now } => {
                    self.saw_now(now);
                    for order in &orders {
                        self.expire(order).await?;
                    }
                }
                ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. } => {}
                other @ (ChangeAnswer::GroupExists(_)
                | ChangeAnswer::AlreadyAccepted(_)
                | ChangeAnswer::NumbersPromised(_)
                | ChangeAnswer::NumberTaken(_)
                | ChangeAnswer::TooEarly { .. }) => unreachable!("a provider's word is never answered {other:?}"),
            }
        }
        Err(contended("an attempt"))
    }

    /// The orders of an attempt as they are stored.
    pub(super) async fn share_orders(&self, attempt: &Attempt) -> Result<Vec<Order>, Fault> {
        let numbers: Vec<OrderNo> = attempt.shares.iter().map(|share| share.order_no.clone()).collect();
        Ok(self.inner.ports.orders.orders(attempt.tenant, &numbers).await?.into_iter().flatten().collect())
    }

    /// Writes what a word about a refund does.
    pub(super) async fn hear_refund(
        &self,
        tenant: TenantId,
        attempt: &AttemptId,
        n: i32,
        word: &RefundWord,
    ) -> Result<Option<Refund>, Fault> {
        for _ in 0..TRIES_MAX {
            let refunds = self.inner.ports.life.refunds(tenant, std::slice::from_ref(attempt)).await?;
            let Some(refund) = refunds.into_iter().find(|refund| refund.n == n) else { return Ok(None) };
            let order = match &refund.order_no {
                Some(order_no) => {
                    self.inner.ports.orders.orders(tenant, std::slice::from_ref(order_no)).await?.pop().flatten()
                }
                None => None,
            };
            let Some(change) = payment::hear_refund(&refund, order.as_ref(), word) else { return Ok(Some(refund)) };
            match self.inner.orders.send(change).await? {
                ChangeAnswer::Applied { now } => self.saw_now(now),
                ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. } => {}
                other @ (ChangeAnswer::GroupExists(_)
                | ChangeAnswer::AlreadyAccepted(_)
                | ChangeAnswer::NumbersPromised(_)
                | ChangeAnswer::NumberTaken(_)
                | ChangeAnswer::TooEarly { .. }
                | ChangeAnswer::TooLate { .. }) => unreachable!("a provider's word is never answered {other:?}"),
            }
        }
        Err(contended("a refund"))
    }
}

/// Somebody else made progress each time: whoever asked looks again later.
fn contended(what: &str) -> Fault {
    Fault::not_done("orders", FaultKind::Conflict, format!("{what} changed each time it was looked at"))
}

fn count(word: &ProviderWord, heard: Heard) {
    let word = match word {
        ProviderWord::Pending { .. } => "pending",
        ProviderWord::Captured { .. } => "captured",
        ProviderWord::Failed { .. } => "failed",
        ProviderWord::Closed => "closed",
        ProviderWord::Unknown => "unknown",
    };
    let heard = match heard {
        Heard::Asked => "asked",
        Heard::Told => "told",
    };
    metrics::counter!("holdline_provider_words_total", "word" => word, "heard" => heard).increment(1);
}
