//! Money: what the center captured is with its orders, back, or in sight; and nobody was told otherwise.
//!
//! The center's own book is the truth. The judge adds up what it took and gave for each payment, and reads from the feed, as a
//! plain list of words, when attempts were open.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::order::{EventKind, Order, OrderStatus, PaymentStatus};
use holdline_domain::payment::{Attempt, AttemptState, Refund, RefundState};

use super::{Evidence, Findings};
use crate::model::{BEGIN, ModelPayment, ModelState};

/// How long after its deadline an attempt may be open once nothing is wrong: its provider says at once that it is closed.
const OPEN_WITHIN_MS: i64 = 900_000;

/// Within how long a callback is acted on where nothing is wrong; far below the first look at an attempt.
const ACTED_WITHIN_MS: i64 = 6_000;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let attempts: BTreeMap<String, &Attempt> =
        evidence.orders.attempts().map(|attempt| (attempt.id.to_string(), attempt)).collect();
    for (key, payment) in &evidence.center.payments {
        let back: i64 = given_back(evidence, key).sum();
        findings.unless(back <= payment.captured.0, "refunds_within_what_was_captured", || {
            format!("{key}: {back} went back of {}", payment.captured.0)
        });
        if payment.state != ModelState::Captured {
            continue;
        }
        match attempts.get(key) {
            Some(attempt) => judge_captured(evidence, key, payment, attempt, findings),
            None => judge_orphan(evidence, key, payment, back, findings),
        }
    }
    for attempt in attempts.values() {
        judge_attempt(evidence, attempt, findings);
    }
    for order in evidence.orders.orders.values() {
        judge_order(evidence, order, findings);
        judge_attempts_of(evidence, order, findings);
    }
    judge_callbacks(evidence, &attempts, findings);
    judge_refunds(evidence, findings);
    judge_told(evidence, findings);
}

/// What went back of a payment.
fn given_back(evidence: &Evidence, key: &str) -> impl Iterator<Item = i64> {
    let of_it = evidence.center.refunds.values().filter(move |(payment, _, done)| payment == key && *done);
    of_it.map(|(_, amount, _)| amount.0)
}

fn orders_of<'a>(evidence: &'a Evidence, attempt: &Attempt) -> Vec<&'a Order> {
    let find =
        |share: &holdline_domain::payment::Share| evidence.orders.orders.get(&(attempt.tenant, share.order_no.clone()));
    attempt.shares.iter().filter_map(find).collect()
}

/// Captured money is written down, and is with all of its orders, or on its way back and in the end back.
fn judge_captured(evidence: &Evidence, key: &str, payment: &ModelPayment, attempt: &Attempt, findings: &mut Findings) {
    let Some(captured) = attempt.captured else {
        let is_followed = attempt.next_look.is_some() && !evidence.settled_for_good;
        findings.unless(is_followed, "captured_money_is_known", || format!("{payment:?} of {attempt:?}"));
        return;
    };
    findings.unless(captured.amount == payment.captured, "captured_is_what_the_center_says", || {
        format!("{key}: {captured:?}, the center has {payment:?}")
    });
    let orders = orders_of(evidence, attempt);
    let paid_by_it = |order: &&&Order| order.life.captured.0 > 0 && order.life.attempt.as_ref() == Some(&attempt.id);
    let paid = orders.iter().filter(paid_by_it).count();
    let expected = if captured.attached { attempt.shares.len() } else { 0 };
    findings.unless(paid == expected, "a_payment_pays_all_of_its_orders_or_none", || {
        format!("{key} {captured:?} has paid {paid} of {} orders", attempt.shares.len())
    });
    if captured.attached {
        let kept: i64 = orders.iter().map(|order| order.life.captured.0).sum();
        findings.unless(kept == payment.captured.0, "attached_money_is_what_orders_have", || {
            format!("{key}: {} captured, its orders have {kept}", payment.captured.0)
        });
        return;
    }
    let of_it: Vec<&Refund> = evidence.orders.refunds().filter(|refund| refund.attempt == attempt.id).collect();
    let on_its_way: i64 = of_it.iter().map(|refund| refund.amount.0).sum();
    let is_followed = of_it.is_empty() && attempt.next_look.is_some() && !evidence.settled_for_good;
    findings.unless(on_its_way == payment.captured.0 || is_followed, "money_without_orders_goes_back", || {
        format!("{key}: {} captured, {on_its_way} on its way back: {attempt:?}", payment.captured.0)
    });
}

/// Money for a payment that nobody opened: kept in sight, in the end given back.
fn judge_orphan(evidence: &Evidence, key: &str, payment: &ModelPayment, back: i64, findings: &mut Findings) {
    let speaks_of_it = |body: &[u8]| {
        let mut words = body.split(|byte| *byte == b' ');
        words.any(|word| word == key.as_bytes())
    };
    let mut callbacks = evidence.orders.callbacks.values().filter(|callback| speaks_of_it(&callback.body));
    let in_sight = callbacks.any(|callback| callback.next_try.is_some()) && !evidence.settled_for_good;
    findings.unless(back == payment.captured.0 || in_sight, "orphan_money_goes_back", || {
        format!("{key}: {} captured, {back} back", payment.captured.0)
    });
}

