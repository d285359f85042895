//! References: each counts once on its account, and is what its movement says.

use super::accounts::Accounts;
use super::report::Check;
use super::source::{Source, statement};
use super::stored::kind;

/// References against the movements after `after`. A use that none of them carries is from before, if that is not zero.
pub(super) fn judge(ledger: &Source, accounts: &Accounts, after: i64) -> anyhow::Result<Check> {
    let mut check = Check::new("reference", "a reference was used once on its account, as its movement says");
    let mut current: Option<Use> = None;
    let mut rows = ledger.rows(statement!("reference"), &[after])?;
    while let Some(row) = rows.next()? {
        let (tenant, account_no, text) = (row.int(0)?, row.int(1)?, row.text(2)?);
        let same = current.as_ref().is_some_and(|known| known.is(tenant, account_no, text));
        if !same {
            if let Some(known) = current.take() {
                known.judge(accounts, after, &mut check);
            }
            current = Some(Use::new(tenant, account_no, text));
        }
        let Some(known) = current.as_mut() else { continue };
        let change = (row.int(5)?, row.int(6)?);
        if row.int(3)? == 0 {
            known.stored = Some(change);
        } else {
            known.moved.push((row.int(4)?, change));
        }
    }
    if let Some(known) = current {
        known.judge(accounts, after, &mut check);
    }
    Ok(check)
}

/// One reference on one account.
struct Use {
    tenant: i64,
    account_no: i64,
    text: String,
    /// Kind and quantity as the reference's row has them.
    stored: Option<(i64, i64)>,
    /// Sequence, kind and quantity of the movements that carry it.
    moved: Vec<(i64, (i64, i64))>,
}

impl Use {
    fn new(tenant: i64, account_no: i64, text: &str) -> Self {
        Self { tenant, account_no, text: text.to_owned(), stored: None, moved: Vec::new() }
    }

    fn is(&self, tenant: i64, account_no: i64, text: &str) -> bool {
        self.tenant == tenant && self.account_no == account_no && self.text == text
    }

    fn judge(&self, accounts: &Accounts, after: i64, check: &mut Check) {
        if after > 0 && self.moved.is_empty() {
            return;
        }
        let right = matches!((self.stored, self.moved.as_slice()), (Some(stored), [(_, moved)]) if stored == *moved);
        check.judge(right, || {
            let Self { account_no, text, .. } = self;
            let name = accounts.name(*account_no);
            let stored = match self.stored {
                Some((code, quantity)) => format!("was stored for {} {quantity}", kind::name(code)),
                None => "is not stored".to_owned(),
            };
            let moved: Vec<String> = self
                .moved
                .iter()
                .map(|(seq, (code, quantity))| format!("movement {seq} ({} {quantity})", kind::name(*code)))
                .collect();
            let moved = if moved.is_empty() { "no movement".to_owned() } else { moved.join(", ") };
            format!("{name}: reference {text:?} {stored}, and {moved} carries it")
        });
    }
}
