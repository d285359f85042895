//! Buyers: each wish is a submit that is sent, given up, repeated, doubled, altered, cancelled and looked at.

use std::sync::Arc;
use std::time::Duration;

use holdline_app::{Abandoned, App, Error, Submitted};
use holdline_domain::id::{BuyerId, ClientId, GroupKey, IdempotencyKey, Quantity, SkuCode, Slot};
use holdline_domain::money::Minor;
use holdline_domain::order::{Order, Submit, SubmitLine};
use holdline_domain::refusal::Refusal;
use holdline_domain::tenant::PriceSource;

use super::installation::Installation;
use super::money::QUICK_CHANNEL;
use super::records::{Abandon, AbandonEnd, Attempt, AttemptEnd, Records, WantedLine};
use super::scenario::{BUYERS, TENANT, currency};
use crate::dice::Dice;
use crate::history::Seen;

/// How often one wish is sent at most.
const SENDS_MAX: usize = 7;
/// How long buyers are waited for. An answer that takes longer never comes.
const PATIENCE: Duration = Duration::from_mins(30);

/// Sends every wish and returns when the last buyer has gone. False: one waits for an answer that never comes.
pub(super) async fn run(installation: &Installation, records: &Arc<Records>, dice: Dice) -> bool {
    let wishes: Vec<_> = (0..installation.scenario().wishes)
        .map(|number| {
            let shopper = Shopper {
                installation: installation.clone(),
                records: Arc::clone(records),
                dice: dice.fork(),
                buyer: BuyerId::from_stored(format!("buyer-{}", dice.below(BUYERS))),
            };
            tokio::spawn(shopper.wish(number))
        })
        .collect();
    let all = async {
        for wish in wishes {
            // A panic of a buyer is a defect of the simulator: it must not pass for a quiet buyer.
            wish.await.expect("a buyer does not panic");
        }
    };
    tokio::time::timeout(PATIENCE, all).await.is_ok()
}

pub(super) struct Shopper {
    pub(super) installation: Installation,
    pub(super) records: Arc<Records>,
    pub(super) dice: Dice,
    pub(super) buyer: BuyerId,
}

/// What one buyer wants under one key.
#[derive(Clone)]
pub(super) struct Wish {
    pub(super) key: GroupKey,
    lines: Vec<WantedLine>,
    says_total: bool,
    channel: &'static str,
}

pub(super) async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

impl Shopper {
    async fn wish(self, number: u64) {
        let open_ms = self.installation.scenario().open_ms;
        let burst_ms = open_ms / 6;
        let arrival_ms = if self.dice.chance(600) {
            self.dice.below(6) * burst_ms + self.dice.below(60)
        } else {
            self.dice.below(open_ms)
        };
        sleep_ms(arrival_ms).await;
        let key = IdempotencyKey::try_new(&format!("wish-{number}")).expect("the key is short and plain");
        let client = ClientId::from_stored("web");
        let key = GroupKey::place(&key, &client, Slot::of(TENANT, &self.buyer));
        let lines = self.lines().await;
        let channel = if self.dice.chance(250) { QUICK_CHANNEL } else { "" };
        let wish = Wish { key, lines, says_total: self.dice.chance(300), channel };
        for _ in 0..SENDS_MAX {
            let end = self.send(&wish).await;
            if !self.goes_on(&wish, end).await {
                return;
            }
        }
    }

    /// What comes after an answer. True: the wish is sent once more.
    async fn goes_on(&self, wish: &Wish, end: AttemptEnd) -> bool {
        let dice = &self.dice;
        match end {
            AttemptEnd::Placed(orders) => {
                tokio::join!(self.live_with(&orders), self.pay_for(wish, &orders));
                for order in &orders {
                    if dice.chance(700) {
                        self.live_with_goods(order).await;
                    }
                }
                dice.chance(200)
            }
            AttemptEnd::Accepted(_) => {
                self.ask(wish).await;
                dice.chance(200)
            }
            AttemptEnd::Refused(Refusal::SubmitAbandoned | Refusal::KeyReused) => dice.chance(300),
            AttemptEnd::Refused(_) => {
                sleep_ms(dice.ms(0, 12_000)).await;
                dice.chance(300)
            }
            AttemptEnd::Busy => {
                sleep_ms(dice.ms(100, 3_000)).await;
                true
            }
            AttemptEnd::Failed(_) | AttemptEnd::HungUp | AttemptEnd::ProcessDied => {
                sleep_ms(if dice.chance(700) { dice.ms(0, 500) } else { dice.ms(500, 15_000) }).await;
                if dice.chance(120) {
                    self.abandon(wish).await;
                    return dice.chance(500);
                }
                // Who hung up often never comes back: what was begun must end without him.
                dice.chance(if matches!(end, AttemptEnd::HungUp) { 500 } else { 850 })
            }
        }
    }

    /// Sends a wish once, or twice at the same time, or beside another content under the same key.
    async fn send(&self, wish: &Wish) -> AttemptEnd {
        if self.dice.chance(120) {
            let (first, second) = tokio::join!(self.attempt(wish), self.attempt(wish));
            return if matches!(first, AttemptEnd::Placed(_)) { first } else { second };
        }
        if self.dice.chance(50) {
            let mut other = wish.clone();
            other.lines[0].quantity += 1;
            if self.dice.chance(500) {
                return tokio::join!(self.attempt(wish), self.attempt(&other)).0;
            }
            let end = self.attempt(wish).await;
            self.attempt(&other).await;
            return end;
        }
        self.attempt(wish).await
    }

