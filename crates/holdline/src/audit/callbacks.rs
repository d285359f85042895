//! Callbacks of providers: what is acted on is done with, what is not has an instant at which it is looked at again.

use super::report::{Check, Notes};
use super::source::{Source, statement};

/// The check; counts what somebody should look at.
pub(super) fn judge(orders: &Source, notes: &mut Notes) -> anyhow::Result<Check> {
    let rule = "a callback that is done with has nothing left to do, any other one is tried again";
    let mut check = Check::new("payment_callback", rule);
    let mut rows = orders.rows(statement!("callback"), &[])?;
    while let Some(row) = rows.next()? {
        let (provider, event_id, state, next_try_ms) = (row.text(0)?, row.text(1)?, row.text(2)?, row.opt_int(3)?);
        let is_over = match state {
            "done" => Some(true),
            "new" | "flagged" | "orphan" => Some(false),
            _ => None,
        };
        notes.flagged_callbacks += u64::from(state == "flagged");
        notes.orphan_callbacks += u64::from(state == "orphan");
        check.judge(is_over == Some(next_try_ms.is_none()), || {
            let next = next_try_ms.map_or("never".to_owned(), |at| format!("at {at} ms"));
            format!("callback {event_id:?} of {provider:?} is {state}, and is tried again {next}")
        });
    }
    Ok(check)
}
