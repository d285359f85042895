//! Replays the movements one by one: nothing oversold, no quota exceeded, and the balances are the sums.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::ledger::{Account, AccountKey, MovementKind};

use super::{Evidence, Findings};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Balance {
    on_hand: i64,
    held: i64,
    allocated: i64,
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut balances: BTreeMap<i64, Balance> = BTreeMap::new();
    let mut references = BTreeSet::new();
    for (place, stored) in evidence.ledger.movements.iter().enumerate() {
        let movement = &stored.movement;
        let gapless = i64::try_from(place).is_ok_and(|place| movement.seq == place + 1);
        findings.unless(gapless, "ledger_sequence_gapless", || format!("movement {movement:?} at place {place}"));
        let Some(account) = evidence.ledger.accounts.get(&movement.account_no) else {
            findings.found("movement_has_account", format!("{movement:?}"));
            continue;
        };
        let balance = balances.entry(movement.account_no).or_default();
        let quantity = movement.quantity;
        match movement.kind {
            MovementKind::Hold => {
                judge_hold(evidence, account, *balance, quantity, findings);
                balance.held += quantity;
            }
            MovementKind::Commit => {
                balance.held -= quantity;
                balance.allocated += quantity;
            }
            MovementKind::Release => balance.held -= quantity,
            MovementKind::Ship => {
                balance.on_hand -= quantity;
                balance.allocated -= quantity;
            }
            MovementKind::Unallocate => balance.allocated -= quantity,
            MovementKind::Adjust => {
                balance.on_hand += quantity;
                // The operator of the simulation never forces.
                let keeps = quantity >= 0 || balance.on_hand >= balance.held + balance.allocated;
                findings.unless(keeps, "adjustment_keeps_holds", || format!("{movement:?} leaves {balance:?}"));
            }
            MovementKind::Transfer => {
                balance.on_hand += quantity;
                let keeps = quantity >= 0 || balance.on_hand >= balance.held + balance.allocated;
                findings.unless(keeps, "only_what_is_available_moves", || format!("{movement:?} leaves {balance:?}"));
            }
            MovementKind::Flags | MovementKind::Danger | MovementKind::Shortfall => {}
        }
        let sane = balance.held >= 0 && balance.allocated >= 0;
        findings.unless(sane, "balances_not_negative", || format!("{movement:?} leaves {balance:?}"));
        if let Some(reference) = &movement.reference {
            let fresh = references.insert((movement.account_no, reference.clone()));
            findings.unless(fresh, "reference_counts_once", || format!("{movement:?} repeats a reference"));
        }
    }
    for account in evidence.ledger.accounts.values() {
        let summed = balances.get(&account.account_no).copied().unwrap_or_default();
        let stored = Balance { on_hand: account.on_hand, held: account.held, allocated: account.allocated };
        findings.unless(summed == stored, "balances_are_sums", || {
            format!("account {:?}: stored {stored:?}, movements come to {summed:?}", account.key)
        });
    }
}

/// A hold line is granted only if the account had it at that instant.
fn judge_hold(evidence: &Evidence, account: &Account, balance: Balance, quantity: i64, findings: &mut Findings) {
    let ware = evidence.scenario.ware(account.key.sku().as_str());
    let Some(ware) = ware else {
        findings.found("account_is_of_a_ware", format!("{:?}", account.key));
        return;
    };
    match &account.key {
        AccountKey::Stock(_) => {
            let available = balance.on_hand - balance.held - balance.allocated;
            let granted = ware.infinite || available + ware.shortage_max >= quantity;
            findings.unless(granted, "nothing_oversold", || {
                format!("{quantity} of {} held while {balance:?} (shortage_max {})", ware.sku, ware.shortage_max)
            });
        }
        AccountKey::Quota(quota) => {
            let used = balance.held + balance.allocated + quantity;
            findings.unless(ware.quota.is_some_and(|limit| used <= limit), "quota_never_exceeded", || {
                format!("{} uses {used} of {} with quota {:?}", quota.buyer, ware.sku, ware.quota)
            });
        }
    }
}
