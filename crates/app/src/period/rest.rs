//! The job that moves on what is left of ended periods.
//!
//! Several processes may run it, and it may repeat itself: what is moved is what is available when the ledger decides, so
//! a second move finds nothing. Units that are held or sold when a period ends come back to its account later: it is
//! looked at again and again, the older the less often ([`holdline_domain::ledger::EndedPeriod::next_look`]).
//!
//! What has ended has ended by the ledger's clock, which is guarded as for the deadlines of holds: one jump must not end a
//! sale that has hours to go.

use futures_util::future::try_join_all;
use holdline_domain::fault::Fault;
use holdline_domain::ledger::{AccountKey, EndedPeriod, LedgerAnswer, LedgerRequest};
use holdline_domain::port::EndedPeriods;
use holdline_domain::time::{ClockReading, ShardClock, UnixMillis};

use crate::App;

/// Periods looked at per page: what one batch of the ledger takes at its smallest useful size.
const PAGE: usize = 100;

pub(crate) async fn move_rests(app: App) {
    let mut guarded = ShardClock::new();
    loop {
        let more = match look(&app, &mut guarded).await {
            Ok(looked_at) => looked_at == PAGE,
            Err(fault) => {
                tracing::warn!(%fault, "the rests of ended periods could not be moved; trying again");
                false
            }
        };
        let pause_ms = if more { 0 } else { app.inner.settings.tick_ms.saturating_mul(2) };
        if !app.inner.tasks.pause(pause_ms).await {
            return;
        }
    }
}

/// Looks at one page. Returns how many periods were due.
async fn look(app: &App, guarded: &mut ShardClock) -> Result<usize, Fault> {
    let EndedPeriods { now, due } = app.inner.ports.ledger.ended_periods(PAGE).await?;
    let clock = &app.inner.ports.clock;
    let (process, monotonic_ms) = (clock.wall(), clock.monotonic_ms());
    guarded.judge(ClockReading { database: now, process, monotonic_ms, feed_head: UnixMillis::default() })?;
    if due.is_empty() {
        return Ok(0);
    }
    try_join_all(due.iter().map(|ended| move_rest(app, ended))).await?;
    let count = due.len();
    let looks: Vec<_> =
        due.into_iter().map(|ended| (ended.next_look(now), ended)).map(|(at, ended)| (ended, at)).collect();
    app.inner.ports.ledger.looked_at_periods(&looks).await?;
    Ok(count)
}

async fn move_rest(app: &App, ended: &EndedPeriod) -> Result<(), Fault> {
    let EndedPeriod { tenant, period, next, .. } = ended;
    let Some(to) = period.rest_goes_to(next.as_ref()) else { return Ok(()) };
    let from = AccountKey::Stock(period.account());
    match app.inner.ledger.send(LedgerRequest::MoveRest { tenant: *tenant, from, to }).await? {
        LedgerAnswer::RestMoved { units: 0 } => Ok(()),
        LedgerAnswer::RestMoved { units } => {
            metrics::counter!("holdline_period_units_moved_total").increment(units.unsigned_abs());
            tracing::info!(tenant = tenant.0, sku = %period.sku, period = %period.name, units, "a period's rest is moved on");
            Ok(())
        }
        LedgerAnswer::OutOfRange => {
            tracing::error!(tenant = tenant.0, sku = %period.sku, period = %period.name, "a period's rest has no room");
            Ok(())
        }
        other => unreachable!("the rest of a period is never answered {other:?}"),
    }
}
