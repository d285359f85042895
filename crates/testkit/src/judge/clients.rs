//! What clients were told: an acknowledged order exists, a definite no stays no, and nobody sees time run backwards.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::id::{GroupKey, TenantId};
use holdline_domain::order::{GroupState, Order, OrderNo, OrderStatus};
use holdline_domain::refusal::{Difference, Refusal};

use super::{Evidence, Findings, is_live};
use crate::model::{StoredGroup, StoredHold};
use crate::sim::records::{AbandonEnd, Attempt, AttemptEnd, Read, WantedLine};

/// All attempts under one key.
struct Submitted<'a> {
    key: &'a GroupKey,
    attempts: Vec<&'a Attempt>,
    group: Option<&'a StoredGroup>,
    hold: Option<&'a StoredHold>,
}

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut by_key: BTreeMap<(TenantId, &GroupKey), Vec<&Attempt>> = BTreeMap::new();
    for attempt in &evidence.attempts {
        by_key.entry((attempt.tenant, &attempt.key)).or_default().push(attempt);
    }
    let holds = evidence.holds_by_key();
    for ((tenant, key), attempts) in by_key {
        let group = evidence.group(tenant, key);
        let hold = holds.get(&(tenant, key)).and_then(|holds| holds.first()).copied();
        let submitted = Submitted { key, attempts, group, hold };
        for attempt in &submitted.attempts {
            judge_attempt(evidence, &submitted, attempt, findings);
        }
        judge_refused(evidence, &submitted, findings);
    }
    judge_abandons(evidence, findings);
    judge_cancels(evidence, findings);
    judge_reads(evidence, findings);
    let nothing_was_wrong = evidence.disturbances.is_empty();
    for attempt in &evidence.attempts {
        if let (true, AttemptEnd::Failed(why)) = (nothing_was_wrong, &attempt.end) {
            findings.found("calm_submits_are_answered", format!("{} at {} ms: {why}", attempt.key, attempt.started_ms));
        }
    }
}

fn judge_attempt(evidence: &Evidence, submitted: &Submitted<'_>, attempt: &Attempt, findings: &mut Findings) {
    match &attempt.end {
        AttemptEnd::Placed(orders) => judge_placed(evidence, attempt, orders, findings),
        AttemptEnd::Refused(refusal) => {
            judge_refusal_after_row(evidence, submitted, attempt, refusal, findings);
            judge_refusal_after_hold(submitted, attempt, refusal, findings);
            judge_reuse(submitted, attempt, refusal, findings);
        }
        AttemptEnd::Accepted(_)
        | AttemptEnd::Busy
        | AttemptEnd::Failed(_)
        | AttemptEnd::HungUp
        | AttemptEnd::ProcessDied => {}
    }
}

pub(super) fn lines_of(orders: &[&Order]) -> Vec<WantedLine> {
    let mut lines: Vec<_> = orders.iter().flat_map(|order| order.lines.iter()).collect();
    lines.sort_by_key(|line| line.line_no);
    let wanted = |line: &&holdline_domain::order::OrderLine| WantedLine {
        sku: line.sku.as_str().to_owned(),
        quantity: line.quantity.units(),
        unit_price: line.unit_price.0,
    };
    lines.iter().map(wanted).collect()
}

pub(super) fn stored_orders<'a>(evidence: &'a Evidence, tenant: TenantId, key: &GroupKey) -> Vec<&'a Order> {
    let numbers = evidence.placed(tenant, key).unwrap_or_default();
    numbers.iter().filter_map(|no| evidence.orders.orders.get(&(tenant, no.clone()))).collect()
}

