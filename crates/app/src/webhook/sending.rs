//! The requests of one turn: events of one order one after the other, orders side by side.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use holdline_domain::fault::Fault;
use holdline_domain::feed::{Failure, Parking};
use holdline_domain::id::ConsumerName;
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::Event;
use holdline_domain::port::{WebhookAnswer, WebhookMessage};
use holdline_domain::webhook::{Delivery, Endpoint, wait_ms};
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

use crate::App;
use crate::feed::said;

/// How long a turn begins to send; an answer may take 20 s more.
pub(super) const BEGIN_WITHIN: Duration = Duration::from_secs(4);

/// A turn under way.
pub(super) struct Sending<'a> {
    pub(super) app: &'a App,
    pub(super) endpoint: &'a Endpoint,
    pub(super) consumer: ConsumerName,
    pub(super) epoch: i64,
    pub(super) began: Instant,
    /// What was tried. Locked to add one, never across an await.
    pub(super) tries: Mutex<Vec<Delivery>>,
}

/// How one try ended.
pub(super) enum Tried {
    Taken,
    Gone,
    Failed { error: String, asked_ms: Option<i64> },
}

/// What came of sending some events.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) parkings: Vec<Parking>,
    pub(super) taken: usize,
    pub(super) failed: usize,
    pub(super) gone: bool,
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.parkings.extend(other.parkings);
        self.taken += other.taken;
        self.failed += other.failed;
        self.gone |= other.gone;
    }
}

impl Sending<'_> {
    /// Sends events, those of one order in their sequence.
    pub(super) async fn send_page(&self, events: Vec<Event>) -> Result<Sent, Fault> {
        let orders: Vec<_> = events.iter().map(|event| (event.tenant, event.order_no.clone())).collect();
        let parked = self.app.inner.ports.feed.parked_orders(&self.consumer, &orders).await?;
        let mut sent = Sent::default();
        let mut by_order: BTreeMap<OrderNo, Vec<Event>> = BTreeMap::new();
        for event in events {
            if parked.contains(&(event.tenant, event.order_no.clone())) {
                sent.parkings.push(Parking { event, failure: None });
            } else {
                by_order.entry(event.order_no.clone()).or_default().push(event);
            }
        }
        for of_order in join_all(by_order.into_values().map(|events| self.send_order(events))).await {
            sent.add(of_order);
        }
        sent.parkings.sort_by_key(|parking| parking.event.seq);
        Ok(sent)
    }

    async fn send_order(&self, events: Vec<Event>) -> Sent {
        let mut sent = Sent::default();
        let mut events = events.into_iter();
        for event in events.by_ref() {
            if self.began.elapsed() > BEGIN_WITHIN {
                // Not begun: due at once, in another turn.
                sent.parkings.push(Parking { event, failure: None });
                break;
            }
            match self.send(&event, 1).await {
                Tried::Taken => sent.taken += 1,
                Tried::Gone => {
                    sent.gone = true;
                    return sent;
                }
                Tried::Failed { error, asked_ms } => {
                    sent.failed += 1;
                    let wait_ms = wait_ms(1, asked_ms, event.seq).unwrap_or_default();
                    sent.parkings.push(Parking { event, failure: Some(Failure { error, attempts: 1, wait_ms }) });
                    break;
                }
            }
        }
        sent.parkings.extend(events.map(|event| Parking { event, failure: None }));
        sent
    }

    pub(super) async fn send(&self, event: &Event, attempt: i32) -> Tried {
        let ports = &self.app.inner.ports;
        let Some(tenant) = self.app.tenant(event.tenant) else {
            return Tried::Failed { error: "the tenant is not loaded yet".to_owned(), asked_ms: None };
        };
        let at = ports.clock.wall();
        let message = WebhookMessage {
            url: self.endpoint.url.clone(),
            id: format!("evt_{}_{}", self.epoch, event.seq),
            event: event.clone(),
            tenant: tenant.name.clone(),
            secrets: self.endpoint.secrets_at(at),
        };
        let began = Instant::now();
        let answer = ports.sender.send(&message).await;
        let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let (how, status, tried) = match answer {
            WebhookAnswer::Taken { status } => ("taken", Some(status), Tried::Taken),
            WebhookAnswer::Gone => ("gone", Some(410), Tried::Gone),
            WebhookAnswer::Refused { status, retry_after_ms } => {
                let error = format!("it answered {status}");
                ("refused", Some(status), Tried::Failed { error, asked_ms: retry_after_ms })
            }
            WebhookAnswer::None { why } => ("no_answer", None, Tried::Failed { error: said(why), asked_ms: None }),
        };
        metrics::counter!("holdline_webhook_tries_total", "how" => how).increment(1);
        let error = match &tried {
            Tried::Taken => String::new(),
            Tried::Gone => "it answered 410: nothing is sent there any more".to_owned(),
            Tried::Failed { error, .. } => error.clone(),
        };
        let (order_no, kind) = (event.order_no.clone(), event.kind);
        self.tries.lock().push(Delivery { no: 0, seq: event.seq, order_no, kind, attempt, status, error, at, took_ms });
        tried
    }
}
