//! The rule of the ledger: one batch of requests, decided in arrival order over the rows that the engine locked.
//!
//! Each request is judged against what the earlier requests of the same batch left, never against the database alone.
//! A refused request changes nothing. The hold's id is looked up before any balance.

mod outside;
mod stock;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account, AccountDelta, AccountKey, Decided, Demand, FlagsWrite, Guard, HoldId, HoldLine, HoldRecord, HoldUpdate,
    LedgerAnswer, LedgerRequest, Movement, MovementKind, Outside, OutsideWrite, Part, PartState, Resolution, Shortage,
    StoredReference,
};
use crate::id::{Fingerprint, Reference, SellerId, TenantId};
use crate::order::OrderNo;
use crate::time::UnixMillis;

/// No balance leaves ± this many units: the difference of any two balances, and every sum of three, fits i64.
const BALANCE_MAX: i64 = i64::MAX / 4;

/// Decides a batch. `guard` must hold every row that [`super::GuardKeys::of`] names and the accounts of the holds to resolve.
pub fn decide(requests: &[LedgerRequest], guard: Guard) -> Decided {
    let mut batch = Batch::new(guard);
    let answers = requests.iter().map(|request| batch.answer(request)).collect();
    batch.finish(answers)
}

/// Every account that could not give the sum of the demands on it, judged on `accounts` as they were read: the facts of
/// a refusal, never a promise. Empty when nothing is short or a sum leaves the range of i64.
pub fn shortages(tenant: TenantId, demands: &[Demand], accounts: Vec<Account>) -> Vec<Shortage> {
    Batch::new(Guard { accounts, ..Guard::default() }).shortages(tenant, demands).unwrap_or_default()
}

/// The state of the rows while the batch is decided.
struct Batch {
    holds: BTreeMap<(TenantId, HoldId), HoldRecord>,
    /// Holds below this number were stored before the batch.
    first_new_hold_no: i64,
    changed_holds: BTreeSet<i64>,
    accounts: Vec<Account>,
    /// Accounts as they were read, by place in `accounts`; `None` for accounts made by this batch.
    before: Vec<Option<Account>>,
    by_key: BTreeMap<(TenantId, AccountKey), usize>,
    by_no: BTreeMap<i64, usize>,
    references: BTreeMap<(TenantId, AccountKey, Reference), StoredReference>,
    outside: BTreeMap<(TenantId, HoldId), Outside>,
    new_outside: Vec<OutsideWrite>,
    changed_deadlines: BTreeSet<(i64, Part)>,
    now: UnixMillis,
    movements: Vec<Movement>,
    next_seq: i64,
    next_account_no: i64,
    open_holds: i64,
}

impl Batch {
    fn new(guard: Guard) -> Self {
        let mut batch = Self {
            holds: guard.holds,
            first_new_hold_no: guard.next_seq,
            changed_holds: BTreeSet::new(),
            accounts: Vec::with_capacity(guard.accounts.len()),
            before: Vec::with_capacity(guard.accounts.len()),
            by_key: BTreeMap::new(),
            by_no: BTreeMap::new(),
            references: guard.references,
            outside: guard.outside,
            new_outside: Vec::new(),
            changed_deadlines: BTreeSet::new(),
            now: guard.now,
            movements: Vec::new(),
            next_seq: guard.next_seq,
            next_account_no: guard.next_account_no,
            open_holds: guard.open_holds,
        };
        for account in guard.accounts {
            if !batch.by_no.contains_key(&account.account_no) {
                batch.index(&account);
                batch.before.push(Some(account.clone()));
                batch.accounts.push(account);
            }
        }
        batch
    }

    fn index(&mut self, account: &Account) {
        let place = self.accounts.len();
        self.by_key.insert((account.tenant, account.key.clone()), place);
        self.by_no.insert(account.account_no, place);
    }

