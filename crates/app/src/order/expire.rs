//! What time does: an order that nobody paid ends at its deadline, its hold may lapse before, and a delivered one counts as
//! received; all by the shard clock.
//!
//! The sweep finds due timers and writes the end, evenly and no more than so many per second, so that 100,000 orders due in
//! one instant do not hinder placing. Reads do not wait for it: see [`App::settled`].

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::order::change::{Change, ChangeAnswer, Due, OrderWrite, Timer};
use holdline_domain::order::{EventKind, HoldAxis, Obstacle, Order, OrderNo, OrderStatus};
use holdline_domain::time::{CLOCK_STEP_MAX_MS, UnixMillis};
use tokio::sync::mpsc;

use crate::App;
use crate::error::Error;
use crate::page::{AT_ONCE, Pace};

/// Timers that are read at once with their orders, and removed at once, at most.
const PAGE_MAX: usize = 250;
/// Pages that a second's share of orders is read in, so that an order is read shortly before its turn.
const PAGES_PER_SECOND: u32 = 16;
/// Pages whose timers are being removed while the next ones are worked off.
const REMOVED_AT_ONCE: usize = 2;
/// After how long an order is looked at again that an open attempt keeps past its instant, in milliseconds: seldom enough
/// that thousands of them do not keep the sweep from others.
const ATTEMPT_OPEN_MS: i64 = 20_000;

/// Timers with their orders.
type Page = Vec<(Timer, Option<Order>)>;

/// Ends overdue orders until the loops stop, so many per second.
pub(crate) async fn sweep_overdue(app: App) {
    let per_second = app.inner.settings.expire_per_second_max;
    let page = usize::try_from(per_second.get() / PAGES_PER_SECOND).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let mut pace = Pace::per_second(per_second);
    while app.inner.tasks.pause(app.inner.settings.tick_ms).await {
        // One page is read while the one before is worked off.
        let (sender, pages) = mpsc::channel(1);
        let walked = tokio::try_join!(read_pages(&app, page, sender), work_off(&app, page, pages, &mut pace));
        if let Err(fault) = walked {
            tracing::warn!(%fault, "overdue orders could not be ended and are tried again");
        }
    }
}

/// Walks once over the timers that are due as it begins, from the oldest on. What cannot be ended yet waits for the next walk.
async fn read_pages(app: &App, page: usize, pages: mpsc::Sender<Page>) -> Result<(), Fault> {
    let (orders, now) = (&app.inner.ports.orders, app.inner.ports.clock.wall());
    let mut last: Option<Timer> = None;
    loop {
        let timers = orders.due_timers(now, last.as_ref(), page).await?;
        let full = timers.len() == page;
        last = timers.last().cloned();
        let read = with_orders(app, timers).await?;
        if pages.send(read).await.is_err() || !full || !app.inner.tasks.pause(0).await {
            return Ok(());
        }
    }
}

/// The orders of a page of timers, one read for each tenant.
async fn with_orders(app: &App, timers: Vec<Timer>) -> Result<Page, Fault> {
    // Sets: an order may have several timers in one page.
    let mut numbers: BTreeMap<TenantId, BTreeSet<OrderNo>> = BTreeMap::new();
    for timer in &timers {
        numbers.entry(timer.tenant).or_default().insert(timer.order_no.clone());
    }
    let mut found = BTreeMap::new();
    for (tenant, numbers) in numbers {
        let numbers: Vec<OrderNo> = numbers.into_iter().collect();
        let orders = app.inner.ports.orders.orders(tenant, &numbers).await?;
        found.extend(orders.into_iter().flatten().map(|order| ((tenant, order.no.clone()), order)));
    }
    let with_order = |timer: Timer| {
        let order = found.get(&(timer.tenant, timer.order_no.clone())).cloned();
        (timer, order)
    };
    Ok(timers.into_iter().map(with_order).collect())
}

/// Ends the orders of the pages, each in its turn and some at once, and removes the timers that are done with.
async fn work_off(app: &App, page: usize, pages: mpsc::Receiver<Page>, pace: &mut Pace) -> Result<(), Fault> {
    let pages = stream::unfold(pages, async |mut pages| pages.recv().await.map(|page| (page, pages)));
    let in_turn = pages.flat_map(stream::iter).then(|entry| {
        let turn = pace.turn();
        async move {
            tokio::time::sleep_until(turn).await;
            entry
        }
    });
    let ended = in_turn.map(async |(timer, order)| {
        end_overdue(app, &timer, order.as_ref()).await.map(|is_done| is_done.then_some(timer))
    });
    let removed = ended.buffered(AT_ONCE).chunks(page).map(|ended| remove_done(app, ended));
    removed.buffer_unordered(REMOVED_AT_ONCE).try_collect().await
}

/// Removes the timers that have nothing left to do, whatever became of the others.
async fn remove_done(app: &App, ended: Vec<Result<Option<Timer>, Fault>>) -> Result<(), Fault> {
    let (done, failed): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    let done: Vec<Timer> = done.into_iter().flatten().flatten().collect();
    if !done.is_empty() {
        app.inner.ports.orders.remove_timers(&done).await?;
    }
    failed.into_iter().next().map_or(Ok(()), |failed| failed.map(drop))
}

/// True when the timer has nothing left to do.
async fn end_overdue(app: &App, timer: &Timer, order: Option<&Order>) -> Result<bool, Fault> {
    let Some(order) = order else { return Ok(true) };
    match app.next_instant(order) {
        // A look after an open attempt, or the deadline of an order that has arrived by then: its own timer, perhaps
        // lost, is set again, and this one is over. Kept, it would be found due in every tick until then.
        Some(instant) if timer.due < instant && app.inner.ports.clock.wall() < instant => {
            app.look_again(order, Due::At(instant)).await
        }
        _ => app.step(order).await,
    }
}

/// When the hold of an order that waits for payment lapses, if it does.
fn lapses_at(order: &Order) -> Option<UnixMillis> {
    order.life.hold_until.filter(|until| *until < order.pay_deadline && order.hold == HoldAxis::Held)
}

impl App {
    /// When time alone does something to an order.
    fn next_instant(&self, order: &Order) -> Option<UnixMillis> {
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
    async fn step(&self, order: &Order) -> Result<bool, Fault> {
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
        self.take_step(Change { timers: vec![(order.no.clone(), due)], ..Change::touch(order.tenant) }).await
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
