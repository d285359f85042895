//! The daily closing of accounts: sums up to a point of the ledger's sequence, from which the audit may start.
//!
//! Everything it knows is in the store: a crash in the middle is gone on from, and any number of processes may walk the
//! same closing. A page is small and a pause follows it, so that placing waits for one page at most.

use holdline_domain::fault::Fault;
use holdline_domain::ledger::Closings;

use crate::App;

/// Movements of one page: up to as many rows to write, about 10 ms of the writer on SQLite.
const PAGE: usize = 1_000;
/// The pause between two pages: a closing takes a fifth of the writer's time at most.
const PAUSE_MS: u64 = 50;
/// How often the loop looks whether a day has begun.
const LOOK_MS: u64 = 60_000;

pub(crate) async fn close_daily(app: App) {
    let mut pause_ms = LOOK_MS;
    // A process that has just begun has better things to do: the pause comes first.
    while app.inner.tasks.pause(pause_ms).await {
        pause_ms = match close_page(&app).await {
            Ok(true) => PAUSE_MS,
            Ok(false) => LOOK_MS,
            Err(fault) => {
                tracing::warn!(%fault, "the accounts could not be closed; trying again");
                LOOK_MS
            }
        };
    }
}

/// Goes on with a closing, or begins one that is due. False: there is nothing to do.
async fn close_page(app: &App) -> Result<bool, Fault> {
    let ledger = &app.inner.ports.ledger;
    let closings: Closings = ledger.closings().await?;
    match closings.newest {
        Some(closing) if !closing.is_complete() => {
            ledger.walk_closing(&closing, PAGE).await?;
            Ok(true)
        }
        newest if closings.is_due() => {
            ledger.begin_closing(newest.as_ref()).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