    fn answer(&mut self, request: &LedgerRequest) -> LedgerAnswer {
        match request {
            LedgerRequest::Hold { tenant, id, content, order_nos, demands } => {
                self.hold(*tenant, id, *content, order_nos, demands)
            }
            LedgerRequest::Resolve { tenant, id, part, resolution } => {
                self.resolve(*tenant, id, part.as_ref(), *resolution)
            }
            LedgerRequest::Ship { tenant, account, quantity, reference } => {
                self.take_allocated(*tenant, account, quantity.units(), reference, MovementKind::Ship)
            }
            LedgerRequest::Unallocate { tenant, account, quantity, reference } => {
                self.take_allocated(*tenant, account, quantity.units(), reference, MovementKind::Unallocate)
            }
            LedgerRequest::Adjust { tenant, account, delta, reference, force } => {
                self.adjust(*tenant, account, *delta, reference, *force)
            }
            LedgerRequest::SetFlags { tenant, account, flags } => self.set_flags(*tenant, account, *flags),
            LedgerRequest::MoveRest { tenant, from, to } => self.move_rest(*tenant, from, to),
            LedgerRequest::Outside { tenant, id, request } => self.outside(*tenant, id, request),
        }
    }

    fn hold(
        &mut self,
        tenant: TenantId,
        id: &HoldId,
        content: Fingerprint,
        order_nos: &[(SellerId, OrderNo)],
        demands: &[Demand],
    ) -> LedgerAnswer {
        if let Some(known) = self.holds.get(&(tenant, id.clone())) {
            return if known.content != content {
                LedgerAnswer::ContentMismatch
            } else if known.is_open() {
                LedgerAnswer::AlreadyHeld(known.clone())
            } else {
                LedgerAnswer::AlreadyResolved(known.clone())
            };
        }
        let Some(shortages) = self.shortages(tenant, demands) else {
            return LedgerAnswer::OutOfRange;
        };
        if !shortages.is_empty() {
            return LedgerAnswer::Insufficient(shortages);
        }
        let hold_no = self.next_seq;
        let mut claims: BTreeMap<(Part, usize), i64> = BTreeMap::new();
        for demand in demands {
            let place = self.account(tenant, &demand.account);
            *claims.entry((demand.part.clone(), place)).or_default() += demand.quantity.units();
        }
        let mut lines: Vec<HoldLine> = claims
            .into_iter()
            .map(|((part, place), quantity)| HoldLine { part, account_no: self.accounts[place].account_no, quantity })
            .collect();
        lines.sort_by(|a, b| (&a.part, a.account_no).cmp(&(&b.part, b.account_no)));
        let mut endangered = Vec::new();
        for line in &lines {
            let place = self.by_no[&line.account_no];
            let was_in_danger = self.accounts[place].in_danger();
            self.accounts[place].held += line.quantity;
            self.accounts[place].version += 1;
            self.movement(
                tenant,
                line.account_no,
                MovementKind::Hold,
                line.quantity,
                Some((hold_no, &line.part)),
                None,
            );
            if !was_in_danger && self.accounts[place].in_danger() {
                endangered.push(place);
            }
        }
        // Alerts follow the claims: the hold's own movements stay one unbroken run from `hold_no`.
        for place in endangered {
            self.alert_danger(place);
        }
        let parts: BTreeSet<&Part> = lines.iter().map(|line| &line.part).collect();
        let record = HoldRecord {
            hold_no,
            tenant,
            id: id.clone(),
            content,
            order_nos: order_nos.to_vec(),
            parts: parts.into_iter().map(|part| (part.clone(), PartState::Held)).collect(),
            lines,
        };
        self.holds.insert((tenant, id.clone()), record.clone());
        LedgerAnswer::Held(record)
    }