/// An acknowledged order exists exactly once, with the numbers, amounts and deadline of the answer, for what was asked.
fn judge_placed(evidence: &Evidence, attempt: &Attempt, orders: &[Order], findings: &mut Findings) {
    let stored = stored_orders(evidence, attempt.tenant, &attempt.key);
    let told: BTreeSet<&OrderNo> = orders.iter().map(|order| &order.no).collect();
    let there: BTreeSet<&OrderNo> = stored.iter().map(|order| &order.no).collect();
    findings.unless(told == there && told.len() == orders.len(), "acknowledged_orders_exist", || {
        format!("{} was told {told:?}, stored is {there:?}", attempt.key)
    });
    for order in orders {
        let same = stored.iter().find(|stored| stored.no == order.no).is_some_and(|stored| {
            (&stored.buyer, &stored.seller, stored.total, stored.pay_deadline, stored.created, &stored.lines)
                == (&order.buyer, &order.seller, order.total, order.pay_deadline, order.created, &order.lines)
        });
        findings.unless(same && order.buyer == attempt.buyer, "answer_is_what_is_stored", || {
            format!("{}: told {order:?}", attempt.key)
        });
    }
    let lines = lines_of(&orders.iter().collect::<Vec<_>>());
    findings.unless(lines == attempt.lines, "answer_is_for_what_was_asked", || {
        format!("{}: asked for {:?}, told {lines:?}", attempt.key, attempt.lines)
    });
}

/// Whoever asks after the row was written gets what the row says, word for word.
fn judge_refusal_after_row(
    evidence: &Evidence,
    submitted: &Submitted<'_>,
    attempt: &Attempt,
    refusal: &Refusal,
    findings: &mut Findings,
) {
    let Some(group) = submitted.group.filter(|group| group.written_at_ms < attempt.started_ms) else {
        return;
    };
    let fits = match (&group.group.state, refusal) {
        (GroupState::Placed { .. }, Refusal::KeyReused) => {
            lines_of(&stored_orders(evidence, attempt.tenant, submitted.key)) != attempt.lines
        }
        (GroupState::Refused { .. } | GroupState::Abandoned, Refusal::KeyReused)
        | (GroupState::Abandoned, Refusal::SubmitAbandoned) => true,
        (GroupState::Refused { refusal: stored }, told) => stored == told,
        (GroupState::Placed { .. } | GroupState::Abandoned, _) => false,
    };
    findings.unless(fits, "known_keys_are_replayed", || {
        format!(
            "{} sent at {} ms was told {refusal:?}, but since {} ms the row says {:?}",
            submitted.key, attempt.started_ms, group.written_at_ms, group.group.state
        )
    });
}

/// A refusal of an attempt that had a hold, or found one, spends the key: the row keeps that very refusal.
fn judge_refusal_after_hold(submitted: &Submitted<'_>, attempt: &Attempt, refusal: &Refusal, findings: &mut Findings) {
    let (Some(hold), Refusal::OrderRefused { differences }) = (submitted.hold, refusal) else {
        return;
    };
    let was_held_before = hold.taken_at_ms < attempt.started_ms;
    let others_may_have_held =
        submitted.attempts.iter().any(|other| !std::ptr::eq(*other, attempt) && other.started_ms <= hold.taken_at_ms);
    let is_of_stock = differences.iter().any(|difference| matches!(difference, Difference::Short(_)));
    let took_it_itself = hold.taken_at_ms <= attempt.ended_ms && !others_may_have_held && !is_of_stock;
    if !(was_held_before || took_it_itself) {
        return;
    }
    let kept = submitted.group.is_some_and(
        |group| matches!(&group.group.state, GroupState::Refused { refusal: stored } if stored == refusal),
    );
    findings.unless(kept, "refusal_after_hold_spends_the_key", || {
        format!(
            "{} sent at {} ms, held since {} ms, was told {refusal:?}, the row says {:?}",
            submitted.key,
            attempt.started_ms,
            hold.taken_at_ms,
            submitted.group.map(|group| &group.group.state)
        )
    });
}

/// Only another content is a reused key; an abandoned key never has an order.
fn judge_reuse(submitted: &Submitted<'_>, attempt: &Attempt, refusal: &Refusal, findings: &mut Findings) {
    let row_is_placed = submitted.group.is_some_and(|group| matches!(group.group.state, GroupState::Placed { .. }));
    match refusal {
        Refusal::KeyReused => {
            let one_content = submitted.attempts.iter().all(|other| other.lines == attempt.lines);
            findings.unless(!one_content, "same_content_is_not_reuse", || submitted.key.to_string());
        }
        Refusal::SubmitAbandoned => {
            let is_never = submitted.group.is_some() && !row_is_placed;
            findings.unless(is_never, "abandoned_means_never", || submitted.key.to_string());
        }
        _ => {}
    }
}

