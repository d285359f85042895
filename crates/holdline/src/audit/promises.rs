//! Submits that were accepted before they were decided: each ends in time, and its numbers lead to it until they are orders.

use std::collections::{BTreeMap, BTreeSet};

use super::report::Check;
use super::source::{Source, statement};

/// How long after its instant a promise may wait for somebody to end it: everything that runs looks every second.
const LATE_MS: i64 = 30_000;

/// The key of a submit.
type Key = (i64, String);

/// The check. `newest_ms`: the newest instant that the store knows.
pub(super) fn judge(orders: &Source, newest_ms: i64) -> anyhow::Result<Check> {
    let rule = "an accepted submit ends in time, and its numbers lead to it until they are orders";
    let mut check = Check::new("accepted_submit", rule);
    let mut of_undecided: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    let mut rows = orders.rows(statement!("accepted_number"), &[])?;
    while let Some(row) = rows.next()? {
        let (tenant, number, key) = (row.int(0)?, row.text(1)?, row.text(2)?);
        let (is_undecided, has_ended, is_order) = (row.int(3)? == 1, row.int(4)? == 1, row.int(5)? == 1);
        check.judge(!is_order, || format!("number {number} is an order, and still promised to {key}"));
        if is_undecided {
            of_undecided.entry((tenant, key.to_owned())).or_default().insert(number.to_owned());
        } else if !has_ended {
            check.mismatch(|| format!("number {number} was promised to {key}, of which nothing is known"));
        }
    }
    let mut rows = orders.rows(statement!("accepted_submit"), &[])?;
    while let Some(row) = rows.next()? {
        let key = (row.int(0)?, row.text(1)?.to_owned());
        let promised: Option<Vec<(String, String)>> = serde_json::from_str(row.text(2)?).ok();
        let (decide_by_ms, has_ended) = (row.int(3)?, row.int(4)? == 1);
        check.judge(!has_ended, || format!("submit {} has ended, and is still to be decided", key.1));
        let late_ms = newest_ms.saturating_sub(decide_by_ms);
        if late_ms > LATE_MS {
            check.mismatch(|| format!("submit {} was to be decided {} s ago", key.1, late_ms / 1_000));
        }
        let promised = promised.map(|numbers| numbers.into_iter().map(|(_, number)| number).collect::<BTreeSet<_>>());
        let leading = of_undecided.remove(&key).unwrap_or_default();
        if promised.as_ref() != Some(&leading) {
            check.mismatch(|| format!("submit {} was promised {promised:?}, but {leading:?} lead to it", key.1));
        }
    }
    Ok(check)
}
