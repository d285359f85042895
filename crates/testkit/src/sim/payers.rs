//! What buyers do about money: they pay at once, late, twice, elsewhere, too much or not at all, and ask for it back.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use holdline_app::{Error, PayRequest, PayScope, RefundRequest};
use holdline_domain::id::{ClientId, IdempotencyKey};
use holdline_domain::money::Minor;
use holdline_domain::order::Order;
use holdline_domain::payment::{Attempt, PaymentNo};
use holdline_domain::port::RawCallback;
use holdline_domain::refusal::Refusal;

use super::buyers::{Shopper, Wish, sleep_ms};
use super::callbacks::Sender;
use super::money::provider;
use super::scenario::TENANT;
use crate::history::Seen;

/// How often the same request is sent at most.
const TRIES: usize = 5;
/// After how long money is late, beyond its deadline: the app has closed what was open by then.
const LATE_MS: u64 = 6_000;

/// What a buyer does with an attempt.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Pays,
    PaysUnspoken,
    PaysOtherAmount,
    PaysLate,
    Declines,
    ChangesMeans,
    Abandons,
}

const HABITS: [Habit; 16] = [
    Habit::Pays,
    Habit::Pays,
    Habit::Pays,
    Habit::Pays,
    Habit::Pays,
    Habit::Pays,
    Habit::PaysUnspoken,
    Habit::PaysOtherAmount,
    Habit::PaysLate,
    Habit::PaysLate,
    Habit::PaysLate,
    Habit::Declines,
    Habit::ChangesMeans,
    Habit::ChangesMeans,
    Habit::ChangesMeans,
    Habit::Abandons,
];

/// What is to be paid, and under which keys the center may know it.
struct Bill {
    scope: PayScope,
    order: Order,
    prefix: String,
    name: String,
}

impl Shopper {
    /// What a buyer does about the money of his orders.
    pub(super) async fn pay_for(&self, wish: &Wish, orders: &[Order]) {
        let dice = &self.dice;
        if !dice.chance(self.installation.scenario().money.payers) {
            return;
        }
        let order = dice.pick(orders).clone();
        let is_group = orders.len() > 1 && dice.chance(600);
        let number = if is_group { PaymentNo::of_group(&orders[0].no) } else { PaymentNo::of_order(&order.no) };
        let bill = Bill {
            scope: if is_group { PayScope::Group(wish.key.clone()) } else { PayScope::Order(order.no.clone()) },
            prefix: format!("{number}-"),
            name: number.to_string(),
            order,
        };
        self.wait_to_pay(&bill.order).await;
        let habit = *dice.pick(&HABITS);
        if matches!(habit, Habit::Pays) && dice.chance(250) {
            self.pay_before_the_answer(&bill).await;
        } else if is_group && dice.chance(300) {
            // On two screens at once; each takes the goods again if they were let go.
            let (attempt, other) = tokio::join!(self.open(&bill, "first"), self.open(&bill, "other"));
            if let Some(attempt) = attempt.or(other) {
                self.live_by(habit, &bill, &attempt.id.to_string()).await;
            }
        } else if let Some(attempt) = self.open(&bill, "first").await {
            self.live_by(habit, &bill, &attempt.id.to_string()).await;
        }
        if dice.chance(400) {
            self.look(&bill.order).await;
        }
        if dice.chance(120) {
            self.cancel(&bill.order).await;
        }
        if dice.chance(350) {
            self.want_money_back(&bill.order).await;
        }
    }

    /// Soon, after the hold has lapsed, or at the last moment.
    async fn wait_to_pay(&self, order: &Order) {
        let dice = &self.dice;
        let scenario = self.installation.scenario();
        let within_ms = u64::try_from(scenario.pay_within_ms(&order.channel)).unwrap_or(0);
        let lapse_ms = scenario.money.policies.hold_within_ms.and_then(|ms| u64::try_from(ms).ok());
        let wait_ms = match (dice.below(10), lapse_ms) {
            (0..=3, Some(lapse_ms)) => lapse_ms + dice.below(3_000),
            (4..=5, _) if within_ms < 60_000 => within_ms.saturating_sub(400) + dice.below(700),
            _ => dice.ms(0, 3_000),
        };
        sleep_ms(wait_ms).await;
    }

    async fn live_by(&self, habit: Habit, bill: &Bill, payment: &str) {
        let (dice, center) = (&self.dice, self.installation.center());
        sleep_ms(dice.ms(0, 2_500)).await;
        match habit {
            Habit::Pays => self.deliver(center.pay(payment, None, false), dice.chance(80)).await,
            Habit::PaysUnspoken => self.deliver(center.pay(payment, None, false), true).await,
            Habit::PaysOtherAmount => {
                let sum = self.sum_of(payment) + dice.between(0, 1) * 2 - 1;
                self.deliver(center.pay(payment, Some(Minor(sum.max(1))), false), dice.chance(200)).await;
            }
            Habit::PaysLate => self.pay_late(bill, payment).await,
            Habit::Declines => {
                self.deliver(center.decline(payment), dice.chance(200)).await;
                if let Some(attempt) = self.open(bill, "second").await {
                    sleep_ms(dice.ms(0, 1_500)).await;
                    self.deliver(center.pay(&attempt.id.to_string(), None, false), false).await;
                }
            }
            Habit::ChangesMeans => {
                let second = self.open(bill, "second").await.map(|attempt| attempt.id.to_string());
                let payments = second.iter().map(String::as_str).chain(dice.chance(600).then_some(payment));
                for payment in payments {
                    sleep_ms(dice.ms(0, 1_500)).await;
                    self.deliver(center.pay(payment, None, true), false).await;
                }
            }
            Habit::Abandons => {}
        }
    }

