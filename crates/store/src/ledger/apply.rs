//! One batch of the ledger as a program: head, holds and accounts by key in one read; accounts of the holds to resolve
//! and references, where there are any, in a second; then the domain decides and the rows are written set-wise.

use std::collections::HashMap;
use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::id::{Reference, TenantId};
use holdline_domain::ledger::{
    Account, AccountKey, Decided, Guard, GuardKeys, LedgerAnswer, LedgerRequest, MovementKind, StoredReference, decide,
};
use holdline_domain::time::UnixMillis;

use super::outside;
use super::stored::{self, ACCOUNT_COLUMNS, ACCOUNT_KEY, HOLD_COLUMNS, LEDGER};
use super::writes::writes;
use crate::engine::{Column, Lookup, Program, Row, Step};
use crate::program::{Results, head};
use crate::rows::{Fields, schema};

/// One batch on its way.
pub(super) struct Apply {
    batch: Arc<[LedgerRequest]>,
    keys: GuardKeys,
    guard: Guard,
    /// The newest movement of each account read.
    last_seqs: HashMap<i64, i64>,
    /// The references asked for in the second read, by account number.
    referring: Vec<(TenantId, AccountKey, Reference, i64)>,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    Start,
    KeysRead,
    RestRead,
}

impl Apply {
    pub(super) fn new(batch: Arc<[LedgerRequest]>) -> Self {
        let keys = GuardKeys::of(&batch);
        Self {
            batch,
            keys,
            guard: Guard::default(),
            last_seqs: HashMap::new(),
            referring: Vec::new(),
            stage: Stage::Start,
        }
    }

    fn read_keys(&self) -> Vec<Lookup> {
        let holds = &self.keys.holds;
        let hold_keys = vec![
            Column::Int(holds.iter().map(|(tenant, _)| tenant.0).collect()),
            Column::Text(holds.iter().map(|(_, id)| id.key.as_str().to_owned()).collect()),
            Column::Int(holds.iter().map(|(_, id)| i64::from(id.n)).collect()),
        ];
        let account_keys = stored::account_keys(self.keys.accounts.iter().map(|(tenant, key)| (*tenant, key)));
        let mut lookups = vec![
            head("ledger_head", &["min_writer", "next_seq", "next_account_no", "open_holds"]),
            Lookup {
                table: "hold",
                columns: HOLD_COLUMNS,
                key: &["tenant", "hold_key", "n"],
                keys: hold_keys,
                lock: false,
            },
            Lookup { table: "account", columns: ACCOUNT_COLUMNS, key: ACCOUNT_KEY, keys: account_keys, lock: false },
        ];
        if !self.keys.outside.is_empty() {
            lookups.push(outside::lookup_outside(&self.keys.outside));
        }
        lookups
    }

    fn take_keys(&mut self, mut results: Results) -> Result<(), Fault> {
        let mut head = results.head(LEDGER)?;
        self.guard.next_seq = head.int()?;
        self.guard.next_account_no = head.int()?;
        self.guard.open_holds = head.int()?;
        for row in results.take() {
            let (hold, _) = stored::hold(row)?;
            self.guard.holds.insert((hold.tenant, hold.id.clone()), hold);
        }
        self.take_accounts(results.take())?;
        if !self.keys.outside.is_empty() {
            self.guard.outside = outside::outside_rows(results.take())?;
        }
        Ok(())
    }

    fn take_accounts(&mut self, rows: Vec<Row>) -> Result<(), Fault> {
        for row in rows {
            let (account, last_seq) = stored::account(row)?;
            self.last_seqs.insert(account.account_no, last_seq);
            self.guard.accounts.push(account);
        }
        Ok(())
    }

    /// What can be named only now: accounts and deadlines of stored holds, and references by account number.
    fn read_rest(&mut self) -> Option<Vec<Lookup>> {
        let mut account_nos: Vec<i64> = self
            .batch
            .iter()
            .filter_map(|request| match request {
                LedgerRequest::Resolve { tenant, id, .. } | LedgerRequest::Outside { tenant, id, .. } => {
                    self.guard.holds.get(&(*tenant, id.clone()))
                }
                _ => None,
            })
            .flat_map(|hold| hold.lines.iter().map(|line| line.account_no))
            .filter(|account_no| !self.last_seqs.contains_key(account_no))
            .collect();
        account_nos.sort_unstable();
        account_nos.dedup();
        self.referring = referring(&self.keys, &self.guard.accounts);
        let deadlines = outside::lookup_deadlines(&self.guard.outside);
        if account_nos.is_empty() && self.referring.is_empty() && deadlines.is_none() {
            return None;
        }
        let reference_keys = vec![
            Column::Int(self.referring.iter().map(|(tenant, ..)| tenant.0).collect()),
            Column::Int(self.referring.iter().map(|(.., account_no)| *account_no).collect()),
            Column::Text(self.referring.iter().map(|(_, _, reference, _)| reference.as_str().to_owned()).collect()),
        ];
        let mut lookups = vec![
            Lookup {
                table: "account",
                columns: ACCOUNT_COLUMNS,
                key: &["account_no"],
                keys: vec![Column::Int(account_nos)],
                lock: false,
            },
            Lookup {
                table: "reference",
                columns: &["account_no", "reference", "kind", "quantity"],
                key: &["tenant", "account_no", "reference"],
                keys: reference_keys,
                lock: false,
            },
        ];
        lookups.extend(deadlines);
        Some(lookups)
    }