    /// Every account that cannot give the sum of the demands on it; `None` when a balance would leave its range.
    fn shortages(&self, tenant: TenantId, demands: &[Demand]) -> Option<Vec<Shortage>> {
        let mut sums: BTreeMap<&AccountKey, (i64, Option<i64>)> = BTreeMap::new();
        for demand in demands {
            let (sum, limit) = sums.entry(&demand.account).or_insert((0, demand.limit));
            *sum = sum.checked_add(demand.quantity.units())?;
            *limit = match (*limit, demand.limit) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (limit, None) | (None, limit) => limit,
            };
        }
        let mut shortages = Vec::new();
        for (key, (requested, limit)) in sums {
            let place = self.by_key.get(&(tenant, key.clone()));
            let unknown;
            let account = if let Some(place) = place {
                &self.accounts[*place]
            } else {
                unknown = Account::empty(tenant, key.clone());
                &unknown
            };
            in_range(account.held.checked_add(requested)?.checked_add(account.allocated)?)?;
            if let Some((cause, available)) = account.shortage(requested, limit) {
                let available = available.clamp(0, requested);
                let account_version = account.version;
                shortages.push(Shortage { sku: key.sku().clone(), cause, requested, available, account_version });
            }
        }
        Some(shortages)
    }

    fn resolve(&mut self, tenant: TenantId, id: &HoldId, part: Option<&Part>, resolution: Resolution) -> LedgerAnswer {
        let Some(hold) = self.holds.get_mut(&(tenant, id.clone())) else {
            return LedgerAnswer::UnknownHold;
        };
        let asked = |candidate: &Part| part.is_none_or(|part| part == candidate);
        let Some(first) = hold.parts.iter().find(|(candidate, _)| asked(candidate)).map(|(_, state)| *state) else {
            return LedgerAnswer::UnknownHold;
        };
        let open: Vec<Part> =
            hold.parts.iter().filter(|(p, s)| asked(p) && *s == PartState::Held).map(|(p, _)| p.clone()).collect();
        if open.is_empty() {
            return match first {
                PartState::Committed => LedgerAnswer::AlreadyCommitted,
                PartState::Held | PartState::Released => LedgerAnswer::AlreadyReleased,
            };
        }
        let (state, kind, answer) = match resolution {
            Resolution::Commit => (PartState::Committed, MovementKind::Commit, LedgerAnswer::Committed),
            Resolution::Release => (PartState::Released, MovementKind::Release, LedgerAnswer::Released),
        };
        for (_, part_state) in hold.parts.iter_mut().filter(|(p, _)| open.contains(p)) {
            *part_state = state;
        }
        let hold_no = hold.hold_no;
        let lines: Vec<HoldLine> = hold.lines.iter().filter(|line| open.contains(&line.part)).cloned().collect();
        self.changed_holds.insert(hold_no);
        self.end_deadlines(tenant, id, &open);
        for line in lines {
            let account = &mut self.accounts[self.by_no[&line.account_no]];
            account.held -= line.quantity;
            if resolution == Resolution::Commit {
                account.allocated += line.quantity;
            }
            account.version += 1;
            self.movement(tenant, line.account_no, kind, line.quantity, Some((hold_no, &line.part)), None);
        }
        answer
    }

    fn take_allocated(
        &mut self,
        tenant: TenantId,
        key: &AccountKey,
        quantity: i64,
        reference: &Reference,
        kind: MovementKind,
    ) -> LedgerAnswer {
        let (answer, again) = if kind == MovementKind::Ship {
            (LedgerAnswer::Shipped, LedgerAnswer::AlreadyShipped)
        } else {
            (LedgerAnswer::Unallocated, LedgerAnswer::AlreadyUnallocated)
        };
        if let Some(used) = self.references.get(&(tenant, key.clone(), reference.clone())) {
            return repeated(*used, kind, quantity).unwrap_or(again);
        }
        let allocated = self.by_key.get(&(tenant, key.clone())).map_or(0, |place| self.accounts[*place].allocated);
        if allocated < quantity {
            return LedgerAnswer::NotAllocated { requested: quantity, allocated };
        }
        let place = self.account(tenant, key);
        let account = &mut self.accounts[place];
        if kind == MovementKind::Ship {
            let Some(on_hand) = account.on_hand.checked_sub(quantity).and_then(in_range) else {
                return LedgerAnswer::OutOfRange;
            };
            account.on_hand = on_hand;
        }
        account.allocated -= quantity;
        account.version += 1;
        let account_no = account.account_no;
        self.refer(tenant, key, reference, kind, quantity);
        self.movement(tenant, account_no, kind, quantity, None, Some(reference));
        answer
    }

    fn adjust(
        &mut self,
        tenant: TenantId,
        key: &AccountKey,
        delta: i64,
        reference: &Reference,
        force: bool,
    ) -> LedgerAnswer {
        if let Some(used) = self.references.get(&(tenant, key.clone(), reference.clone())).copied() {
            if let Some(mismatch) = repeated(used, MovementKind::Adjust, delta) {
                return mismatch;
            }
            let place = self.account(tenant, key);
            return LedgerAnswer::AlreadyAdjusted(self.accounts[place].clone());
        }
        let known = self.by_key.get(&(tenant, key.clone())).map(|place| &self.accounts[*place]);
        let before = known.cloned().unwrap_or_else(|| Account::empty(tenant, key.clone()));
        let promised = before.held + before.allocated;
        let Some(on_hand) = before.on_hand.checked_add(delta).and_then(in_range) else {
            return LedgerAnswer::OutOfRange;
        };
        let breaks_holds = delta < 0 && on_hand < promised;
        if breaks_holds && !force {
            return LedgerAnswer::BreaksHolds(before);
        }
        let place = self.account(tenant, key);
        self.accounts[place].on_hand = on_hand;
        self.accounts[place].version += 1;
        let account_no = self.accounts[place].account_no;
        self.refer(tenant, key, reference, MovementKind::Adjust, delta);
        self.movement(tenant, account_no, MovementKind::Adjust, delta, None, Some(reference));
        if breaks_holds {
            self.movement(tenant, account_no, MovementKind::Shortfall, promised - on_hand, None, None);
        }
        if !before.in_danger() && self.accounts[place].in_danger() {
            self.alert_danger(place);
        }
        LedgerAnswer::Adjusted(self.accounts[place].clone())
    }

    /// The account's place; made if missing.
    fn account(&mut self, tenant: TenantId, key: &AccountKey) -> usize {
        if let Some(place) = self.by_key.get(&(tenant, key.clone())) {
            return *place;
        }
        let account = Account { account_no: self.next_account_no, ..Account::empty(tenant, key.clone()) };
        self.next_account_no += 1;
        self.index(&account);
        self.before.push(None);
        self.accounts.push(account);
        self.accounts.len() - 1
    }

    fn refer(&mut self, tenant: TenantId, key: &AccountKey, reference: &Reference, kind: MovementKind, quantity: i64) {
        self.references.insert((tenant, key.clone(), reference.clone()), StoredReference { kind, quantity });
    }

    fn alert_danger(&mut self, place: usize) {
        let account = &self.accounts[place];
        let (tenant, account_no, available) = (account.tenant, account.account_no, account.available());
        self.movement(tenant, account_no, MovementKind::Danger, available, None, None);
    }

    fn movement(
        &mut self,
        tenant: TenantId,
        account_no: i64,
        kind: MovementKind,
        quantity: i64,
        hold: Option<(i64, &Part)>,
        reference: Option<&Reference>,
    ) {
        self.movements.push(Movement {
            seq: self.next_seq,
            tenant,
            account_no,
            kind,
            quantity,
            hold_no: hold.map(|(hold_no, _)| hold_no),
            part: hold.map(|(_, part)| part.clone()),
            reference: reference.cloned(),
        });
        self.next_seq += 1;
    }

    fn finish(self, answers: Vec<LedgerAnswer>) -> Decided {
        let mut decided = Decided {
            answers,
            deadlines: self.deadline_writes(),
            outside: self.new_outside,
            movements: self.movements,
            next_seq: self.next_seq,
            next_account_no: self.next_account_no,
            open_holds: self.open_holds,
            ..Decided::default()
        };
        for hold in self.holds.into_values() {
            if hold.hold_no >= self.first_new_hold_no {
                decided.open_holds += i64::from(hold.is_open());
                decided.holds.push(hold);
            } else if self.changed_holds.contains(&hold.hold_no) {
                // It was open before: nothing changes a hold of which no part is held.
                decided.open_holds -= i64::from(!hold.is_open());
                decided.hold_updates.push(HoldUpdate { hold_no: hold.hold_no, parts: hold.parts });
            }
        }
        decided.holds.sort_by_key(|hold| hold.hold_no);
        decided.hold_updates.sort_by_key(|update| update.hold_no);
        for (after, before) in self.accounts.into_iter().zip(self.before) {
            let Some(before) = before else {
                decided.accounts.push(after);
                continue;
            };
            if after.version != before.version {
                decided.account_deltas.push(AccountDelta {
                    account_no: after.account_no,
                    on_hand: after.on_hand - before.on_hand,
                    held: after.held - before.held,
                    allocated: after.allocated - before.allocated,
                    version: after.version - before.version,
                });
            }
            if after.flags != before.flags {
                decided.flags.push(FlagsWrite { account_no: after.account_no, flags: after.flags });
            }
        }
        decided.account_deltas.sort_by_key(|delta| delta.account_no);
        decided.flags.sort_by_key(|write| write.account_no);
        decided
    }
}

fn in_range(balance: i64) -> Option<i64> {
    (-BALANCE_MAX..=BALANCE_MAX).contains(&balance).then_some(balance)
}

/// `None` when the reference was used for the very same change.
fn repeated(used: StoredReference, kind: MovementKind, quantity: i64) -> Option<LedgerAnswer> {
    let same = used == StoredReference { kind, quantity };
    (!same).then_some(LedgerAnswer::ReferenceMismatch { kind: used.kind, quantity: used.quantity })
}
