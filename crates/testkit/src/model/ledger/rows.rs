//! The rows of the ledger's database, and what a batch does to them.

use std::collections::BTreeMap;

use holdline_domain::id::{GroupKey, Reference, TenantId};
use holdline_domain::ledger::{
    Account, AccountKey, AccountSums, ClosedMovement, Closing, Guard, GuardKeys, HoldId, HoldRecord, LedgerAnswer,
    LedgerRequest, Movement, Outside, StoredReference, decide, walk,
};
use holdline_domain::time::UnixMillis;

use crate::model::period::PeriodRows;

/// A hold as the model keeps it.
#[derive(Debug, Clone)]
pub struct StoredHold {
    /// The row.
    pub hold: HoldRecord,
    /// When it was taken, by the database's clock.
    pub taken: UnixMillis,
    /// When it was taken, in true virtual milliseconds: evidence for the judge only.
    pub taken_at_ms: i64,
}

/// A movement as the model keeps it.
#[derive(Debug, Clone)]
pub struct StoredMovement {
    /// The row.
    pub movement: Movement,
    /// When it was written, by the database's clock.
    pub at: UnixMillis,
    /// When it was written, in true virtual milliseconds: evidence for the judge only.
    pub written_at_ms: i64,
}

/// Everything in the ledger's database.
#[derive(Debug, Clone, Default)]
pub struct LedgerRows {
    /// Accounts by number.
    pub accounts: BTreeMap<i64, Account>,
    /// Holds by number.
    pub holds: BTreeMap<i64, StoredHold>,
    /// Movements in sequence.
    pub movements: Vec<StoredMovement>,
    pub(super) account_nos: BTreeMap<(TenantId, AccountKey), i64>,
    pub(super) hold_nos: BTreeMap<(TenantId, HoldId), i64>,
    references: BTreeMap<(TenantId, AccountKey, Reference), StoredReference>,
    /// What is stored beside holds of outside callers.
    pub outside: BTreeMap<(TenantId, HoldId), Outside>,
    pub(super) periods: PeriodRows,
    pub(super) reaper_cursor: i64,
    /// How many holds have a part that is still held, as the batches counted.
    pub open_holds: i64,
    pub(super) closings: Vec<Closing>,
    /// The newest sums of each account, with the closing that has them.
    closed: BTreeMap<i64, (i64, AccountSums)>,
}

impl LedgerRows {
    pub(super) fn guard(&self, batch: &[LedgerRequest], now: UnixMillis) -> Guard {
        let keys = GuardKeys::of(batch);
        let holds: BTreeMap<_, _> = keys
            .holds
            .into_iter()
            .filter_map(|id| {
                let hold = self.holds.get(self.hold_nos.get(&id)?)?.hold.clone();
                Some((id, hold))
            })
            .collect();
        let demanded = keys.accounts.iter().filter_map(|key| self.account_nos.get(key));
        let claimed = holds.values().flat_map(|hold| hold.lines.iter().map(|line| &line.account_no));
        let accounts = demanded.chain(claimed).filter_map(|no| self.accounts.get(no)).cloned().collect();
        let references =
            keys.references.into_iter().filter_map(|key| Some((key.clone(), *self.references.get(&key)?))).collect();
        let outside =
            keys.outside.into_iter().filter_map(|id| Some((id.clone(), self.outside.get(&id)?.clone()))).collect();
        Guard {
            holds,
            outside,
            now,
            accounts,
            references,
            next_seq: self.movements.last().map_or(1, |stored| stored.movement.seq + 1),
            next_account_no: self.accounts.last_key_value().map_or(1, |(no, _)| no + 1),
            open_holds: self.open_holds,
        }
    }

    pub(super) fn apply(&mut self, batch: &[LedgerRequest], now: UnixMillis, at_ms: i64) -> Vec<LedgerAnswer> {
        let decided = decide(batch, self.guard(batch, now));
        for account in decided.accounts {
            self.account_nos.insert((account.tenant, account.key.clone()), account.account_no);
            self.accounts.insert(account.account_no, account);
        }
        for delta in decided.account_deltas {
            let account = self.accounts.get_mut(&delta.account_no).expect("a delta is of a stored account");
            account.on_hand += delta.on_hand;
            account.held += delta.held;
            account.allocated += delta.allocated;
            account.version += delta.version;
        }
        for write in decided.flags {
            self.accounts.get_mut(&write.account_no).expect("flags are of a stored account").flags = write.flags;
        }
        for hold in decided.holds {
            self.hold_nos.insert((hold.tenant, hold.id.clone()), hold.hold_no);
            self.holds.insert(hold.hold_no, StoredHold { hold, taken: now, taken_at_ms: at_ms });
        }
        for update in decided.hold_updates {
            self.holds.get_mut(&update.hold_no).expect("an update is of a stored hold").hold.parts = update.parts;
        }
        for row in decided.outside {
            let taken = |hold_no| Outside::Taken { hold_no, check_url: row.check_url.clone(), deadlines: Vec::new() };
            self.outside.insert((row.tenant, row.id), row.hold_no.map_or(Outside::Never, taken));
        }
        for write in decided.deadlines {
            let hold = &self.holds[&write.hold_no].hold;
            let Some(Outside::Taken { deadlines, .. }) = self.outside.get_mut(&(hold.tenant, hold.id.clone())) else {
                panic!("a deadline is of an outside hold")
            };
            deadlines.retain(|(part, _)| *part != write.part);
            deadlines.extend(write.deadline.map(|deadline| (write.part, deadline)));
            deadlines.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        for movement in decided.movements {
            if let Some(reference) = &movement.reference {
                let key = self.accounts[&movement.account_no].key.clone();
                let used = StoredReference { kind: movement.kind, quantity: movement.quantity };
                self.references.insert((movement.tenant, key, reference.clone()), used);
            }
            self.movements.push(StoredMovement { movement, at: now, written_at_ms: at_ms });
        }
        self.open_holds = decided.open_holds;
        decided.answers
    }

    pub(super) fn newest_seq(&self) -> i64 {
        self.movements.last().map_or(0, |stored| stored.movement.seq)
    }

    pub(super) fn walk(&mut self, closing: Closing, limit: usize) {
        if self.closings.last() != Some(&closing) {
            return;
        }
        let ahead = self.movements.iter().map(|stored| &stored.movement);
        let ahead = ahead.filter(|movement| (closing.walked_seq + 1..=closing.seq).contains(&movement.seq)).take(limit);
        let of = |movement: &Movement| {
            let Movement { seq, account_no, kind, quantity, .. } = *movement;
            ClosedMovement { seq, account_no, kind, quantity }
        };
        let page: Vec<ClosedMovement> = ahead.map(of).collect();
        let walked = walk(closing, &page, &self.closed);
        for (account_no, sums) in walked.new.into_iter().chain(walked.changed) {
            self.closed.insert(account_no, (closing.no, sums));
        }
        self.closings.pop();
        self.closings.push(walked.closing);
    }

    pub(super) fn newest_hold(&self, tenant: TenantId, key: &GroupKey) -> Option<HoldRecord> {
        let from = (tenant, HoldId { key: key.clone(), n: i32::MIN });
        let to = (tenant, HoldId { key: key.clone(), n: i32::MAX });
        let (_, hold_no) = self.hold_nos.range(from..=to).next_back()?;
        Some(self.holds[hold_no].hold.clone())
    }
}
