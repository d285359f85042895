//! An order in a state, reached as a client reaches it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{ALL, Api, submit};

/// Where an order of two units of `A` at 10.00 stands before an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// It waits for payment.
    Waiting,
    /// It waits, and an attempt to pay it is open.
    Paying,
    /// It waits, and its stock was given back.
    Lapsed,
    /// Paid.
    Confirmed,
    /// Paid, and stopped by somebody.
    OnHold,
    /// Paid, and one of two units is on its way.
    PartlyShipped,
    /// Paid, and both units are on their way in one parcel.
    Shipped,
    /// The parcel arrived.
    Delivered,
    /// The buyer has it.
    Completed,
    /// Cancelled before it was paid.
    Cancelled,
    /// Cancelled after it was paid; its money went back.
    PaidBack,
    /// Nobody paid in time.
    Expired,
}

impl From {
    /// Every one, in the order of the tables.
    pub(super) const ALL: [Self; 12] = [
        Self::Waiting,
        Self::Paying,
        Self::Lapsed,
        Self::Confirmed,
        Self::OnHold,
        Self::PartlyShipped,
        Self::Shipped,
        Self::Delivered,
        Self::Completed,
        Self::Cancelled,
        Self::PaidBack,
        Self::Expired,
    ];
}

/// An order of a shop of its own.
pub(super) struct Place {
    pub(super) api: Api,
    /// `/v1/orders/{order_no}`.
    pub(super) path: String,
}

impl Place {
    /// An order that stands there.
    pub(super) async fn at(from: From) -> Self {
        let api = Api::start().await;
        if from == From::Lapsed {
            let policies = json!({"hold_within": 60, "receive_after": 864_000, "return_within": 604_800});
            assert_eq!(api.put(ALL, "/v1/policies").json(&policies).reply().await.outcome(), (200, "ok"));
        }
        let placed = api.post(ALL, "/v1/orders").key("place").json(&submit("ann", &[("A", 2, 1_000)])).reply().await;
        assert_eq!(placed.outcome(), (201, "ok"));
        let path = format!("/v1/orders/{}", placed.body["orders"][0]["order_no"].as_str().unwrap());
        let place = Self { api, path };
        place.walk(from).await;
        place
    }

    async fn walk(&self, from: From) {
        match from {
            From::Waiting => {}
            From::Paying => drop(self.open("first").await),
            From::Lapsed => self.until(|order| order["hold_status"] == "lapsed").await,
            From::Confirmed => {
                self.buyer_pays(&self.open("first").await, false).await;
                self.until(|order| order["status"] == "confirmed").await;
            }
            From::OnHold => self.after(From::Confirmed, "pause", json!({"reason": "looks wrong"})).await,
            From::PartlyShipped => self.after(From::Confirmed, "shipments", one_unit()).await,
            From::Shipped => self.after(From::Confirmed, "shipments", json!({})).await,
            From::Delivered => self.after(From::Shipped, "shipments/1/deliver", json!({})).await,
            From::Completed => self.after(From::Delivered, "receive", json!({})).await,
            From::Cancelled => self.after(From::Waiting, "cancel", json!({})).await,
            From::PaidBack => {
                self.after(From::Confirmed, "cancel", json!({})).await;
                self.until(|order| order["payment_status"] == "refunded").await;
            }
            From::Expired => {
                // Its 15 minutes at once: asking every half second would take longer than the rest of a row.
                tokio::time::sleep(Duration::from_mins(15)).await;
                self.until(|order| order["status"] == "expired").await;
            }
        }
    }

    async fn after(&self, from: From, what: &str, body: Value) {
        Box::pin(self.walk(from)).await;
        let url = format!("{}/{what}", self.path);
        let reply = self.api.post(ALL, &url).key("way").json(&body).reply().await;
        assert!(reply.status.is_success(), "{what}: {reply:?}");
    }

    async fn until(&self, is_so: impl Fn(&Value) -> bool) {
        self.api.until(&self.path, is_so).await;
    }

    /// Opens an attempt: its id.
    pub(super) async fn open(&self, key: &str) -> String {
        let ask = self.api.post(ALL, &format!("{}/payments", self.path)).key(key);
        let reply = ask.json(&json!({"provider": "model"})).reply().await;
        assert_eq!(reply.outcome(), (201, "ok"));
        reply.body["attempt"].as_str().unwrap().to_owned()
    }

    /// The buyer pays an attempt at the center, which says so.
    pub(super) async fn buyer_pays(&self, attempt: &str, late: bool) {
        self.api.call_back(self.api.provider.pay(attempt, None, late).unwrap()).await;
    }

    /// The order as it is read now.
    pub(super) async fn order(&self) -> Value {
        self.api.get(ALL, &self.path).reply().await.body
    }

    /// How often an event of this type is in the feed.
    pub(super) async fn told(&self, event: &str) -> usize {
        let page = self.api.get(ALL, &format!("/v1/events?types={event}")).reply().await;
        page.body["events"].as_array().unwrap().len()
    }
}

/// One unit of the order's only line.
pub(super) fn one_unit() -> Value {
    json!({"lines": [{"line_no": 1, "quantity": 1}]})
}
