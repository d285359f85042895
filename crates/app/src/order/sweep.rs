//! The sweep: ends what time should have ended, evenly and no more than so many per second, so that 100,000 orders due in
//! one instant do not hinder placing.
//!
//! It walks over the due timers, and is held up by no order: one that cannot be ended yet waits for the next walk, and one whose
//! rows cannot be read for its next try.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::{Due, Timer};
use tokio::sync::mpsc;

use super::{Extent, Found};
use crate::App;
use crate::page::{AT_ONCE, Pace};

/// Timers that are read at once with their orders, and removed at once, at most.
const PAGE_MAX: usize = 250;
/// Pages that a second's share of orders is read in, so that an order is read shortly before its turn.
const PAGES_PER_SECOND: u32 = 16;
/// Pages whose timers are being removed while the next ones are worked off.
const REMOVED_AT_ONCE: usize = 2;
/// After how long an order is tried again whose rows cannot be read, in milliseconds.
const UNREADABLE_MS: i64 = 5_000;

/// Timers with their orders.
type Page = Vec<(Timer, Found)>;

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

/// The orders of a page of timers without their lines, one read for each tenant.
async fn with_orders(app: &App, timers: Vec<Timer>) -> Result<Page, Fault> {
    // Sets: an order may have several timers in one page.
    let mut numbers: BTreeMap<TenantId, BTreeSet<OrderNo>> = BTreeMap::new();
    for timer in &timers {
        numbers.entry(timer.tenant).or_default().insert(timer.order_no.clone());
    }
    let mut found = BTreeMap::new();
    for (tenant, numbers) in numbers {
        for (order_no, order) in app.orders_found(tenant, numbers.into_iter().collect(), Extent::Head).await? {
            found.insert((tenant, order_no), order);
        }
    }
    let with_order = |timer: Timer| {
        let order = found.get(&(timer.tenant, timer.order_no.clone())).cloned().unwrap_or(Found::Gone);
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
    let ended = in_turn
        .map(async |(timer, order)| end_overdue(app, &timer, order).await.map(|is_done| is_done.then_some(timer)));
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
async fn end_overdue(app: &App, timer: &Timer, found: Found) -> Result<bool, Fault> {
    let order = match found {
        Found::Order(order) => order,
        Found::Gone => return Ok(true),
        Found::Unreadable(error) => {
            tracing::error!(order_no = %timer.order_no, error, "an order that time should end cannot be read");
            return app.set_timer(timer.tenant, &timer.order_no, Due::In(UNREADABLE_MS)).await;
        }
    };
    match app.next_instant(&order) {
        // A look after an open attempt, or the deadline of an order that has arrived by then: its own timer, perhaps
        // lost, is set again, and this one is over. Kept, it would be found due in every walk until then.
        Some(instant) if timer.due < instant && app.inner.ports.clock.wall() < instant => {
            app.set_timer(order.tenant, &order.no, Due::At(instant)).await
        }
        _ => app.step(&order).await,
    }
}
