//! The rows of a decided batch of the ledger.

use std::collections::HashMap;

use holdline_domain::ledger::{Account, AccountDelta, Decided, HoldRecord, HoldUpdate, Movement};
use holdline_domain::time::UnixMillis;

use super::outside::{delete_deadlines, insert_deadlines, insert_outside};
use super::stored::{
    ACCOUNT_COLUMNS, HOLD_COLUMNS, HOLD_FORMAT, KeyParts, MOVEMENT_COLUMNS, lines_text, order_nos_text, part_text,
    parts_text,
};
use crate::engine::{Column, Write};
use crate::program::set_head;
use crate::rows::{ints, made_texts, opt_ints, opt_texts, texts};

/// Every write of the batch. `last_seqs`: the newest stored movement of each account that was read.
pub(super) fn writes(decided: &Decided, last_seqs: &HashMap<i64, i64>, now: UnixMillis) -> Vec<Write> {
    let mut last_seqs = last_seqs.clone();
    let prev_seqs = chain(&decided.movements, &mut last_seqs);
    let mut writes = Vec::with_capacity(8);
    let mut push = |rows: usize, write: &dyn Fn() -> Write| {
        if rows > 0 {
            writes.push(write());
        }
    };
    push(decided.holds.len(), &|| insert_holds(&decided.holds, now));
    push(decided.hold_updates.len(), &|| update_holds(&decided.hold_updates));
    push(decided.accounts.len(), &|| insert_accounts(&decided.accounts, &last_seqs));
    push(decided.account_deltas.len(), &|| update_accounts(&decided.account_deltas, &last_seqs));
    push(decided.flags.len(), &|| update_flags(decided));
    push(decided.movements.len(), &|| insert_movements(&decided.movements, &prev_seqs, now));
    let referring: Vec<&Movement> = decided.movements.iter().filter(|m| m.reference.is_some()).collect();
    push(referring.len(), &|| insert_references(&referring));
    push(decided.outside.len(), &|| insert_outside(&decided.outside));
    push(decided.deadlines.len(), &|| delete_deadlines(&decided.deadlines));
    let standing: Vec<_> = decided.deadlines.iter().filter_map(|w| Some((w.hold_no, &w.part, w.deadline?))).collect();
    push(standing.len(), &|| insert_deadlines(&standing));
    writes.push(set_head(
        "ledger_head",
        &["next_seq", "next_account_no", "open_holds"],
        &[decided.next_seq, decided.next_account_no, decided.open_holds],
    ));
    writes
}

/// The movement before each, on its account: 0 for the first. Leaves the newest of each account in `last_seqs`.
fn chain(movements: &[Movement], last_seqs: &mut HashMap<i64, i64>) -> Vec<i64> {
    movements.iter().map(|movement| last_seqs.insert(movement.account_no, movement.seq).unwrap_or(0)).collect()
}

fn insert_holds(holds: &[HoldRecord], now: UnixMillis) -> Write {
    Write::Insert {
        table: "hold",
        columns: HOLD_COLUMNS,
        values: vec![
            ints(holds, |hold| hold.hold_no),
            ints(holds, |hold| hold.tenant.0),
            texts(holds, |hold| hold.id.key.as_str()),
            ints(holds, |hold| i64::from(hold.id.n)),
            Column::Bytes(holds.iter().map(|hold| hold.content.0.to_vec()).collect()),
            ints(holds, |_| HOLD_FORMAT),
            made_texts(holds, |hold| order_nos_text(&hold.order_nos)),
            made_texts(holds, |hold| parts_text(&hold.parts)),
            made_texts(holds, lines_text),
            ints(holds, |_| now.0),
        ],
        or_ignore: false,
    }
}

fn update_holds(updates: &[HoldUpdate]) -> Write {
    Write::Update {
        table: "hold",
        key: &["hold_no"],
        set: &["parts"],
        add: &[],
        values: vec![ints(updates, |update| update.hold_no), made_texts(updates, |update| parts_text(&update.parts))],
    }
}

