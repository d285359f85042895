//! The job that ends outside holds: past its deadline a part is released, after its taker was asked where that is wanted.
//!
//! Several processes may run it: a part is asked for by whoever claims the look at it first, and what is released is
//! the part whose deadline is still the one that was seen to pass. A taker that cannot say keeps its stock: nothing is
//! released on silence, and the pause between questions doubles up to ten minutes. `holdline_hold_checks_total` tells
//! how takers answer.
//!
//! What is due is due by the ledger's clock, which is guarded here as the shard clock is: one jump must not end every hold.

use futures_util::stream::{self, StreamExt as _};
use holdline_domain::fault::Fault;
use holdline_domain::ledger::{CheckUrl, LedgerAnswer, LedgerRequest, OutsideRequest};
use holdline_domain::port::{DueDeadline, DueDeadlines, HoldQuestion, HoldWord};
use holdline_domain::time::{ClockReading, ShardClock, UnixMillis};

use crate::App;
use crate::backoff::Backoff;

/// Parts looked at per page.
const PAGE: usize = 500;
/// Takers asked at once: a slow one keeps only its own part waiting.
const ASKED_AT_ONCE: usize = 32;
/// The pauses between questions.
const PAUSES: Backoff = Backoff { first_ms: 5_000, longest_ms: 600_000 };

pub(crate) async fn end_overdue(app: App) {
    let mut guarded = ShardClock::new();
    loop {
        let more = match look(&app, &mut guarded).await {
            Ok(looked_at) => looked_at == PAGE,
            Err(fault) => {
                tracing::warn!(%fault, "the deadlines of holds could not be looked at; trying again");
                false
            }
        };
        let pause_ms = if more { 0 } else { app.inner.settings.tick_ms.saturating_mul(5) };
        if !app.inner.tasks.pause(pause_ms).await {
            return;
        }
    }
}

/// Looks at one page. Returns how many parts were due.
async fn look(app: &App, guarded: &mut ShardClock) -> Result<usize, Fault> {
    let DueDeadlines { now, due } = app.inner.ports.ledger.due_deadlines(PAGE).await?;
    let clock = &app.inner.ports.clock;
    let (process, monotonic_ms) = (clock.wall(), clock.monotonic_ms());
    guarded.judge(ClockReading { database: now, process, monotonic_ms, feed_head: UnixMillis::default() })?;
    let count = due.len();
    let ends = stream::iter(due).map(|due| end(app, due)).buffer_unordered(ASKED_AT_ONCE);
    let ends: Vec<Result<(), Fault>> = ends.collect().await;
    ends.into_iter().collect::<Result<(), Fault>>().map(|()| count)
}

async fn end(app: &App, due: DueDeadline) -> Result<(), Fault> {
    let expire = OutsideRequest::Expire { part: due.part.clone(), deadline: due.deadline.at };
    let Some(url) = due.check_url.clone() else {
        if ask_ledger(app, &due, expire).await? == LedgerAnswer::Released {
            metrics::counter!("holdline_holds_expired_total").increment(1);
        }
        return Ok(());
    };
    let visits = due.deadline.visits;
    let claim =
        OutsideRequest::Visit { part: due.part.clone(), visits, wait_ms: PAUSES.after(visits.saturating_add(1)) };
    if ask_ledger(app, &due, claim).await? != LedgerAnswer::Visited {
        return Ok(());
    }
    match word(app, &due, url).await {
        HoldWord::Unknown => Ok(()),
        HoldWord::Released => ask_ledger(app, &due, expire).await.map(drop),
        HoldWord::Committed => {
            let commit = OutsideRequest::Commit { part: Some(due.part.clone()) };
            if ask_ledger(app, &due, commit).await? == LedgerAnswer::AlreadyReleased {
                tracing::error!(tenant = due.tenant.0, "a taker says that it sold a part that was released before");
            }
            Ok(())
        }
    }
}

/// What the taker says; `Unknown` where it cannot be reached.
async fn word(app: &App, due: &DueDeadline, url: CheckUrl) -> HoldWord {
    let Some(tenant) = app.tenant(due.tenant) else { return HoldWord::Unknown };
    let question = HoldQuestion {
        url,
        tenant: tenant.name.clone(),
        hold_id: due.id.key.outside_name().unwrap_or_default().to_owned(),
        part: due.part.clone(),
        deadline: due.deadline.at,
        asked: due.deadline.visits,
    };
    let word = app.inner.ports.checker.ask(&question).await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, asked = question.asked, "a taker could not be asked about its hold, which stays held");
        HoldWord::Unknown
    });
    metrics::counter!("holdline_hold_checks_total", "answer" => word.as_str()).increment(1);
    word
}

async fn ask_ledger(app: &App, due: &DueDeadline, request: OutsideRequest) -> Result<LedgerAnswer, Fault> {
    app.inner.ledger.send(LedgerRequest::Outside { tenant: due.tenant, id: due.id.clone(), request }).await
}
