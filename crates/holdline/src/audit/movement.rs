//! One movement, judged by itself and against what the movements before it left of its account.

use std::collections::HashMap;

use super::accounts::Accounts;
use super::balances::Balances;
use super::report::Check;
use super::stored::kind;

/// One account: its row, and what its movements have come to so far.
pub(super) struct Replay {
    pub(super) tenant: i64,
    pub(super) row: Sums,
    pub(super) version: i64,
    pub(super) last_seq: i64,
    pub(super) infinite: bool,
    pub(super) shortage_max: i64,
    pub(super) other_flags: bool,
    pub(super) is_stock: bool,
    pub(super) quota: Option<i64>,
    pub(super) sum: Sums,
    pub(super) changes: i64,
    pub(super) newest: i64,
    /// Movements that set the flags, so far.
    pub(super) flags_set: u32,
    /// Holds since the flags were last set.
    pub(super) holds_since_flags: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) on_hand: i64,
    pub(super) held: i64,
    pub(super) allocated: i64,
}

impl Sums {
    pub(super) fn available(self) -> i64 {
        self.on_hand.saturating_sub(self.held).saturating_sub(self.allocated)
    }

    pub(super) fn add(&mut self, on_hand: i64, held: i64, allocated: i64) {
        self.on_hand = self.on_hand.saturating_add(on_hand);
        self.held = self.held.saturating_add(held);
        self.allocated = self.allocated.saturating_add(allocated);
    }
}

/// Holds of one account that its current flags would not allow.
pub(super) struct Suspects {
    pub(super) count: u64,
    /// The first of them, in words.
    pub(super) first: String,
}

pub(super) struct Movement {
    pub(super) seq: i64,
    pub(super) tenant: i64,
    pub(super) account_no: i64,
    pub(super) prev_seq: i64,
    pub(super) kind: i64,
    pub(super) quantity: i64,
    pub(super) of_hold: bool,
    pub(super) referred: bool,
}

/// Whether a movement is one that the ledger can have written.
pub(super) fn judge_form(movement: &Movement, accounts: &Accounts, sequence: &mut Check) {
    let Movement { seq, account_no, kind: code, quantity, of_hold, referred, .. } = *movement;
    let (quantity_fits, hold_fits, reference_fits) = match code {
        kind::HOLD | kind::COMMIT | kind::RELEASE => (quantity > 0, of_hold, !referred),
        kind::SHIP | kind::UNALLOCATE => (quantity > 0, !of_hold, referred),
        kind::ADJUST => (quantity != 0, !of_hold, referred),
        kind::FLAGS => (quantity == 0, !of_hold, !referred),
        kind::DANGER => (true, !of_hold, !referred),
        kind::SHORTFALL => (quantity > 0, !of_hold, !referred),
        kind::TRANSFER => (quantity != 0, !of_hold, !referred),
        _ => (false, false, false),
    };
    let name = kind::name(code);
    if !quantity_fits {
        sequence.mismatch(|| format!("movement {seq} has kind {code} ({name}) and quantity {quantity}"));
    } else if !hold_fits {
        let how = if of_hold { "names a hold" } else { "names no hold" };
        sequence.mismatch(|| format!("movement {seq} ({name}) {how}"));
    } else if !reference_fits {
        let how = if referred { "has a reference" } else { "has no reference" };
        sequence.mismatch(|| format!("movement {seq} ({name}) {how}"));
    }
    if accounts.get(account_no).is_none() {
        sequence.mismatch(|| format!("movement {seq} changes account {account_no}, which does not exist"));
    }
}

/// Flags movements do not carry values. Before the first one an account has no flags; after the last one it has those
/// of its row; between two of them nothing can be said.
pub(super) fn judge_hold(
    account: &mut Replay,
    movement: &Movement,
    accounts: &Accounts,
    suspects: &mut HashMap<i64, Suspects>,
    checks: &mut Balances,
) {
    let Movement { seq, account_no, quantity, .. } = *movement;
    let available = account.sum.available();
    account.holds_since_flags += 1;
    let allowed = if account.flags_set == 0 {
        available >= quantity
    } else {
        account.infinite || available.saturating_add(account.shortage_max) >= quantity
    };
    let evidence = || {
        let name = accounts.name(account_no);
        format!("{name}: movement {seq} holds {quantity} while {available} were available")
    };
    if account.flags_set == 0 {
        checks.oversold.judge(allowed, evidence);
    } else {
        checks.oversold.judged += 1;
        if !allowed {
            let shortage_max = account.shortage_max;
            let first = || format!("{}; its flags allow a shortage of {shortage_max}", evidence());
            suspects.entry(account_no).or_insert_with(|| Suspects { count: 0, first: first() }).count += 1;
        }
    }
}

pub(super) fn judge_quota(account: &Replay, movement: &Movement, accounts: &Accounts, checks: &mut Balances) {
    let Some(quota) = account.quota else { return };
    let used = account.sum.held.saturating_add(account.sum.allocated);
    checks.quota.judge(used <= quota, || {
        let name = accounts.name(movement.account_no);
        format!("{name}: movement {} makes it {used}, but the quota never was more than {quota}", movement.seq)
    });
}
