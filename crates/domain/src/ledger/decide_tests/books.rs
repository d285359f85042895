//! The rows that a store would keep, in memory: applies what [`decide`] says, and checks its shape on the way.

use std::collections::BTreeMap;

use super::super::*;
use super::{TENANT, quantity, reference};
use crate::id::{BuyerId, Fingerprint, GroupKey, Reference, SellerId, SkuCode, TenantId};
use crate::order::OrderNo;
use crate::time::UnixMillis;

/// Stored rows of a ledger.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Books {
    pub(super) holds: BTreeMap<(TenantId, HoldId), HoldRecord>,
    pub(super) accounts: BTreeMap<i64, Account>,
    references: BTreeMap<(TenantId, AccountKey, Reference), StoredReference>,
    pub(super) outside: BTreeMap<(TenantId, HoldId), Outside>,
    /// The store's clock.
    pub(super) now: UnixMillis,
    pub(super) movements: Vec<Movement>,
    next_seq: i64,
    next_account_no: i64,
}

impl Books {
    pub(super) fn new() -> Self {
        Self {
            holds: BTreeMap::new(),
            accounts: BTreeMap::new(),
            references: BTreeMap::new(),
            outside: BTreeMap::new(),
            now: UnixMillis(0),
            movements: Vec::new(),
            next_seq: 1,
            next_account_no: 1,
        }
    }

    /// Sends one request as a batch of its own.
    pub(super) fn one(&mut self, request: LedgerRequest) -> LedgerAnswer {
        self.batch(&[request]).remove(0)
    }

    /// Sends a batch, as an engine does: reads the rows that [`GuardKeys`] names, decides, writes.
    pub(super) fn batch(&mut self, requests: &[LedgerRequest]) -> Vec<LedgerAnswer> {
        let guard = self.guard(&GuardKeys::of(requests));
        let decided = decide(requests, guard);
        assert_eq!(decided.answers.len(), requests.len());
        self.write(decided)
    }

    fn guard(&self, keys: &GuardKeys) -> Guard {
        let holds: BTreeMap<_, _> =
            keys.holds.iter().filter_map(|id| Some((id.clone(), self.holds.get(id)?.clone()))).collect();
        let by_hold = holds.values().flat_map(|hold| &hold.lines).map(|line| &self.accounts[&line.account_no]);
        let by_key = self.accounts.values().filter(|a| keys.accounts.contains(&(a.tenant, a.key.clone())));
        Guard {
            accounts: by_key.chain(by_hold).cloned().collect(),
            references: keys
                .references
                .iter()
                .filter_map(|key| Some((key.clone(), *self.references.get(key)?)))
                .collect(),
            outside: keys.outside.iter().filter_map(|id| Some((id.clone(), self.outside.get(id)?.clone()))).collect(),
            now: self.now,
            holds,
            next_seq: self.next_seq,
            next_account_no: self.next_account_no,
            open_holds: self.open_holds(),
        }
    }

    fn open_holds(&self) -> i64 {
        self.holds.values().map(|hold| i64::from(hold.is_open())).sum()
    }