fn insert_accounts(accounts: &[Account], last_seqs: &HashMap<i64, i64>) -> Write {
    Write::Insert {
        table: "account",
        columns: ACCOUNT_COLUMNS,
        values: vec![
            ints(accounts, |account| account.account_no),
            ints(accounts, |account| account.tenant.0),
            ints(accounts, |account| KeyParts::of(&account.key).kind),
            texts(accounts, |account| account.key.sku().as_str()),
            texts(accounts, |account| KeyParts::of(&account.key).location),
            texts(accounts, |account| KeyParts::of(&account.key).channel),
            texts(accounts, |account| KeyParts::of(&account.key).period),
            texts(accounts, |account| KeyParts::of(&account.key).buyer),
            ints(accounts, |account| account.on_hand),
            ints(accounts, |account| account.held),
            ints(accounts, |account| account.allocated),
            ints(accounts, |account| account.version),
            ints(accounts, |account| last_seqs.get(&account.account_no).copied().unwrap_or(0)),
            ints(accounts, |account| i64::from(account.flags.infinite)),
            ints(accounts, |account| account.flags.shortage_max),
            ints(accounts, |account| i64::from(account.flags.sold_out)),
            opt_ints(accounts, |account| account.flags.danger_level),
        ],
        or_ignore: false,
    }
}

fn update_accounts(deltas: &[AccountDelta], last_seqs: &HashMap<i64, i64>) -> Write {
    Write::Update {
        table: "account",
        key: &["account_no"],
        set: &["last_seq"],
        add: &["on_hand", "held", "allocated", "version"],
        values: vec![
            ints(deltas, |delta| delta.account_no),
            ints(deltas, |delta| last_seqs[&delta.account_no]),
            ints(deltas, |delta| delta.on_hand),
            ints(deltas, |delta| delta.held),
            ints(deltas, |delta| delta.allocated),
            ints(deltas, |delta| delta.version),
        ],
    }
}

fn update_flags(decided: &Decided) -> Write {
    let flags = &decided.flags;
    Write::Update {
        table: "account",
        key: &["account_no"],
        set: &["infinite", "shortage_max", "sold_out", "danger_level"],
        add: &[],
        values: vec![
            ints(flags, |write| write.account_no),
            ints(flags, |write| i64::from(write.flags.infinite)),
            ints(flags, |write| write.flags.shortage_max),
            ints(flags, |write| i64::from(write.flags.sold_out)),
            opt_ints(flags, |write| write.flags.danger_level),
        ],
    }
}

fn insert_movements(movements: &[Movement], prev_seqs: &[i64], now: UnixMillis) -> Write {
    Write::Insert {
        table: "movement",
        columns: MOVEMENT_COLUMNS,
        values: vec![
            ints(movements, |movement| movement.seq),
            ints(movements, |movement| movement.tenant.0),
            ints(movements, |movement| movement.account_no),
            Column::Int(prev_seqs.to_vec()),
            ints(movements, |movement| movement.kind.code()),
            ints(movements, |movement| movement.quantity),
            opt_ints(movements, |movement| movement.hold_no),
            opt_texts(movements, |movement| movement.part.as_ref().map(part_text)),
            opt_texts(movements, |movement| movement.reference.as_ref().map(|r| r.as_str().to_owned())),
            ints(movements, |_| now.0),
        ],
        or_ignore: false,
    }
}

fn insert_references(referring: &[&Movement]) -> Write {
    Write::Insert {
        table: "reference",
        columns: &["tenant", "account_no", "reference", "kind", "quantity"],
        values: vec![
            ints(referring, |movement| movement.tenant.0),
            ints(referring, |movement| movement.account_no),
            made_texts(referring, |movement| movement.reference.as_ref().map(ToString::to_string).unwrap_or_default()),
            ints(referring, |movement| movement.kind.code()),
            ints(referring, |movement| movement.quantity),
        ],
        or_ignore: false,
    }
}