/// An attempt opens before its deadline, and is not open long after it.
fn judge_attempt(evidence: &Evidence, attempt: &Attempt, findings: &mut Findings) {
    let keeps =
        |order: &&Order| order.payment == PaymentStatus::Processing && order.life.attempt.as_ref() == Some(&attempt.id);
    let kept = orders_of(evidence, attempt).into_iter().filter(keeps).count();
    findings.unless(attempt.state.is_open() || kept == 0, "an_ended_attempt_keeps_no_order", || {
        format!("{attempt:?} keeps {kept} orders")
    });
    findings.unless(attempt.opened < attempt.deadline, "attempts_open_before_the_deadline", || format!("{attempt:?}"));
    let is_open = matches!(attempt.state, AttemptState::Opening | AttemptState::Open | AttemptState::Closing);
    let overdue_ms = evidence.shard_now.0 - attempt.deadline.0;
    findings.unless(!is_open || overdue_ms < OPEN_WITHIN_MS, "attempts_end", || format!("{attempt:?}"));
    findings.unless(!is_open || attempt.next_look.is_some(), "open_attempts_are_followed", || format!("{attempt:?}"));
    let (is_captured, has) = (attempt.state == AttemptState::Captured, attempt.captured.is_some());
    findings.unless(is_captured == has, "captured_means_money", || format!("{attempt:?}"));
    let in_book = evidence.center.payments.get(&attempt.id.to_string());
    let is_there = in_book.is_some_and(|payment| payment.state == ModelState::Captured);
    findings.unless(!has || is_there, "no_money_is_made_up", || format!("{attempt:?}, the center has {in_book:?}"));
}

/// No order is sold without money; what is paid and cancelled is on its way back.
fn judge_order(evidence: &Evidence, order: &Order, findings: &mut Findings) {
    let is_sold = matches!(order.status, OrderStatus::Confirmed | OrderStatus::Completed);
    let key = order.life.attempt.as_ref().map(ToString::to_string);
    let payment = key.and_then(|key| evidence.center.payments.get(&key));
    let has_money = payment.is_some_and(|payment| payment.state == ModelState::Captured);
    let owes = order.total.0 > 0;
    findings
        .unless(!is_sold || !owes || has_money, "sold_means_paid", || format!("{order:?}, the center: {payment:?}"));
    let life = &order.life;
    findings.unless(life.captured.0 == 0 || has_money, "no_money_is_made_up", || format!("{order:?}"));
    let (mut waiting, mut back) = (0, 0);
    for refund in evidence.orders.refunds().filter(|refund| refund.order_no.as_ref() == Some(&order.no)) {
        let sum = if refund.state == RefundState::Succeeded { &mut back } else { &mut waiting };
        *sum += refund.amount.0;
    }
    findings.unless((life.refunding.0, life.refunded.0) == (waiting, back), "orders_know_their_refunds", || {
        format!("order {}: {life:?}, its refunds come to {waiting} on their way and {back} back", order.no)
    });
    findings.unless(waiting + back <= life.captured.0, "refunds_within_what_was_captured", || format!("{order:?}"));
    let is_ended = matches!(order.status, OrderStatus::Cancelled | OrderStatus::Expired);
    findings.unless(!is_ended || waiting + back == life.captured.0, "ended_orders_keep_no_money", || {
        format!("order {} is {}: {life:?}, {waiting} on their way, {back} back", order.no, order.status)
    });
}

/// While an attempt of it is open, an order neither ends nor lets go of its goods; none opens at or after its deadline; and no
/// order is raised past the hold that has its goods.
fn judge_attempts_of(evidence: &Evidence, order: &Order, findings: &mut Findings) {
    let (mut is_open, mut has_goods) = (false, true);
    for stored in evidence.orders.events.iter().filter(|stored| stored.event.order_no == order.no) {
        let (kind, at) = (stored.event.kind, stored.event.at);
        let ends = matches!(kind, EventKind::Cancelled | EventKind::Expired | EventKind::HoldLapsed);
        findings.unless(!(is_open && ends), "an_open_attempt_keeps_its_order", || {
            format!("order {}: {kind:?} at {} while an attempt was open", order.no, at.0)
        });
        match kind {
            EventKind::PaymentStarted => {
                let once = !is_open && at < order.pay_deadline;
                findings.unless(once, "attempts_open_one_at_a_time_and_in_time", || {
                    format!("order {}: at {}, deadline {}", order.no, at.0, order.pay_deadline.0)
                });
                is_open = true;
            }
            EventKind::HoldRaised => {
                findings.unless(!has_goods, "only_orders_without_goods_are_raised", || {
                    format!("order {} at {} ms", order.no, stored.written_at_ms)
                });
            }
            EventKind::Confirmed => (is_open, has_goods) = (false, true),
            EventKind::PaymentEnded => is_open = false,
            EventKind::HeldAgain => has_goods = true,
            EventKind::HoldLapsed | EventKind::Cancelled | EventKind::Expired => has_goods = false,
            _ => {}
        }
    }
}

