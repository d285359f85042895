//! What time does to an order: one that nobody paid ends at its deadline, its hold may lapse before, and a delivered one counts as
//! received; all by the shard clock. The sweep asks for it (`sweep.rs`); reads do not wait for that: see [`App::settled`].

use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::order::change::{Change, ChangeAnswer, Due, OrderWrite};
use holdline_domain::order::{EventKind, HoldAxis, Obstacle, Order, OrderNo, OrderStatus};
use holdline_domain::time::{CLOCK_STEP_MAX_MS, UnixMillis};

use crate::App;
use crate::error::Error;

/// After how long an order is looked at again that an open attempt keeps past its instant, in milliseconds: seldom enough
/// that thousands of them do not keep the sweep from others.
const ATTEMPT_OPEN_MS: i64 = 20_000;

/// When the hold of an order that waits for payment lapses, if it does.
fn lapses_at(order: &Order) -> Option<UnixMillis> {
    order.life.hold_until.filter(|until| *until < order.pay_deadline && order.hold == HoldAxis::Held)
}

impl App {
    /// When time alone does something to an order.
    pub(super) fn next_instant(&self, order: &Order) -> Option<UnixMillis> {
        match order.status {
            OrderStatus::PendingPayment => Some(lapses_at(order).unwrap_or(order.pay_deadline)),
            OrderStatus::Confirmed => self.received_at(order),
            OrderStatus::Creating
            | OrderStatus::Completed
            | OrderStatus::CreateFailed
            | OrderStatus::Cancelled
            | OrderStatus::Expired => None,
        }
    }

    /// When a delivered order counts as received.
    fn received_at(&self, order: &Order) -> Option<UnixMillis> {
        let policies = &self.tenant(order.tenant)?.policies;
        order.life.delivered.map(|delivered| delivered.plus_ms(policies.receive_after_ms))
    }

    /// What time alone does to an order, once its instant has come. True when this timer has nothing left to do: the
    /// step is taken, a later timer was set with it, or the order has gone on. False when it is too early, or somebody
    /// else changed the order meanwhile.
    pub(super) async fn step(&self, order: &Order) -> Result<bool, Fault> {
        match (order.status, lapses_at(order)) {
            (OrderStatus::PendingPayment, Some(until)) if self.inner.ports.clock.wall() < order.pay_deadline => {
                self.lapse(order, until).await
            }
            (OrderStatus::PendingPayment, _) => self.expire(order).await,
            (OrderStatus::Confirmed, _) => self.receive_overdue(order).await,
            (
                OrderStatus::Creating
                | OrderStatus::Completed
                | OrderStatus::CreateFailed
                | OrderStatus::Cancelled
                | OrderStatus::Expired,
                _,
            ) => Ok(true),
        }
    }

    /// Ends an order if its deadline has passed by the shard clock.
    pub(crate) async fn expire(&self, order: &Order) -> Result<bool, Fault> {
        let expired = match order.expired() {
            Ok(expired) => expired,
            Err(Obstacle::AttemptOpen(_)) => return self.look_again(order, Due::In(ATTEMPT_OPEN_MS)).await,
            Err(_) => return Ok(true),
        };
        self.take_step(Change {
            orders: vec![(OrderWrite::Update(Box::new(expired)), EventKind::Expired)],
            not_before: Some(order.pay_deadline),
            ..Change::touch(order.tenant)
        })
        .await
    }

    /// Gives the hold of an order back that may still be paid, and has it looked at again at its deadline.
    async fn lapse(&self, order: &Order, until: UnixMillis) -> Result<bool, Fault> {
        let lapsed = match order.lapsed() {
            Ok(lapsed) => lapsed,
            Err(Obstacle::AttemptOpen(_)) => return self.look_again(order, Due::In(ATTEMPT_OPEN_MS)).await,
            Err(_) => return Ok(true),
        };
        self.take_step(Change {
            orders: vec![(OrderWrite::Update(Box::new(lapsed)), EventKind::HoldLapsed)],
            timers: vec![(order.no.clone(), Due::At(order.pay_deadline))],
            not_before: Some(until),
            ..Change::touch(order.tenant)
        })
        .await
    }

