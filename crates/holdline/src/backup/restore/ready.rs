//! What both kinds of store go through before they may serve: holds compared with orders, numbers and feed renewed, audit.

use std::time::Duration;

use anyhow::Context as _;
use holdline_app::{Findings, Reconciliation, Verdict};
use holdline_domain::order::number::LEASE_MS_MAX;
use holdline_domain::time::UnixMillis;
use holdline_store::Stores;
use holdline_store::pair::Renewed;

use crate::audit::{self, Store};
use crate::backup::manifest::Manifest;
use crate::config::Config;
use crate::stores;

/// As the command `audit` takes it when nothing is said.
const ORPHAN_AFTER: Duration = Duration::from_secs(10);

/// Compares, renews, audits, and opens for serving. `None`: something disagrees, which was told line by line, and nothing
/// may serve this. The store is closed when this returns; `place` is where the audit finds it.
pub(super) async fn make(
    opened: Stores,
    place: Store,
    manifest: &Manifest,
    config: &Config,
    repair: bool,
) -> anyhow::Result<Option<Renewed>> {
    let Stores { ledger, orders, life, tenants, pair, .. } = opened;
    pair.begin_restore(&manifest.backup_id).await.map_err(stores::sentence)?;
    let tenants = tenants.tenants().await.map_err(stores::sentence)?;
    let reconciliation = Reconciliation {
        ledger: ledger.as_ref(),
        orders: orders.as_ref(),
        life: life.as_ref(),
        tenants: &tenants,
        repair,
    };
    let mut unsaid = Ok(());
    let mut tell = |verdict: Verdict, what: &str| {
        let word = match verdict {
            Verdict::Settled => "settled",
            Verdict::Repaired => "repaired",
            Verdict::Mismatch => "mismatch",
        };
        if unsaid.is_ok() {
            unsaid = crate::print(&format!("{word}: {what}\n"));
        }
    };
    let findings = reconciliation.run(&mut tell).await.map_err(stores::sentence)?;
    unsaid?;
    let Findings { settled, repaired, mismatches, .. } = findings;
    crate::print(&format!("holds against orders: {settled} settled, {repaired} repaired, {mismatches} mismatches\n"))?;
    if mismatches > 0 {
        let advice = if repair { "these have no right answer" } else { "say --repair to put right what can be" };
        crate::print(&format!("refused: {mismatches} mismatches between holds and orders; {advice}\n"))?;
        return Ok(None);
    }
    let offset_s = config.app_settings().number_offset_s;
    let offset_s = orders.number_offset_s(offset_s).await.map_err(stores::sentence)?;
    let now = ledger.due_deadlines(1).await.map_err(stores::sentence)?.now;
    let renewed = pair.renew(numbers_from(&findings, now, offset_s)).await.map_err(stores::sentence)?;
    reconciliation.note_settled(&findings, renewed.epoch).await.map_err(stores::sentence)?;
    let from = jiff::Timestamp::from_millisecond(renewed.numbers_from.0).context("an instant")?;
    crate::print(&format!("renewed: feed epoch {}, order numbers from {from}\n", renewed.epoch))?;
    let report = audit::audit(place, true, ORPHAN_AFTER).await.context("the restored store could not be judged")?;
    crate::print(&report.to_text())?;
    if !report.is_clean() {
        crate::print("refused: the audit finds what it may not; nothing serves this\n")?;
        return Ok(None);
    }
    pair.finish_restore().await.map_err(stores::sentence)?;
    Ok(Some(renewed))
}

/// Past everything that may have been given out since the backup: no lease runs longer than 10 s from when it was given,
/// by a clock that is taken to have been no later than now.
fn numbers_from(findings: &Findings, now: UnixMillis, offset_s: i32) -> UnixMillis {
    let newest = findings.newest_number.as_ref().and_then(|order_no| order_no.stamped(offset_s));
    let past_newest = newest.map_or(UnixMillis(0), |at| at.plus_ms(1));
    now.max(findings.newest_ms).plus_ms(LEASE_MS_MAX).max(past_newest)
}