    fn write(&mut self, decided: Decided) -> Vec<LedgerAnswer> {
        assert!(decided.holds.is_sorted_by_key(|hold| hold.hold_no));
        assert!(decided.hold_updates.is_sorted_by_key(|update| update.hold_no));
        assert!(decided.account_deltas.is_sorted_by_key(|delta| delta.account_no));
        for account in decided.accounts {
            assert_eq!(account.account_no, self.next_account_no, "accounts are numbered without a gap");
            self.next_account_no += 1;
            assert_eq!(self.accounts.insert(account.account_no, account), None);
        }
        assert_eq!(self.next_account_no, decided.next_account_no);
        for delta in decided.account_deltas {
            let account = self.accounts.get_mut(&delta.account_no).expect("a delta is for a stored account");
            account.on_hand += delta.on_hand;
            account.held += delta.held;
            account.allocated += delta.allocated;
            account.version += delta.version;
        }
        for write in decided.flags {
            self.accounts.get_mut(&write.account_no).expect("flags are for a stored account").flags = write.flags;
        }
        for update in decided.hold_updates {
            let stored = self.holds.values_mut().find(|hold| hold.hold_no == update.hold_no);
            stored.expect("an update is for a stored hold").parts = update.parts;
        }
        for hold in decided.holds {
            assert!(hold.hold_no >= self.next_seq && hold.hold_no < decided.next_seq);
            assert_eq!(self.holds.insert((hold.tenant, hold.id.clone()), hold), None, "a hold is taken once");
        }
        for row in decided.outside {
            let taken = |hold_no| Outside::Taken { hold_no, check_url: row.check_url.clone(), deadlines: Vec::new() };
            let stored = row.hold_no.map_or(Outside::Never, taken);
            assert_eq!(self.outside.insert((row.tenant, row.id), stored), None, "a hold has one row beside it");
        }
        for write in decided.deadlines {
            let of_hold = self.outside.values_mut().find_map(|outside| match outside {
                Outside::Taken { hold_no, deadlines, .. } if *hold_no == write.hold_no => Some(deadlines),
                Outside::Taken { .. } | Outside::Never => None,
            });
            let deadlines = of_hold.expect("a deadline is of an outside hold");
            deadlines.retain(|(part, _)| *part != write.part);
            deadlines.extend(write.deadline.map(|deadline| (write.part, deadline)));
            deadlines.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        for movement in decided.movements {
            assert_eq!(movement.seq, self.next_seq, "the sequence has no gap");
            self.next_seq += 1;
            if let Some(reference) = &movement.reference {
                let key = self.accounts[&movement.account_no].key.clone();
                let stored = StoredReference { kind: movement.kind, quantity: movement.quantity };
                let taken = self.references.insert((movement.tenant, key, reference.clone()), stored);
                assert_eq!(taken, None, "a reference is used once on an account");
            }
            self.movements.push(movement);
        }
        assert_eq!(self.next_seq, decided.next_seq);
        assert_eq!(self.open_holds(), decided.open_holds);
        decided.answers
    }

    /// On hand, held and allocated of an account of [`TENANT`]; zeros if it does not exist.
    pub(super) fn balance(&self, key: &AccountKey) -> (i64, i64, i64) {
        self.account(key).map_or((0, 0, 0), |a| (a.on_hand, a.held, a.allocated))
    }

    pub(super) fn account(&self, key: &AccountKey) -> Option<&Account> {
        self.accounts.values().find(|account| account.tenant == TENANT && account.key == *key)
    }

    /// Kind and quantity of the movements of one account, oldest first.
    pub(super) fn moves(&self, key: &AccountKey) -> Vec<(MovementKind, i64)> {
        let account_no = self.account(key).map(|account| account.account_no);
        self.movements.iter().filter(|m| Some(m.account_no) == account_no).map(|m| (m.kind, m.quantity)).collect()
    }
}

pub(super) fn stock(sku: &str) -> AccountKey {
    AccountKey::Stock(StockKey::of(SkuCode::try_new(sku).unwrap()))
}

pub(super) fn quota(sku: &str, buyer: &str) -> AccountKey {
    AccountKey::Quota(QuotaKey { sku: SkuCode::try_new(sku).unwrap(), buyer: BuyerId::try_new(buyer).unwrap() })
}

pub(super) fn seller(name: &str) -> SellerId {
    SellerId::try_new(name).unwrap()
}

pub(super) fn key(text: &str) -> GroupKey {
    GroupKey::from_stored(text)
}

pub(super) fn demand(seller_name: &str, account: &AccountKey, units: i64) -> Demand {
    Demand { part: Part::Seller(seller(seller_name)), account: account.clone(), quantity: quantity(units), limit: None }
}

pub(super) fn hold(group: &str, demands: &[Demand]) -> LedgerRequest {
    LedgerRequest::Hold {
        tenant: TENANT,
        id: HoldId::first(key(group)),
        content: Fingerprint([1; 32]),
        order_nos: vec![(seller("s"), OrderNo::from_stored("260801120000000000000000001"))],
        demands: demands.to_vec(),
    }
}

fn resolve(group: &str, seller_name: Option<&str>, resolution: Resolution) -> LedgerRequest {
    let part = seller_name.map(|name| Part::Seller(seller(name)));
    LedgerRequest::Resolve { tenant: TENANT, id: HoldId::first(key(group)), part, resolution }
}

pub(super) fn commit(group: &str, seller_name: Option<&str>) -> LedgerRequest {
    resolve(group, seller_name, Resolution::Commit)
}

pub(super) fn release(group: &str, seller_name: Option<&str>) -> LedgerRequest {
    resolve(group, seller_name, Resolution::Release)
}

pub(super) fn adjust(account: &AccountKey, delta: i64, name: &str) -> LedgerRequest {
    let (tenant, account, reference) = (TENANT, account.clone(), reference(name));
    LedgerRequest::Adjust { tenant, account, delta, reference, force: false }
}

pub(super) fn ship(account: &AccountKey, units: i64, name: &str) -> LedgerRequest {
    let (tenant, account, reference) = (TENANT, account.clone(), reference(name));
    LedgerRequest::Ship { tenant, account, quantity: quantity(units), reference }
}

pub(super) fn unallocate(account: &AccountKey, units: i64, name: &str) -> LedgerRequest {
    let (tenant, account, reference) = (TENANT, account.clone(), reference(name));
    LedgerRequest::Unallocate { tenant, account, quantity: quantity(units), reference }
}

pub(super) fn flags(account: &AccountKey, flags: Flags) -> LedgerRequest {
    LedgerRequest::SetFlags { tenant: TENANT, account: account.clone(), flags }
}
