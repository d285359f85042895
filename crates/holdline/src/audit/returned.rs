//! Units that were sold at an order's creation and came back at its end.

use std::collections::HashMap;

use super::source::{Source, statement};

/// What orders that had been sold gave back at their end: units, by account and order number.
pub(super) struct Returned(HashMap<(i64, String), i64>);

impl Returned {
    pub(super) fn read(ledger: &Source) -> anyhow::Result<Self> {
        let mut returned = HashMap::new();
        let mut rows = ledger.rows(statement!("returned"), &[])?;
        while let Some(row) = rows.next()? {
            if let Some(order_no) = row.text(1)?.strip_suffix("/ended") {
                returned.insert((row.int(0)?, order_no.to_owned()), row.int(2)?);
            }
        }
        Ok(Self(returned))
    }

    /// What is wrong when an order of which `sold` units of an account were sold has ended.
    pub(super) fn fault(&self, account_no: i64, order_no: &str, sold: i64) -> Option<String> {
        let returned = self.0.get(&(account_no, order_no.to_owned())).copied().unwrap_or(0);
        (returned != sold).then(|| {
            format!("{sold} units of account {account_no} were sold before it ended, and {returned} were given back")
        })
    }
}
