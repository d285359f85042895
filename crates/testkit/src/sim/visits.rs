//! What buyers do after their submit: they ask what became of it, look at their orders, and cancel some.

use std::time::Duration;

use holdline_app::{Error, SubmitName, SubmitState};
use holdline_domain::order::{Actor, Order};
use holdline_domain::refusal::Refusal;

use super::buyers::{Shopper, Wish, sleep_ms};
use super::records::{Cancel, Told};
use super::scenario::TENANT;

impl Shopper {
    /// Asks what became of an accepted submit, a few times, on any process; some never do.
    pub(super) async fn ask(&self, wish: &Wish) {
        let (buyer, key) = (Some(self.buyer.clone()), wish.key.clone());
        let name = SubmitName { tenant: TENANT, key, buyer, decide_by: None };
        for _ in 0..self.dice.below(4) {
            let running = self.installation.running(self.dice.place(self.installation.count())).await;
            let wait = Duration::from_millis(self.dice.ms(0, 6_000));
            let started_ms = self.installation.elapsed_ms();
            let status = tokio::select! {
                biased;
                status = running.app.submit_status(&name, wait) => status,
                () = running.process.died() => continue,
            };
            let end = match status.map(|status| status.state) {
                Ok(SubmitState::Created(placed)) => Ok(placed.orders),
                Ok(SubmitState::Failed(refusal)) => Err(refusal),
                Ok(SubmitState::Creating) | Err(_) => {
                    sleep_ms(self.dice.ms(0, 8_000)).await;
                    continue;
                }
            };
            if let Ok(orders) = &end {
                self.records.saw(orders, started_ms, self.installation.elapsed_ms());
            }
            self.records.told(Told { tenant: TENANT, key: wish.key.clone(), end });
            return;
        }
    }

    pub(super) async fn cancel(&self, order: &Order) {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let answer = tokio::select! {
            biased;
            answer = running.app.cancel(TENANT, &order.no, Actor::Buyer, None) => answer,
            () = running.process.died() => return,
        };
        match answer {
            Ok(order) => {
                self.records.cancel(Cancel { order_no: order.no, told: order.status, cancelled: true });
            }
            Err(Error::Refused(Refusal::OrderState { order_no, status })) => {
                self.records.cancel(Cancel { order_no, told: status, cancelled: false });
            }
            Err(_) => {}
        }
    }

    pub(super) async fn look(&self, order: &Order) {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let started_ms = self.installation.elapsed_ms();
        let seen = tokio::select! {
            biased;
            seen = running.app.order(TENANT, &order.no) => seen,
            () = running.process.died() => return,
        };
        if let Ok(seen) = seen {
            self.records.saw(&[seen], started_ms, self.installation.elapsed_ms());
        }
    }

    pub(super) async fn look_at_all(&self) {
        let running = self.installation.running(self.dice.place(self.installation.count())).await;
        let started_ms = self.installation.elapsed_ms();
        let seen = tokio::select! {
            biased;
            seen = running.app.orders_of_buyer(TENANT, &self.buyer, None, 10) => seen,
            () = running.process.died() => return,
        };
        if let Ok(page) = seen {
            self.records.saw(&page.orders, started_ms, self.installation.elapsed_ms());
        }
    }
}
