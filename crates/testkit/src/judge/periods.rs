//! Periods: each unit is sold in its own one, what is left goes where the rule says, and only once the period has ended.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::ledger::{Account, AccountKey, MovementKind, Rest};
use holdline_domain::order::GroupState;
use holdline_domain::refusal::{Difference, Refusal};

use super::outside::is_outside;
use super::{Evidence, Findings, name};
use crate::model::{BEGIN, StoredHold, StoredMovement};
use crate::sim::periods::{SALE_SKU, Slot};

/// How far the clocks that open and end periods may lie from the truth: the guard tolerates steps of up to this.
const CLOCK_MS: i64 = 5_000;
/// How long a submit may be judged before it claims: reads that are slow, after its client has given up.
const JUDGED_FOR_MS: i64 = 10_000;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    judge_transfers(evidence, findings);
    judge_rests(evidence, findings);
    for stored in evidence.ledger.holds.values().filter(|stored| !is_outside(&stored.hold)) {
        judge_claim(evidence, stored, findings);
    }
    for stored in evidence.orders.groups.values() {
        if let GroupState::Refused { refusal: Refusal::OrderRefused { differences } } = &stored.group.state {
            let by_period =
                differences.iter().any(|difference| matches!(difference, Difference::BetweenPeriods { .. }));
            // Who was promised an end gets this one before he holds anything: only then does a refusal leave a row.
            let was_promised = evidence.orders.promised_numbers.values().any(|key| *key == stored.group.key);
            findings.unless(!by_period || was_promised, "a_hold_outlives_its_period", || {
                format!("{} was refused behind its hold because no period is open", stored.group.key)
            });
        }
    }
}

/// Transfers come in pairs of one SKU, from an ended period to where its rest goes.
fn judge_transfers(evidence: &Evidence, findings: &mut Findings) {
    let transfers: Vec<&StoredMovement> =
        evidence.ledger.movements.iter().filter(|stored| stored.movement.kind == MovementKind::Transfer).collect();
    for pair in transfers.chunks(2) {
        let [from, to] = pair else {
            findings.found("transfers_come_in_pairs", format!("{:?} is alone", pair[0].movement));
            continue;
        };
        let (taken, brought) = (&from.movement, &to.movement);
        let paired = taken.quantity < 0 && brought.quantity == -taken.quantity && brought.seq == taken.seq + 1;
        findings.unless(paired, "transfers_come_in_pairs", || format!("{taken:?} {brought:?}"));
        let key = |no| evidence.ledger.accounts.get(no).map(|account: &Account| &account.key);
        let (Some(key_from), Some(key_to)) = (key(&taken.account_no), key(&brought.account_no)) else { continue };
        let Some(slot) = evidence.scenario.sale.slot(key_from) else {
            findings.found("only_a_period_has_a_rest", format!("{taken:?} of {key_from:?}"));
            continue;
        };
        findings.unless(to_by_rule(evidence, slot).as_deref() == Some(period_of(key_to)), "rest_goes_by_rule", || {
            format!("{brought:?} goes to {key_to:?}; the rest of {slot:?}")
        });
        let ended = from.written_at_ms >= slot.open_ms.1 - CLOCK_MS;
        findings
            .unless(ended, "rest_moves_after_the_end", || format!("{taken:?} at {} of {slot:?}", from.written_at_ms));
    }
}

fn period_of(key: &AccountKey) -> &str {
    match key {
        AccountKey::Stock(stock) => stock.period.as_str(),
        AccountKey::Quota(_) => "of no stock",
    }
}

/// The period that a rest goes to, `""` for the account without one, `None` when it stays.
fn to_by_rule(evidence: &Evidence, slot: &Slot) -> Option<String> {
    let later = evidence.scenario.sale.slots.iter().filter(|other| other.open_ms.0 >= slot.open_ms.1);
    match slot.rest {
        Rest::Keep => None,
        Rest::Base => Some(String::new()),
        Rest::Next => {
            Some(later.min_by_key(|other| other.open_ms.0).map_or(String::new(), |next| next.name.to_owned()))
        }
    }
}

/// In the end nothing is left for sale on a period whose rest moves.
fn judge_rests(evidence: &Evidence, findings: &mut Findings) {
    for account in evidence.ledger.accounts.values() {
        let Some(slot) = evidence.scenario.sale.slot(&account.key) else { continue };
        let left = account.on_hand - account.held - account.allocated;
        let has_ended = BEGIN.plus_ms(slot.open_ms.1) < evidence.shard_now;
        findings.unless(!has_ended || slot.rest == Rest::Keep || left == 0, "nothing_is_left_behind", || {
            format!("{left} units are left of {slot:?}")
        });
    }
}

/// A submit claims one account of the ware, and its period was open while the submit was judged.
fn judge_claim(evidence: &Evidence, stored: &StoredHold, findings: &mut Findings) {
    let hold = &stored.hold;
    let mut claimed: BTreeMap<i64, &AccountKey> = BTreeMap::new();
    for line in &hold.lines {
        let key = evidence.ledger.accounts.get(&line.account_no).map(|account| &account.key);
        if let Some(key @ AccountKey::Stock(stock)) = key
            && stock.sku.as_str() == SALE_SKU
        {
            claimed.insert(line.account_no, key);
        }
    }
    let periods: BTreeSet<&str> = claimed.values().map(|key| period_of(key)).collect();
    findings.unless(periods.len() <= 1, "one_submit_one_period", || format!("{} claims {periods:?}", name(hold)));
    if evidence.clocks_jumped {
        // The clock that said which period was open may have been anything.
        return;
    }
    let slots = &evidence.scenario.sale.slots;
    for key in claimed.values() {
        let (from_ms, to_ms) = match evidence.scenario.sale.slot(key) {
            Some(slot) => slot.open_ms,
            None => (slots.last().map_or(i64::MIN, |last| last.open_ms.1), i64::MAX),
        };
        let was_open = evidence.attempts.iter().filter(|attempt| attempt.key == hold.id.key).any(|attempt| {
            let answered_ms = attempt.ended_ms + JUDGED_FOR_MS;
            // What is answered first is judged once its promise is durable, and again by whoever takes it up.
            let judged_ms = if evidence.scenario.later > 0 { answered_ms.max(stored.taken_at_ms) } else { answered_ms };
            attempt.started_ms - CLOCK_MS < to_ms && judged_ms + CLOCK_MS >= from_ms
        });
        findings.unless(was_open, "sold_in_its_own_period", || {
            format!("{} claims {key:?}, open from {from_ms} to {to_ms}", name(hold))
        });
    }
}