    fn take_rest(&mut self, mut results: Results) -> Result<(), Fault> {
        self.take_accounts(results.take())?;
        let mut used = HashMap::new();
        for row in results.take() {
            let mut fields = Fields::of(LEDGER, row);
            let (account_no, reference) = (fields.int()?, fields.text()?);
            let (code, quantity) = (fields.int()?, fields.int()?);
            let kind = MovementKind::from_code(code)
                .ok_or_else(|| schema(LEDGER, format!("a reference has the unknown kind {code}")))?;
            used.insert((account_no, reference), StoredReference { kind, quantity });
        }
        for (tenant, key, reference, account_no) in std::mem::take(&mut self.referring) {
            if let Some(stored) = used.get(&(account_no, reference.as_str().to_owned())) {
                self.guard.references.insert((tenant, key, reference), *stored);
            }
        }
        if outside::lookup_deadlines(&self.guard.outside).is_some() {
            outside::take_deadlines(&mut self.guard.outside, results.take())?;
        }
        Ok(())
    }

    fn finish(&mut self, now: UnixMillis) -> Step<Vec<LedgerAnswer>> {
        let next_seq = self.guard.next_seq;
        let next_account_no = self.guard.next_account_no;
        self.guard.now = now;
        let mut decided = decide(&self.batch, std::mem::take(&mut self.guard));
        let answers = std::mem::take(&mut decided.answers);
        let changed = decided.next_seq != next_seq
            || decided.next_account_no != next_account_no
            || !decided.outside.is_empty()
            || !decided.deadlines.is_empty();
        // A batch that changes nothing flushes nothing: refusals of a sold-out SKU cost no disk.
        let writes = if changed { writes(&decided, &self.last_seqs, now) } else { Vec::new() };
        debug_assert!(
            changed || writes_nothing(&decided),
            "every change has a movement, a new account or a row beside a hold"
        );
        Step::Write(writes, answers)
    }
}

fn writes_nothing(decided: &Decided) -> bool {
    let Decided { holds, hold_updates, accounts, account_deltas, flags, movements, .. } = decided;
    holds.is_empty()
        && hold_updates.is_empty()
        && accounts.is_empty()
        && account_deltas.is_empty()
        && flags.is_empty()
        && movements.is_empty()
}

/// The references of accounts that exist, with their numbers, sorted.
fn referring(keys: &GuardKeys, accounts: &[Account]) -> Vec<(TenantId, AccountKey, Reference, i64)> {
    if keys.references.is_empty() {
        return Vec::new();
    }
    let by_key: HashMap<(TenantId, &AccountKey), i64> =
        accounts.iter().map(|account| ((account.tenant, &account.key), account.account_no)).collect();
    let number = |tenant: TenantId, key: &AccountKey| by_key.get(&(tenant, key)).copied();
    keys.references
        .iter()
        .filter_map(|(tenant, key, reference)| {
            number(*tenant, key).map(|account_no| (*tenant, key.clone(), reference.clone(), account_no))
        })
        .collect()
}

impl Program for Apply {
    type Outcome = Vec<LedgerAnswer>;

    fn next(&mut self, results: Vec<Vec<Row>>, now: UnixMillis) -> Result<Step<Self::Outcome>, Fault> {
        match self.stage {
            Stage::Start => {
                self.stage = Stage::KeysRead;
                Ok(Step::Read(self.read_keys()))
            }
            Stage::KeysRead => {
                self.take_keys(Results::new(results))?;
                self.stage = Stage::RestRead;
                Ok(match self.read_rest() {
                    Some(lookups) => Step::Read(lookups),
                    None => self.finish(now),
                })
            }
            Stage::RestRead => {
                self.take_rest(Results::new(results))?;
                Ok(self.finish(now))
            }
        }
    }
}
