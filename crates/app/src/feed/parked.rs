//! Parked events: tried again with growing pauses, at once when somebody asks for it, or skipped with a reason.
//!
//! Several processes may run the loop: what is tried is idempotent, and what comes of it is written under the consumer's
//! position. Events of one order are tried in their sequence: only the first one has an instant.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use holdline_domain::fault::Fault;
use holdline_domain::feed::{End, Failure, ParkedEvent};
use holdline_domain::id::{ConsumerName, TenantId};
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::Event;
use holdline_domain::port::FeedStore;
use holdline_domain::refusal::Refusal;

use super::Consumer;
use super::settle::{NotSettled, settle_alone};
use crate::App;
use crate::backoff::Backoff;
use crate::error::Error;

/// Parked events tried per look.
const PAGE: usize = 100;
/// Parked events tried at once: they wait for the ledger's batches most of their time.
const TRIED_AT_ONCE: usize = 8;
/// The pauses between tries.
pub(super) const PAUSES: Backoff = Backoff { first_ms: 1_000, longest_ms: 600_000 };
/// What the figure of parked events counts up to: counting must not cost more the worse it is.
const COUNTED_MAX: usize = 1_000;
/// Of what went wrong, so much is kept.
const ERROR_BYTES_MAX: usize = 500;

/// What went wrong, as much as is kept of it.
pub(crate) fn said(mut error: String) -> String {
    if let Some(end) = (0..=ERROR_BYTES_MAX).rev().find(|end| error.is_char_boundary(*end)) {
        error.truncate(end);
    }
    error
}

/// The orders of a page that have parked events: their later events go behind those.
///
/// Another process that works on the same page may park an order meanwhile: its later event is then worked off here and not
/// parked. That is no harm where a consumer acts on what is now.
pub(super) async fn parked_among(
    app: &App,
    consumer: &ConsumerName,
    events: &[Event],
) -> Result<BTreeSet<(TenantId, OrderNo)>, Fault> {
    let feed = &app.inner.ports.feed;
    if feed.count_parked(consumer, 1).await? == 0 {
        return Ok(BTreeSet::new());
    }
    let orders: Vec<_> = events.iter().map(|event| (event.tenant, event.order_no.clone())).collect();
    feed.parked_orders(consumer, &orders).await
}

/// Tries parked events again until the loops stop.
pub(crate) async fn retry_parked(app: App) {
    loop {
        if let Err(fault) = look(&app).await {
            tracing::warn!(%fault, "parked events could not be tried; trying again");
        }
        if !app.inner.tasks.pause(app.inner.settings.tick_ms.saturating_mul(5)).await {
            return;
        }
    }
}

async fn look(app: &App) -> Result<(), Fault> {
    let feed = &app.inner.ports.feed;
    for consumer in Consumer::ALL {
        let count = feed.count_parked(&consumer.id(), COUNTED_MAX).await?;
        metrics::gauge!("holdline_parked_events", "consumer" => consumer.name())
            .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        if count > 0 {
            let due = feed.due_parked(&consumer.id(), PAGE).await?;
            let tries = stream::iter(due).map(|event| retry(app, *consumer, event)).buffer_unordered(TRIED_AT_ONCE);
            let tries: Vec<Result<(), Fault>> = tries.collect().await;
            tries.into_iter().collect::<Result<(), Fault>>()?;
        }
    }
    Ok(())
}

async fn retry(app: &App, consumer: Consumer, event: ParkedEvent) -> Result<(), Fault> {
    let tried = match consumer {
        Consumer::Ledger => settle_alone(app, event.key.tenant, &event.key.order_no).await,
        // It parks nothing: what it writes of an event cannot fail by itself.
        Consumer::SellerIndex => Ok(()),
    };
    let (end, how) = match tried {
        Ok(()) => (End::Done, "done"),
        Err(NotSettled::Own(error)) => {
            let wait_ms = PAUSES.after(event.attempts.saturating_add(1));
            (End::Failed(Failure { error: said(error), attempts: 1, wait_ms }), "failed")
        }
        Err(NotSettled::Store(fault)) => return Err(fault),
    };
    metrics::counter!("holdline_parked_tries_total", "consumer" => consumer.name(), "how" => how).increment(1);
    app.inner.ports.feed.end_parked(&event.key, end).await.map(drop)
}

/// Ends or changes the parked event at a place in the feed. `None`: none of the tenant is parked there.
pub async fn end_parked(
    feed: &dyn FeedStore,
    consumer: &ConsumerName,
    tenant: TenantId,
    seq: i64,
    end: End,
) -> Result<Option<ParkedEvent>, Fault> {
    match feed.parked_at(consumer, tenant, seq).await? {
        Some(key) => feed.end_parked(&key, end).await,
        None => Ok(None),
    }
}

impl App {
    /// A tenant's parked events of a consumer, by order and sequence, after a place.
    pub async fn parked_events(
        &self,
        tenant: TenantId,
        consumer: &ConsumerName,
        after: Option<&(OrderNo, i64)>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, Error> {
        Ok(self.inner.ports.feed.parked_events(consumer, tenant, after, limit).await?)
    }

    /// Ends or changes a parked event of a tenant; the event as it was, or as it is now if it stays.
    pub async fn end_parked_event(
        &self,
        tenant: TenantId,
        consumer: &ConsumerName,
        seq: i64,
        end: End,
    ) -> Result<ParkedEvent, Error> {
        let ended = end_parked(&*self.inner.ports.feed, consumer, tenant, seq, end).await?;
        ended.ok_or_else(|| Refusal::not_found("parked_event").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_between_two_characters() {
        assert_eq!(said("short".to_owned()), "short");
        assert_eq!(said(format!("x{}", "价".repeat(300))).len(), 499);
    }
}