    fn sum_of(&self, payment: &str) -> i64 {
        self.installation.center().book().payments.get(payment).map_or(1, |found| found.amount.0)
    }

    async fn pay_late(&self, bill: &Bill, payment: &str) {
        let within_ms = self.installation.scenario().pay_within_ms(&bill.order.channel);
        if within_ms < 60_000 {
            sleep_ms(u64::try_from(within_ms).unwrap_or(0) + LATE_MS + self.dice.below(8_000)).await;
        }
        self.deliver(self.installation.center().pay(payment, None, true), false).await;
    }

    /// The center has the money before it has answered that it knows the payment.
    async fn pay_before_the_answer(&self, bill: &Bill) {
        let answered = AtomicBool::new(false);
        let open = async {
            self.open(bill, "first").await;
            answered.store(true, Ordering::Relaxed);
        };
        let pay = async {
            for _ in 0..200 {
                sleep_ms(20).await;
                let Some(payment) = self.installation.center().waiting(std::slice::from_ref(&bill.prefix)) else {
                    continue;
                };
                let Some(callback) = self.installation.center().pay(&payment, None, false) else { continue };
                if self.deliver_once(&callback).await && !answered.load(Ordering::Relaxed) {
                    self.installation.history().saw(Seen::CallbackBeforeAnswer);
                }
                self.deliver(Some(callback), false).await;
                return;
            }
        };
        tokio::join!(open, pay);
    }

    /// Opens an attempt, with the same key until there is an answer, each time at any process.
    async fn open(&self, bill: &Bill, which: &str) -> Option<Attempt> {
        let name = format!("pay-{}-{which}", bill.name);
        let request = PayRequest {
            tenant: TENANT,
            client: ClientId::from_stored("web"),
            key: IdempotencyKey::try_new(&name).expect("the key is short and plain"),
            scope: bill.scope.clone(),
            buyer: Some(self.buyer.clone()),
            provider: provider(),
            method: None,
            return_url: None,
        };
        for _ in 0..TRIES {
            let running = self.installation.running(self.dice.place(self.installation.count())).await;
            let answer = tokio::select! {
                biased;
                answer = running.app.open_payment(request.clone()) => answer,
                () = running.process.died() => continue,
            };
            match answer {
                Ok((attempt, _)) => {
                    if attempt.id.n > 1 {
                        self.installation.history().saw(Seen::MeansChanged);
                    }
                    self.records.about_money(|book| book.opened.push((name.clone(), attempt.clone())));
                    return Some(attempt);
                }
                // Perhaps the center has not confirmed yet that the former is closed.
                Err(Error::Refused(refusal)) if !matches!(refusal, Refusal::PaymentOpen { .. }) => return None,
                Err(Error::Refused(_) | Error::Busy { .. } | Error::OutcomeUnknown | Error::Fault(_)) => {}
            }
            sleep_ms(self.dice.ms(50, 2_500)).await;
        }
        None
    }

    /// The center tells what it has to tell: late, twice, or not at all.
    async fn deliver(&self, callback: Option<RawCallback>, lost: bool) {
        let Some(callback) = callback.filter(|_| !lost) else { return };
        let center = Sender { installation: self.installation.clone(), dice: self.dice.fork() };
        center.tell(callback).await;
    }

    async fn deliver_once(&self, callback: &RawCallback) -> bool {
        let center = Sender { installation: self.installation.clone(), dice: self.dice.fork() };
        center.deliver(callback).await
    }

    /// Asks for refunds, several at once, sometimes for more than is left; each with its key until there is an answer.
    async fn want_money_back(&self, order: &Order) {
        let total = order.total.0.max(1);
        let amounts = [self.dice.between(1, total), self.dice.between(1, total + 1), total];
        let wishes = 1 + self.dice.place(3);
        let asked = amounts.iter().take(wishes).enumerate().map(|(place, amount)| {
            let name = format!("back-{}-{place}", order.no);
            self.ask_for_refund(order, name, Minor(*amount))
        });
        join_all(asked).await;
    }

    async fn ask_for_refund(&self, order: &Order, name: String, amount: Minor) {
        self.records.about_money(|book| {
            book.refunds_asked.entry(order.no.clone()).or_default().insert(name.clone());
        });
        let request = RefundRequest {
            tenant: TENANT,
            client: ClientId::from_stored("web"),
            key: IdempotencyKey::try_new(&name).expect("the key is short and plain"),
            order_no: order.no.clone(),
            amount: Some(amount),
            lines: Vec::new(),
            note: None,
        };
        // Some ask again although they were answered.
        let mut again = self.dice.chance(250);
        for _ in 0..TRIES {
            let running = self.installation.running(self.dice.place(self.installation.count())).await;
            let answer = tokio::select! {
                biased;
                answer = running.app.create_refund(request.clone()) => answer,
                () = running.process.died() => continue,
            };
            match answer {
                Ok((refund, _)) => {
                    self.records.about_money(|book| book.refunds.push((name.clone(), refund)));
                    if !std::mem::take(&mut again) {
                        return;
                    }
                }
                Err(Error::Refused(refusal)) => {
                    if matches!(refusal, Refusal::RefundTooLarge { .. }) {
                        self.installation.history().saw(Seen::RefundRefused);
                    }
                    return;
                }
                Err(Error::Busy { .. } | Error::OutcomeUnknown | Error::Fault(_)) => {}
            }
            sleep_ms(self.dice.ms(20, 2_000)).await;
        }
    }
}
