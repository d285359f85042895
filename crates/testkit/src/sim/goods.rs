//! What happens to goods that were paid: some are taken off before they leave, others leave in parcels, arrive, and come back.
//! Buyer and merchant are one here, and ask at any process, several at once, again and again.

use std::collections::BTreeMap;
use std::future::Future;

use holdline_app::{App, Error, RefundRequest, ReturnDecision, ReturnRequest, ShipRequest};
use holdline_domain::fulfillment::{LineQuantity, Return, ReturnState, Shipment};
use holdline_domain::id::{ClientId, IdempotencyKey};
use holdline_domain::order::{Order, OrderStatus};

use super::buyers::{Shopper, sleep_ms};
use super::scenario::TENANT;

/// How often the same request is sent at most.
const TRIES: usize = 5;

impl Shopper {
    /// What becomes of an order's goods, if it is paid by now.
    pub(super) async fn live_with_goods(&self, order: &Order) {
        let dice = &self.dice;
        sleep_ms(dice.ms(0, 4_000)).await;
        let now = self.until_answered(async |app| app.order(TENANT, &order.no).await).await;
        if now.is_none_or(|now| now.status != OrderStatus::Confirmed) {
            return;
        }
        if dice.chance(300) {
            self.take_off(order).await;
        }
        let mut shipments = BTreeMap::new();
        for parcel in 0..=dice.below(3) {
            let sent: Vec<_> = if dice.chance(250) {
                // Two clerks at once; what is left goes once.
                let (one, other) = (self.ship(order, parcel, "a"), self.ship(order, parcel, "b"));
                let (one, other) = tokio::join!(one, other);
                one.into_iter().chain(other).collect()
            } else {
                self.ship(order, parcel, "a").await.into_iter().collect()
            };
            shipments.extend(sent.into_iter().map(|shipment| (shipment.n, shipment)));
            sleep_ms(dice.ms(0, 1_500)).await;
        }
        for n in shipments.keys().filter(|_| dice.chance(900)) {
            self.until_answered(async |app| app.deliver(TENANT, &order.no, *n).await).await;
        }
        if dice.chance(400) {
            self.until_answered(async |app| app.receive(TENANT, &order.no).await).await;
        }
        if dice.chance(150) {
            self.cancel(order).await;
        }
        if dice.chance(600) && !shipments.is_empty() {
            tokio::join!(self.send_back(order, "a"), async {
                if dice.chance(300) {
                    self.send_back(order, "b").await;
                }
            });
        }
    }

    /// Some units of some line.
    fn some_of(&self, order: &Order) -> LineQuantity {
        let line = self.dice.pick(&order.lines);
        LineQuantity { line_no: line.line_no, quantity: self.dice.between(1, line.quantity.units()) }
    }

    /// Units that cannot be sent after all: paid back, and sold to others.
    async fn take_off(&self, order: &Order) {
        let name = format!("off-{}", order.no);
        let request = RefundRequest {
            tenant: TENANT,
            client: ClientId::from_stored("web"),
            key: key(&name),
            order_no: order.no.clone(),
            amount: None,
            lines: vec![self.some_of(order)],
            note: None,
        };
        self.records.about_money(|book| {
            book.refunds_asked.entry(order.no.clone()).or_default().insert(name.clone());
        });
        let refund = self.until_answered(async |app| app.create_refund(request.clone()).await).await;
        if let Some((refund, _)) = refund {
            self.records.about_money(|book| book.refunds.push((name, refund)));
        }
    }

    /// One parcel, of some units or of all that is left.
    async fn ship(&self, order: &Order, parcel: u64, clerk: &str) -> Option<Shipment> {
        let name = format!("ship-{}-{parcel}-{clerk}", order.no);
        let request = ShipRequest {
            tenant: TENANT,
            client: ClientId::from_stored("web"),
            key: key(&name),
            order_no: order.no.clone(),
            lines: if self.dice.chance(500) { vec![self.some_of(order)] } else { Vec::new() },
            carrier: None,
            tracking: None,
        };
        let (shipment, _) = self.until_answered(async |app| app.ship(request.clone()).await).await?;
        self.records.about_goods(|book| book.shipments.push((name, shipment.clone())));
        Some(shipment)
    }

    /// Asks for a return; the merchant decides, and whatever arrives is inspected, sometimes by two at once.
    async fn send_back(&self, order: &Order, which: &str) {
        let dice = &self.dice;
        let name = format!("return-{}-{which}", order.no);
        let request = ReturnRequest {
            tenant: TENANT,
            client: ClientId::from_stored("web"),
            key: key(&name),
            order_no: order.no.clone(),
            lines: vec![self.some_of(order)],
            reason: None,
        };
        let asked = self.until_answered(async |app| app.request_return(request.clone()).await).await;
        let Some((asked, _)) = asked else { return };
        self.decide(order, &name, &asked, ReturnDecision::Approve { amount: None }).await;
        if dice.chance(150) {
            self.decide(order, &name, &asked, ReturnDecision::Reject).await;
        }
        let inspected = || {
            let units = |line: &LineQuantity| LineQuantity { quantity: dice.between(0, line.quantity), ..*line };
            let fit = asked.lines.iter().map(units).filter(|line| line.quantity > 0).collect();
            ReturnDecision::Receive { restocked: fit }
        };
        let (one, other) = (inspected(), inspected());
        tokio::join!(self.decide(order, &name, &asked, one), async {
            if dice.chance(400) {
                self.decide(order, &name, &asked, other).await;
            }
        });
    }

    async fn decide(&self, order: &Order, name: &str, asked: &Return, decision: ReturnDecision) {
        let decided =
            self.until_answered(async |app| app.decide_return(TENANT, &order.no, asked.n, &decision).await).await;
        if let Some(decided) = decided.filter(|decided| decided.state != ReturnState::Requested) {
            self.records.about_goods(|book| book.returns.push((name.to_owned(), decided)));
        }
    }

    /// Asks at any process until there is an answer; `None`: it is refused, or nobody answers.
    async fn until_answered<T, F>(&self, call: impl Fn(App) -> F) -> Option<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        for _ in 0..TRIES {
            let running = self.installation.running(self.dice.place(self.installation.count())).await;
            let answer = tokio::select! {
                biased;
                answer = call(running.app.clone()) => answer,
                () = running.process.died() => continue,
            };
            match answer {
                Ok(answer) => return Some(answer),
                Err(Error::Refused(_)) => return None,
                Err(Error::Busy { .. } | Error::OutcomeUnknown | Error::Fault(_)) => {}
            }
            sleep_ms(self.dice.ms(20, 2_000)).await;
        }
        None
    }
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::try_new(name).expect("the key is short and plain")
}
