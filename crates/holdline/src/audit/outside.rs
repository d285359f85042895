//! Holds of outside callers against what is stored beside them: one row per hold or tombstone, one deadline per open part.

use std::collections::BTreeSet;

use super::group_rows::Group;
use super::report::Check;
use super::source::{Source, statement};
use super::stored::{Part, parts_of};

/// How the key of such a hold ends: no order group speaks for it.
const KEY_END: &str = "/hold";

/// Whether an outside caller's hold has the key; then its order is kept elsewhere, and no order group may have it.
pub(super) fn judge_group(group: &Group, check: &mut Check) -> bool {
    let outside = group.key.ends_with(KEY_END);
    if outside {
        check.judge(group.orders.is_empty() && group.row.is_none(), || {
            "an order group has the key of an outside caller's hold".to_owned()
        });
    }
    outside
}

/// What one key has.
struct Of {
    key: (i64, String),
    /// The number that the row beside the hold names; `None`: a tombstone, or no row.
    named: Option<i64>,
    has_row: bool,
    hold: Option<(i64, String)>,
    deadlines: BTreeSet<String>,
}

/// The check.
pub(super) fn judge(ledger: &Source) -> anyhow::Result<Check> {
    let rule = "a hold of an outside caller has its row, and each part that is held its deadline";
    let mut check = Check::new("outside_hold", rule);
    let mut rows = ledger.rows(statement!("outside"), &[])?;
    let mut current: Option<Of> = None;
    while let Some(row) = rows.next()? {
        let key = (row.int(0)?, row.text(1)?.to_owned());
        if current.as_ref().is_none_or(|of| of.key != key) {
            if let Some(of) = current.take() {
                of.judge(&mut check);
            }
            let hold = match row.opt_int(4)? {
                Some(hold_no) => Some((hold_no, row.opt_text(5)?.unwrap_or_default().to_owned())),
                None => None,
            };
            let (has_row, named) = (row.int(2)? == 1, row.opt_int(3)?);
            current = Some(Of { key, named, has_row, hold, deadlines: BTreeSet::new() });
        }
        if let (Some(of), Some(part)) = (current.as_mut(), row.opt_text(6)?) {
            of.deadlines.insert(part.to_owned());
        }
    }
    if let Some(of) = current {
        of.judge(&mut check);
    }
    Ok(check)
}

impl Of {
    fn judge(self, check: &mut Check) {
        let Self { key: (_, key), named, has_row, hold, deadlines } = self;
        let Some((hold_no, parts)) = hold else {
            check.judge(named.is_none() && deadlines.is_empty(), || {
                format!(
                    "a row beside holds names hold {named:?}, but there is no hold under its key of {} bytes",
                    key.len()
                )
            });
            return;
        };
        if !key.ends_with(KEY_END) || !has_row || named != Some(hold_no) {
            check.mismatch(|| format!("hold {hold_no} of an outside caller has no row beside it, or that of another"));
            return;
        }
        let Some(parts) = parts_of(&parts) else {
            check.mismatch(|| format!("hold {hold_no}: its parts cannot be understood"));
            return;
        };
        let held: BTreeSet<String> =
            parts.into_iter().filter(|Part(_, state)| state == "h").map(|Part(name, _)| name).collect();
        check.judge(held == deadlines, || {
            format!("hold {hold_no}: parts {held:?} are held, but parts {deadlines:?} have a deadline")
        });
    }
}
