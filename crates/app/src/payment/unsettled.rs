//! What is not settled: the list for an operator, and the gauges to set an alarm on.

use holdline_domain::fault::Fault;
use holdline_domain::id::TenantId;
use holdline_domain::payment::{Attempt, Callback, Refund, UnsettledKind};
use holdline_domain::time::UnixMillis;

use crate::App;
use crate::error::Error;

/// What is unsettled longer than this is counted by the gauge, in milliseconds: by then a follow-up has looked several times.
const OVERDUE_AFTER_MS: i64 = 900_000;
/// What the gauge counts up to: counting must not cost more the worse it is.
const COUNTED_MAX: usize = 1_000;

/// Money whose place is not final, longer than it should take.
#[derive(Debug, Clone, Default)]
pub struct Unsettled {
    /// Attempts past their deadline, captured and of no order, or doubted.
    pub attempts: Vec<Attempt>,
    /// Refunds that have not succeeded.
    pub refunds: Vec<Refund>,
    /// Callbacks that contradict what is known here, or speak of what is not known.
    pub callbacks: Vec<Callback>,
}

impl App {
    /// What has not been settled for at least so long, at most `limit` of each kind, the longest first.
    pub async fn unsettled(&self, tenant: TenantId, older_ms: i64, limit: usize) -> Result<Unsettled, Error> {
        let by = UnixMillis(self.inner.ports.clock.wall().0.saturating_sub(older_ms));
        let life = &self.inner.ports.life;
        Ok(Unsettled {
            attempts: life.unsettled_attempts(tenant, by, limit).await?,
            refunds: life.unsettled_refunds(tenant, by, limit).await?,
            callbacks: life.unsettled_callbacks(tenant, by, limit).await?,
        })
    }
}

/// Shows what is not settled until the loops stop.
pub(crate) async fn watch_unsettled(app: App) {
    loop {
        if let Err(fault) = look(&app).await {
            tracing::warn!(%fault, "what is not settled could not be counted; trying again");
        }
        if !app.inner.tasks.pause(app.inner.settings.tick_ms.saturating_mul(10)).await {
            return;
        }
    }
}

async fn look(app: &App) -> Result<(), Fault> {
    let now = app.inner.ports.clock.wall();
    for kind in UnsettledKind::ALL.iter().copied() {
        let by = now.plus_ms(-OVERDUE_AFTER_MS);
        let count = app.inner.ports.life.count_unsettled(kind, by, now, COUNTED_MAX).await?;
        let oldest_ms = count.oldest.map_or(0, |since| now.since_ms(since).max(0));
        metrics::gauge!("holdline_unsettled", "kind" => kind.as_str())
            .set(f64::from(u32::try_from(count.overdue).unwrap_or(u32::MAX)));
        metrics::gauge!("holdline_unsettled_oldest_seconds", "kind" => kind.as_str())
            .set(std::time::Duration::from_millis(oldest_ms.unsigned_abs()).as_secs_f64());
    }
    Ok(())
}