    /// Has an order looked at again that an open attempt keeps, or kept. The attempt's end sets a timer too, but perhaps one of the very
    /// instant of the timer that is about to be removed here.
    async fn look_again(&self, order: &Order, due: Due) -> Result<bool, Fault> {
        self.set_timer(order.tenant, &order.no, due).await
    }

    /// Has an order looked at when its instant comes.
    pub(super) async fn set_timer(&self, tenant: TenantId, order_no: &OrderNo, due: Due) -> Result<bool, Fault> {
        self.take_step(Change { timers: vec![(order_no.clone(), due)], ..Change::touch(tenant) }).await
    }

    /// Counts an order as received that was delivered long enough ago.
    async fn receive_overdue(&self, order: &Order) -> Result<bool, Fault> {
        let Ok(received) = order.received() else { return Ok(true) };
        // A tenant made a moment ago by another process is known here after the next refresh.
        let Some(instant) = self.received_at(order) else { return Ok(false) };
        self.take_step(Change {
            orders: vec![(OrderWrite::Update(Box::new(received)), EventKind::Completed)],
            not_before: Some(instant),
            ..Change::touch(order.tenant)
        })
        .await
    }

    async fn take_step(&self, change: Change) -> Result<bool, Fault> {
        match self.inner.orders.send_in_background(change).await? {
            ChangeAnswer::Applied { now } => {
                self.saw_now(now);
                Ok(true)
            }
            ChangeAnswer::TooEarly { now } => {
                self.saw_now(now);
                Ok(false)
            }
            ChangeAnswer::Stale { .. } => Ok(false),
            other @ (ChangeAnswer::GroupExists(_)
            | ChangeAnswer::StaleRow { .. }
            | ChangeAnswer::AlreadyAccepted(_)
            | ChangeAnswer::NumbersPromised(_)
            | ChangeAnswer::NumberTaken(_)
            | ChangeAnswer::TooLate { .. }) => {
                unreachable!("a step of time is never answered {other:?}")
            }
        }
    }

    /// Orders as a reader may see them: none that is overdue by the shard clock still waits for payment, and none is
    /// shown as ended before its deadline. `floor` was taken before the orders were read: only then does a row that
    /// still waits prove that nobody ended it before its deadline.
    ///
    /// Where the floor does not tell, one empty change asks: it moves the feed head, so no later decision is earlier
    /// than what the reader saw. All readers that wait share its batch. What may have changed until then is read again
    /// behind it: every order that waited, for the answer may have taken longer than any deadline.
    pub(crate) async fn settled(
        &self,
        tenant: TenantId,
        mut floor: UnixMillis,
        mut orders: Vec<Order>,
    ) -> Result<Vec<Order>, Error> {
        // The shard clock may be ahead of this process's by the guard's tolerance: another process may have shown an
        // order as expired already.
        let latest = self.inner.ports.clock.wall().plus_ms(CLOCK_STEP_MAX_MS);
        let waits = |order: &&Order| order.status == OrderStatus::PendingPayment && !order.is_overdue(floor);
        if orders.iter().filter(waits).any(|order| order.is_overdue(latest))
            && let ChangeAnswer::Applied { now } = self.inner.orders.offer(Change::touch(tenant)).await?
        {
            self.saw_now(now);
            let numbers: Vec<OrderNo> = orders.iter().filter(waits).map(|order| order.no.clone()).collect();
            floor = now;
            let again = self.inner.ports.orders.orders(tenant, &numbers).await?;
            for order in again.into_iter().flatten() {
                if let Some(read_before) = orders.iter_mut().find(|read_before| read_before.no == order.no) {
                    *read_before = order;
                }
            }
        }
        for order in &mut orders {
            if order.is_overdue(floor)
                && let Ok(mut expired) = order.expired()
            {
                if let Some(ended) = &mut expired.ended {
                    ended.at = order.pay_deadline;
                }
                // What is written may differ in nothing but the instant at which the sweep came by.
                *order = expired;
            }
        }
        Ok(orders)
    }

    /// Orders by number, as a reader may see them; absent ones are left out.
    pub(crate) async fn load_orders(&self, tenant: TenantId, order_nos: &[OrderNo]) -> Result<Vec<Order>, Error> {
        let floor = self.clock_floor();
        let orders = self.inner.ports.orders.orders(tenant, order_nos).await?;
        self.settled(tenant, floor, orders.into_iter().flatten().collect()).await
    }
}
