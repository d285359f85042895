//! Units moved between two accounts: nothing is made and nothing lost, and no SKU becomes another.

use super::accounts::Accounts;
use super::movement::Movement;
use super::report::Check;
use super::stored::kind;

/// Judges movements in sequence: a transfer is two neighbours, the one that takes away first.
pub(super) struct Transfers {
    check: Check,
    /// The half that took away, while the movement after it is awaited.
    open: Option<(i64, i64, i64)>,
}

impl Transfers {
    pub(super) fn new() -> Self {
        Self {
            check: Check::new("transfer", "units moved between two stock accounts are of one SKU, and as many arrive"),
            open: None,
        }
    }

    pub(super) fn judge(&mut self, movement: &Movement, accounts: &Accounts) {
        let Movement { seq, account_no, kind: code, quantity, .. } = *movement;
        match self.open.take() {
            None if code == kind::TRANSFER && quantity < 0 => self.open = Some((seq, account_no, quantity)),
            None if code == kind::TRANSFER => {
                self.check.judge(false, || {
                    format!("movement {seq} brings {quantity} units, and none before it takes them away")
                });
            }
            None => {}
            Some((first, from, taken)) => {
                let of = |no| {
                    accounts.get(no).filter(|account| account.is_stock).map(|account| (account.tenant, account.sku))
                };
                let right = code == kind::TRANSFER
                    && seq == first + 1
                    && quantity == -taken
                    && account_no != from
                    && of(from).is_some()
                    && of(from) == of(account_no);
                self.check.judge(right, || {
                    let (from, to) = (accounts.name(from), accounts.name(account_no));
                    let what = kind::name(code);
                    format!("movement {first} takes {} units from {from}; movement {seq} after it is {what} {quantity} of {to}", -taken)
                });
            }
        }
    }

    pub(super) fn into_check(mut self) -> Check {
        if let Some((first, ..)) = self.open {
            self.check.judge(false, || format!("movement {first} takes units away, and nothing comes after it"));
        }
        self.check
    }
}