/// What a callback said is true at once, where nothing is wrong: it does not wait for somebody to ask.
fn judge_callbacks(evidence: &Evidence, attempts: &BTreeMap<String, &Attempt>, findings: &mut Findings) {
    for callback in evidence.orders.callbacks.values() {
        let text = String::from_utf8_lossy(&callback.body);
        let words: Vec<&str> = text.split(' ').collect();
        let [_, payment, "captured", amount, _] = words[..] else { continue };
        let Some(attempt) = attempts.get(payment) else { continue };
        let Some(captured) = attempt.captured.filter(|_| attempt.amount.0.to_string() == amount) else { continue };
        let came_ms = callback.received.since_ms(BEGIN);
        let calm = !evidence.clocks_jumped && evidence.was_calm(came_ms - ACTED_WITHIN_MS, came_ms + ACTED_WITHIN_MS);
        let waited_ms = captured.at.since_ms(callback.received);
        findings.unless(!calm || waited_ms < ACTED_WITHIN_MS, "callbacks_are_acted_on", || {
            format!("{payment}: told at {came_ms} ms, written {waited_ms} ms later")
        });
    }
}

/// The center gave back what rows say and nothing else; in the end, everything that rows say.
fn judge_refunds(evidence: &Evidence, findings: &mut Findings) {
    let rows: BTreeMap<String, &Refund> =
        evidence.orders.refunds().map(|refund| (format!("{}-R{}", refund.attempt, refund.n), refund)).collect();
    for (key, (payment, amount, done)) in &evidence.center.refunds {
        let fits = match rows.get(key) {
            Some(row) => row.amount == *amount && row.attempt.to_string() == *payment,
            None => !evidence.orders.attempts().any(|attempt| attempt.id.to_string() == *payment),
        };
        findings.unless(fits, "the_center_gives_back_what_rows_say", || format!("{key}: {amount:?} of {payment}"));
        let known = rows.get(key).is_none_or(|row| row.state == RefundState::Succeeded || row.next_try.is_some());
        findings.unless(!done || known, "refunds_are_known", || format!("{key} went back: {:?}", rows.get(key)));
    }
    for (key, row) in &rows {
        let at_center =
            evidence.center.refunds.get(key).is_some_and(|(_, amount, done)| *done && *amount == row.amount);
        // Created, submitted, ended: each is a version of its own.
        let ended = row.state == RefundState::Succeeded;
        findings
            .unless(!ended || row.version.0 >= 3, "refunds_are_written_before_they_are_sent", || format!("{row:?}"));
        let fits = match row.state {
            RefundState::Succeeded => at_center,
            RefundState::Created | RefundState::Submitted | RefundState::Failed => {
                row.next_try.is_some() && !evidence.settled_for_good
            }
        };
        findings.unless(fits, "refunds_end", || format!("{row:?}, at the center {at_center}"));
    }
    // One wish, one refund, however often it was sent.
    for (order_no, keys) in &evidence.money.refunds_asked {
        let wanted = evidence.orders.refunds().filter(|refund| refund.order_no.as_ref() == Some(order_no));
        let wanted = wanted.filter(|refund| refund.request.is_some()).count();
        findings.unless(wanted <= keys.len(), "one_wish_is_one_refund", || {
            format!("order {order_no}: {wanted} refunds of {} wishes", keys.len())
        });
    }
}

/// Who was told of an attempt or a refund finds it as it was told, or further on.
fn judge_told(evidence: &Evidence, findings: &mut Findings) {
    let mut refunds: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (key, told) in &evidence.money.refunds {
        let there = evidence.orders.refunds().find(|row| row.attempt == told.attempt && row.n == told.n);
        let same = there.is_some_and(|row| (row.amount, &row.order_no) == (told.amount, &told.order_no));
        findings.unless(same, "acknowledged_refunds_exist", || format!("{key}: told {told:?}, there is {there:?}"));
        refunds.entry(key).or_default().insert(format!("{}-R{}", told.attempt, told.n));
    }
    let mut attempts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (key, told) in &evidence.money.opened {
        let there = evidence.orders.attempts().find(|row| row.id == told.id);
        let same = there.is_some_and(|row| {
            let stays = told.state != AttemptState::Captured || row.state == AttemptState::Captured;
            (row.amount, &row.shares, row.deadline) == (told.amount, &told.shares, told.deadline) && stays
        });
        findings.unless(same, "acknowledged_attempts_exist", || format!("{key}: told {told:?}, there is {there:?}"));
        attempts.entry(key).or_default().insert(told.id.to_string());
    }
    for (key, ids) in refunds.into_iter().chain(attempts) {
        findings.unless(ids.len() == 1, "same_key_is_the_same_request", || format!("{key} was told of {ids:?}"));
    }
}
