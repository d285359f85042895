//! Which account counts what: four bytes per account, and each SKU once.

use std::collections::HashMap;

use anyhow::ensure;

use super::source::{Source, statement};
use super::stored::STOCK;

/// Account numbers above this are not a real ledger's: a wrong number must not take all memory.
pub(super) const ACCOUNT_NO_MAX: i64 = 1 << 31;
const ABSENT: u32 = u32::MAX;

/// The accounts by number.
#[derive(Default)]
pub(super) struct Accounts {
    /// Place in `skus` times two, plus one for a quota account.
    entries: Vec<u32>,
    skus: Vec<(i64, Box<str>)>,
}

/// What an account counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account<'a> {
    pub(super) is_stock: bool,
    pub(super) tenant: i64,
    pub(super) sku: &'a str,
}

impl Accounts {
    pub(super) fn read(ledger: &Source) -> anyhow::Result<Self> {
        let mut accounts = Self::default();
        let mut known: HashMap<(i64, Box<str>), u32> = HashMap::new();
        let mut rows = ledger.rows(statement!("account_key"), &[])?;
        while let Some(row) = rows.next()? {
            let (account_no, tenant, kind, sku) = (row.int(0)?, row.int(1)?, row.int(2)?, row.text(3)?);
            ensure!((0..ACCOUNT_NO_MAX).contains(&account_no), "there is an account with the number {account_no}");
            let place = *known.entry((tenant, sku.into())).or_insert_with(|| {
                accounts.skus.push((tenant, sku.into()));
                u32::try_from(accounts.skus.len() - 1).unwrap_or(ABSENT)
            });
            ensure!(place < ABSENT / 2, "there are too many SKUs to judge");
            let at = usize::try_from(account_no)?;
            if accounts.entries.len() <= at {
                accounts.entries.resize(at + 1, ABSENT);
            }
            accounts.entries[at] = place * 2 + u32::from(kind != STOCK);
        }
        Ok(accounts)
    }

    pub(super) fn get(&self, account_no: i64) -> Option<Account<'_>> {
        let entry = *self.entries.get(usize::try_from(account_no).ok()?)?;
        let (tenant, sku) = self.skus.get(usize::try_from(entry / 2).ok()?)?;
        Some(Account { is_stock: entry % 2 == 0, tenant: *tenant, sku })
    }

    /// The account in words. Never its buyer: that is personal.
    pub(super) fn name(&self, account_no: i64) -> String {
        match self.get(account_no) {
            Some(Account { is_stock: true, sku, .. }) => format!("account {account_no} (stock of {sku:?})"),
            Some(Account { is_stock: false, sku, .. }) => format!("account {account_no} (a buyer's quota of {sku:?})"),
            None => format!("account {account_no} (which does not exist)"),
        }
    }
}