    async fn attempt(&self, wish: &Wish) -> AttemptEnd {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let hangs_up = self.dice.chance(self.installation.scenario().hang_ups);
        let hang_up_ms = if !hangs_up {
            u64::MAX / 4
        } else if self.dice.chance(700) {
            self.dice.ms(0, 80)
        } else {
            self.dice.ms(0, 2_000)
        };
        let started_ms = self.installation.elapsed_ms();
        let end = tokio::select! {
            biased;
            submitted = self.send_to(&running.app, wish) => match submitted {
                Ok(Submitted::Placed(placed)) => AttemptEnd::Placed(placed.orders),
                Ok(Submitted::Accepted(promised)) => {
                    AttemptEnd::Accepted(promised.order_nos.into_iter().map(|(_, order_no)| order_no).collect())
                }
                Err(Error::Refused(refusal)) => AttemptEnd::Refused(refusal),
                Err(Error::Busy { .. }) => AttemptEnd::Busy,
                Err(error @ (Error::OutcomeUnknown | Error::Fault(_))) => AttemptEnd::Failed(error.to_string()),
            },
            () = running.process.died() => AttemptEnd::ProcessDied,
            () = tokio::time::sleep(Duration::from_millis(hang_up_ms)), if hangs_up => AttemptEnd::HungUp,
        };
        if matches!(end, AttemptEnd::HungUp) {
            self.installation.history().saw(Seen::HangUp);
        }
        self.records.attempt(Attempt {
            tenant: TENANT,
            key: wish.key.clone(),
            buyer: self.buyer.clone(),
            lines: wish.lines.clone(),
            started_ms,
            ended_ms: self.installation.elapsed_ms(),
            end: end.clone(),
        });
        end
    }

    async fn send_to(&self, app: &App, wish: &Wish) -> Result<Submitted, Error> {
        if self.dice.chance(self.installation.scenario().later) {
            app.accept(self.submit(wish)).await
        } else {
            app.place(self.submit(wish)).await.map(Submitted::Placed)
        }
    }

    async fn abandon(&self, wish: &Wish) {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let end = tokio::select! {
            biased;
            answer = running.app.abandon(TENANT, wish.key.clone(), self.buyer.clone()) => match answer {
                Ok(Abandoned::Never) => AbandonEnd::Never,
                Ok(Abandoned::Placed(orders)) => AbandonEnd::Placed(orders),
                Ok(Abandoned::Refused(refusal)) => AbandonEnd::Refused(refusal),
                Err(_) => AbandonEnd::Failed,
            },
            () = running.process.died() => AbandonEnd::Failed,
        };
        self.records.abandon(Abandon { tenant: TENANT, key: wish.key.clone(), end });
    }

    /// What a buyer does with orders: looks at them, cancels some, often close to the deadline.
    async fn live_with(&self, orders: &[Order]) {
        if self.dice.chance(300) {
            sleep_ms(self.dice.ms(0, 5_000)).await;
            self.look(&orders[0]).await;
        }
        for order in orders {
            if self.dice.chance(250) {
                let pay_within_ms = u64::try_from(self.installation.scenario().pay_within_ms).unwrap_or(0);
                let at_the_deadline = pay_within_ms < 60_000 && self.dice.chance(500);
                let wait_ms = if at_the_deadline { pay_within_ms.saturating_sub(200) } else { self.dice.ms(0, 20_000) };
                sleep_ms(wait_ms + self.dice.ms(0, 400)).await;
                self.cancel(order).await;
                self.look(order).await;
            }
        }
        if self.dice.chance(150) {
            self.look_at_all().await;
        }
        if self.dice.chance(200) {
            sleep_ms(self.dice.ms(0, 30_000)).await;
            self.look(&orders[0]).await;
        }
    }

    /// One to three lines at the prices that the shop shows now, sometimes twice the same SKU, sometimes an old price.
    async fn lines(&self) -> Vec<WantedLine> {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let wares = &self.installation.scenario().wares;
        let mut lines: Vec<WantedLine> = Vec::new();
        for _ in 0..=self.dice.below(3) {
            let again = lines.first().filter(|_| self.dice.chance(250)).map(|line| line.sku.clone());
            let sku = again.unwrap_or_else(|| self.dice.pick(wares).sku.to_owned());
            let shown = running.app.sku(TENANT, &SkuCode::from_stored(sku.as_str())).map_or(0, |sku| sku.price.0);
            let unit_price = shown + i64::from(self.dice.chance(20));
            lines.push(WantedLine { sku, quantity: self.dice.between(1, 3), unit_price });
        }
        lines
    }

    fn submit(&self, wish: &Wish) -> Submit {
        let line = |line: &WantedLine| SubmitLine {
            sku: SkuCode::from_stored(line.sku.as_str()),
            seller: None,
            quantity: Quantity::try_new(line.quantity).expect("a wish is for 1 to 4 units"),
            unit_price: Minor(line.unit_price),
            currency: currency(),
            title: None,
            snapshot: None,
        };
        let total: i64 = wish.lines.iter().map(|line| line.quantity * line.unit_price).sum();
        Submit {
            tenant: TENANT,
            client: ClientId::from_stored("web"),
            key: wish.key.clone(),
            buyer: self.buyer.clone(),
            channel: wish.channel.to_owned(),
            lines: wish.lines.iter().map(line).collect(),
            adjustments: Vec::new(),
            expected_total: wish.says_total.then_some(Minor(total)),
            address: None,
            note: None,
            price_source: PriceSource::Catalog,
        }
    }
}
