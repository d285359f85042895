//! Submits that were accepted before they were decided: each ends, under the numbers that were told, and what was told of
//! its end stays true.

use holdline_domain::order::GroupState;
use holdline_domain::refusal::Refusal;

use super::clients::{lines_of, stored_orders};
use super::{Evidence, Findings};
use crate::sim::records::{Attempt, AttemptEnd, Told};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    for accepted in evidence.orders.accepted.keys() {
        findings.found("accepted_submits_end", format!("{} is not decided", accepted.1));
    }
    for attempt in &evidence.attempts {
        if let AttemptEnd::Accepted(order_nos) = &attempt.end {
            judge_promise(evidence, attempt, order_nos, findings);
        }
    }
    for told in &evidence.told {
        judge_told(evidence, told, findings);
    }
    for ((tenant, order_no), key) in &evidence.orders.promised_numbers {
        let is_order = evidence.orders.orders.contains_key(&(*tenant, order_no.clone()));
        findings.unless(!is_order, "promised_numbers_become_orders_once", || format!("{order_no} of {key}"));
        let has_ended = evidence.group(*tenant, key).is_some();
        findings.unless(has_ended, "promised_numbers_lead_to_an_end", || format!("{order_no} of {key}"));
    }
}

/// The submit has a row; if it was placed, and for what this client asked, the orders have the numbers that it was told.
fn judge_promise(
    evidence: &Evidence,
    attempt: &Attempt,
    promised: &[holdline_domain::order::OrderNo],
    findings: &mut Findings,
) {
    let Some(group) = evidence.group(attempt.tenant, &attempt.key) else {
        findings.found("accepted_submits_end", format!("{} was promised {promised:?}, and has no row", attempt.key));
        return;
    };
    if matches!(group.group.state, GroupState::Placed { .. }) {
        let orders = stored_orders(evidence, attempt.tenant, &attempt.key);
        let mut numbers: Vec<_> = orders.iter().map(|order| order.no.clone()).collect();
        let mut told = promised.to_vec();
        numbers.sort();
        told.sort();
        findings.unless(numbers == told || lines_of(&orders) != attempt.lines, "promised_numbers_are_kept", || {
            format!("{} was promised {told:?}, has {numbers:?}", attempt.key)
        });
    }
}

/// An end that was told is the end.
fn judge_told(evidence: &Evidence, told: &Told, findings: &mut Findings) {
    let state = evidence.group(told.tenant, &told.key).map(|group| &group.group.state);
    let fits = match (&told.end, state) {
        (Ok(orders), Some(GroupState::Placed { order_nos })) => orders.iter().map(|order| &order.no).eq(order_nos),
        (Err(refusal), Some(GroupState::Refused { refusal: kept })) => refusal == kept,
        (Err(Refusal::SubmitAbandoned), Some(GroupState::Abandoned)) => true,
        (Ok(_) | Err(_), _) => false,
    };
    findings.unless(fits, "told_ends_are_kept", || format!("{}: told {:?}, row {state:?}", told.key, told.end));
}
