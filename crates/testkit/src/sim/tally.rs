//! Counts in the final rows what a run met of payments and goods.

use std::collections::BTreeSet;

use holdline_domain::fulfillment::ReturnState;
use holdline_domain::order::EventKind;
use holdline_domain::payment::{AttemptFlag, RefundState};

use crate::history::{History, Seen};
use crate::judge::Evidence;

pub(super) fn count(evidence: &Evidence, history: &History) {
    let mut expired = BTreeSet::new();
    for stored in &evidence.orders.events {
        let event = &stored.event;
        match event.kind {
            EventKind::Confirmed if expired.contains(&event.order_no) => history.saw(Seen::Revived),
            EventKind::Expired => drop(expired.insert(event.order_no.clone())),
            EventKind::HoldLapsed => history.saw(Seen::Lapsed),
            EventKind::HeldAgain => history.saw(Seen::HeldAgain),
            EventKind::Shipped => history.saw(Seen::Shipped),
            EventKind::Completed => history.saw(Seen::Completed),
            _ => {}
        }
    }
    for attempt in evidence.orders.attempts() {
        let Some(captured) = attempt.captured else { continue };
        match attempt.flag {
            _ if captured.attached => history.saw(Seen::Paid),
            Some(AttemptFlag::CapturedOther) => history.saw(Seen::WrongAmount),
            Some(AttemptFlag::Late | AttemptFlag::AmountDiffers) | None => history.saw(Seen::LateMoney),
        }
    }
    for _ in evidence.orders.refunds().filter(|refund| refund.state == RefundState::Succeeded) {
        history.saw(Seen::Refunded);
    }
    for _ in evidence.orders.refunds().filter(|refund| !refund.lines.is_empty()) {
        history.saw(Seen::TakenOff);
    }
    for returned in evidence.orders.returns().filter(|returned| returned.state == ReturnState::Received) {
        history.saw(Seen::Returned);
        if !returned.restocked.is_empty() {
            history.saw(Seen::Restocked);
        }
    }
}