/// Where every attempt was refused, nothing exists.
fn judge_refused(evidence: &Evidence, submitted: &Submitted<'_>, findings: &mut Findings) {
    let all_refused =
        submitted.attempts.iter().all(|attempt| matches!(attempt.end, AttemptEnd::Refused(_) | AttemptEnd::Busy));
    let placed = evidence.placed(submitted.attempts[0].tenant, submitted.key);
    findings.unless(!(all_refused && placed.is_some()), "refused_means_no_order", || {
        format!("{} has {placed:?}: {:?}", submitted.key, submitted.attempts)
    });
}

fn judge_abandons(evidence: &Evidence, findings: &mut Findings) {
    for abandon in &evidence.abandons {
        let state = evidence.group(abandon.tenant, &abandon.key).map(|group| &group.group.state);
        let fits = match (&abandon.end, state) {
            (AbandonEnd::Failed, _) | (AbandonEnd::Never, Some(GroupState::Abandoned)) => true,
            (AbandonEnd::Refused(told), Some(GroupState::Refused { refusal })) => told == refusal,
            (AbandonEnd::Placed(orders), Some(GroupState::Placed { order_nos })) => {
                orders.iter().map(|order| &order.no).eq(order_nos)
            }
            _ => false,
        };
        findings.unless(fits, "abandon_is_kept", || format!("{}: told {:?}, row {state:?}", abandon.key, abandon.end));
    }
}

fn judge_cancels(evidence: &Evidence, findings: &mut Findings) {
    for cancel in &evidence.cancels {
        let status =
            evidence.orders.orders.values().find(|order| order.no == cancel.order_no).map(|order| order.status);
        let stays = match (cancel.told, status) {
            // What could not be cancelled unpaid may be cancelled paid; late money revives.
            (OrderStatus::Expired, Some(OrderStatus::Confirmed | OrderStatus::Cancelled | OrderStatus::Completed)) => {
                evidence.was_revived(&cancel.order_no)
            }
            (OrderStatus::Confirmed, Some(OrderStatus::Cancelled | OrderStatus::Completed)) => true,
            (told, status) => status == Some(told),
        };
        let fits = stays && cancel.cancelled == (cancel.told == OrderStatus::Cancelled);
        findings.unless(fits, "cancel_is_kept", || format!("{cancel:?}, but the order is {status:?}"));
    }
}

/// Who looks later never sees an older order, and an end that somebody saw is the end.
fn judge_reads(evidence: &Evidence, findings: &mut Findings) {
    let mut by_order: BTreeMap<&OrderNo, Vec<&Read>> = BTreeMap::new();
    for read in &evidence.reads {
        by_order.entry(&read.order_no).or_default().push(read);
    }
    for (no, mut reads) in by_order {
        let stored = evidence.orders.orders.values().find(|order| order.no == *no);
        let Some(stored) = stored else {
            findings.found("seen_orders_exist", no.to_string());
            continue;
        };
        reads.sort_by_key(|read| read.ended_ms);
        for (place, read) in reads.iter().enumerate() {
            let ended = !is_live(read.status);
            let stands = match (read.status, stored.status) {
                (OrderStatus::Expired, OrderStatus::Confirmed | OrderStatus::Cancelled | OrderStatus::Completed) => {
                    evidence.was_revived(no)
                }
                (OrderStatus::Confirmed, OrderStatus::PendingPayment | OrderStatus::Expired) => false,
                (seen, now) => !ended || seen == now,
            };
            let final_fits = read.version <= stored.version.0 && stands;
            findings.unless(final_fits, "an_end_seen_is_the_end", || {
                format!("{read:?}, but the order is {} at version {}", stored.status, stored.version.0)
            });
            let back = reads[place + 1..]
                .iter()
                .find(|later| later.started_ms > read.ended_ms && later.version < read.version);
            findings.unless(back.is_none() || evidence.clocks_jumped, "reads_never_go_back", || {
                format!("{read:?}, then {back:?}")
            });
        }
    }
}
