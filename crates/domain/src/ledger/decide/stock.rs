//! Requests about stock accounts that neither claim nor end anything: their flags, and the rest of an ended period.

use super::{Batch, in_range};
use crate::id::TenantId;
use crate::ledger::{Account, AccountKey, Flags, LedgerAnswer, MovementKind};

impl Batch {
    pub(super) fn set_flags(&mut self, tenant: TenantId, key: &AccountKey, flags: Flags) -> LedgerAnswer {
        let place = self.account(tenant, key);
        if self.accounts[place].flags != flags {
            let was_in_danger = self.accounts[place].in_danger();
            self.accounts[place].flags = flags;
            self.accounts[place].version += 1;
            let account_no = self.accounts[place].account_no;
            self.movement(tenant, account_no, MovementKind::Flags, 0, None, None);
            if !was_in_danger && self.accounts[place].in_danger() {
                self.alert_danger(place);
            }
        }
        LedgerAnswer::FlagsSet(self.accounts[place].clone())
    }

    /// Moves what is available, never what is held or sold. Both movements follow each other: the audit pairs them.
    pub(super) fn move_rest(&mut self, tenant: TenantId, from: &AccountKey, to: &AccountKey) -> LedgerAnswer {
        let Some(from) = self.by_key.get(&(tenant, from.clone())).copied() else {
            return LedgerAnswer::RestMoved { units: 0 };
        };
        let units = self.accounts[from].available();
        let same = self.accounts[from].key == *to;
        if units <= 0 || same {
            return LedgerAnswer::RestMoved { units: 0 };
        }
        let there = self.by_key.get(&(tenant, to.clone())).map_or(0, |place| self.accounts[*place].on_hand);
        if there.checked_add(units).and_then(in_range).is_none() {
            return LedgerAnswer::OutOfRange;
        }
        let to = self.account(tenant, to);
        let was_in_danger = self.accounts[from].in_danger();
        for (place, quantity) in [(from, -units), (to, units)] {
            let Account { on_hand, version, account_no, .. } = &mut self.accounts[place];
            *on_hand += quantity;
            *version += 1;
            let account_no = *account_no;
            self.movement(tenant, account_no, MovementKind::Transfer, quantity, None, None);
        }
        if !was_in_danger && self.accounts[from].in_danger() {
            self.alert_danger(from);
        }
        LedgerAnswer::RestMoved { units }
    }
}
