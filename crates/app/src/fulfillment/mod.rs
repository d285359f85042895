//! Fulfillment: shipping, arriving, stopping, and goods that come back.
//!
//! Every change of an order's goods is one [`Change`] under the order's version: what is left to ship or to return is
//! summed up from rows that cannot have changed without it. The ledger follows through the feed (`settlement.rs`).

mod returns;
mod ship;
mod stop;

use holdline_domain::fault::Fault;
use holdline_domain::fulfillment::{Goods, LineQuantity, units_of};
use holdline_domain::order::change::{Change, ChangeAnswer, Due};
use holdline_domain::order::{Order, OrderNo};
use holdline_domain::port::LifeStore;
use holdline_domain::refusal::Refusal;
use holdline_domain::time::UnixMillis;

pub use returns::{ReturnDecision, ReturnRequest};
pub use ship::ShipRequest;

use crate::App;
use crate::error::Error;

/// How often a change that lost a race is decided anew. Each loss means that somebody else made progress.
const TRIES_MAX: usize = 8;

/// What became of a change of an order's goods.
enum Written {
    /// It is durable, at this instant.
    Applied(UnixMillis),
    /// Something changed on the way: look again.
    Again,
    /// The shard clock has passed the instant that it had to come before.
    TooLate,
}

/// What has happened to an order's goods.
pub(crate) async fn goods_of(life: &dyn LifeStore, order: &Order) -> Result<Goods, Fault> {
    let number = std::slice::from_ref(&order.no);
    let mut refunds = match &order.life.attempt {
        Some(attempt) => life.refunds(order.tenant, std::slice::from_ref(attempt)).await?,
        None => Vec::new(),
    };
    refunds.retain(|refund| refund.order_no.as_ref() == Some(&order.no));
    let shipments = life.shipments(order.tenant, number).await?;
    Ok(Goods { shipments, refunds, returns: life.returns(order.tenant, number).await? })
}

impl App {
    /// What has happened to an order's goods.
    pub(crate) async fn goods_of(&self, order: &Order) -> Result<Goods, Fault> {
        goods_of(self.inner.ports.life.as_ref(), order).await
    }

    /// Brings an order's axis to where its goods are. Once all of them have arrived, a timer is set at which the buyer
    /// counts as having them.
    pub(crate) fn follow_goods(&self, order: &mut Order, goods: &Goods) -> Vec<(OrderNo, Due)> {
        order.fulfillment = goods.status(order);
        if order.life.delivered.is_some() || !goods.all_delivered(order) {
            return Vec::new();
        }
        order.life.delivered = Some(UnixMillis::default());
        let policies = self.tenant(order.tenant).map(|tenant| tenant.policies.clone()).unwrap_or_default();
        vec![(order.no.clone(), Due::In(policies.receive_after_ms))]
    }

    async fn write_goods(&self, change: Change) -> Result<Written, Error> {
        match self.inner.orders.offer(change).await? {
            ChangeAnswer::Applied { now } => {
                self.saw_now(now);
                Ok(Written::Applied(now))
            }
            ChangeAnswer::Stale { .. } | ChangeAnswer::StaleRow { .. } => Ok(Written::Again),
            ChangeAnswer::TooLate { now } => {
                self.saw_now(now);
                Ok(Written::TooLate)
            }
            other @ (ChangeAnswer::GroupExists(_)
            | ChangeAnswer::AlreadyAccepted(_)
            | ChangeAnswer::NumbersPromised(_)
            | ChangeAnswer::NumberTaken(_)
            | ChangeAnswer::TooEarly { .. }) => unreachable!("a change of goods is never answered {other:?}"),
        }
    }
}

/// Whether there are as many units of each line as are wanted.
pub(crate) fn check_units(wanted: &[LineQuantity], available: impl Fn(i32) -> i64) -> Result<(), Refusal> {
    for LineQuantity { line_no, .. } in wanted {
        let (requested, available) = (units_of(*line_no, wanted), available(*line_no));
        if requested > available {
            return Err(Refusal::LineQuantity { line_no: *line_no, requested, available });
        }
    }
    Ok(())
}

fn busy() -> Error {
    Error::Busy { queue: "orders", retry_after_ms: 1_000 }
}
