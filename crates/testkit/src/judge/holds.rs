//! Every hold: taken once, its parts resolved once and only behind a fence, and ended as its orders did.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::id::SellerId;
use holdline_domain::ledger::{AccountKey, HoldRecord, MovementKind, Part, PartState};
use holdline_domain::order::{EventKind, GroupState, HoldAxis, Order, OrderStatus};
use holdline_domain::tenant::CommitOn;

use super::outside::is_outside;
use super::{Evidence, Findings, is_live, name};
use crate::model::{StoredHold, StoredMovement};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut movements: BTreeMap<i64, Vec<&StoredMovement>> = BTreeMap::new();
    for stored in &evidence.ledger.movements {
        if let Some(hold_no) = stored.movement.hold_no {
            movements.entry(hold_no).or_default().push(stored);
        }
    }
    for ((_, key), holds) in evidence.holds_by_key() {
        let ids: BTreeSet<i32> = holds.iter().map(|stored| stored.hold.id.n).collect();
        let once = ids.len() == holds.len();
        findings.unless(once, "hold_taken_once", || format!("{key} was held {} times", holds.len()));
    }
    for stored in evidence.ledger.holds.values() {
        let of_hold = movements.get(&stored.hold.hold_no).map_or(&[][..], Vec::as_slice);
        judge_movements(evidence, &stored.hold, of_hold, findings);
        if !is_outside(&stored.hold) {
            judge_end(evidence, stored, findings);
        }
    }
    for order in evidence.orders.orders.values() {
        judge_claims(evidence, order, findings);
    }
    judge_unallocated(evidence, findings);
    let is_open = |stored: &&StoredHold| stored.hold.parts.iter().any(|(_, state)| *state == PartState::Held);
    let open = evidence.ledger.holds.values().filter(is_open).count();
    let counted = evidence.ledger.open_holds;
    findings.unless(i64::try_from(open) == Ok(counted), "open_holds_are_counted", || {
        format!("{counted} open holds counted, {open} are there")
    });
}

/// The hold's lines are its movements; each line is resolved at most once, as its part says, and behind a fence.
fn judge_movements(evidence: &Evidence, hold: &HoldRecord, movements: &[&StoredMovement], findings: &mut Findings) {
    for line in &hold.lines {
        let of_line: Vec<_> = movements
            .iter()
            .filter(|stored| stored.movement.account_no == line.account_no)
            .filter(|stored| stored.movement.part.as_ref() == Some(&line.part))
            .collect();
        let kinds: Vec<MovementKind> = of_line.iter().map(|stored| stored.movement.kind).collect();
        let state = hold.parts.iter().find(|(part, _)| *part == line.part).map(|(_, state)| *state);
        let expected = match state {
            Some(PartState::Held) => vec![MovementKind::Hold],
            Some(PartState::Committed) => vec![MovementKind::Hold, MovementKind::Commit],
            Some(PartState::Released) => vec![MovementKind::Hold, MovementKind::Release],
            None => Vec::new(),
        };
        let same = of_line.iter().all(|stored| stored.movement.quantity == line.quantity);
        findings.unless(kinds == expected && same, "part_resolved_once", || {
            format!("{}, line {line:?}, part {state:?}: {kinds:?}", name(hold))
        });
    }
    for stored in movements {
        let (movement, at_ms) = (&stored.movement, stored.written_at_ms);
        let seller = movement.part.as_ref().and_then(seller_of);
        let evidenced = match movement.kind {
            // No order stands behind an outside hold: `outside` judges who ended it.
            _ if is_outside(hold) => true,
            MovementKind::Release => is_fenced(evidence, hold, seller, at_ms),
            MovementKind::Commit => is_sold(evidence, hold, seller, at_ms),
            _ => true,
        };
        findings.unless(evidenced, "fence_before_release", || {
            format!("{}: {movement:?} at {at_ms} ms has neither an ended order nor a fence", name(hold))
        });
    }
}

fn seller_of(part: &Part) -> Option<&SellerId> {
    match part {
        Part::Seller(seller) => Some(seller),
        Part::Group => None,
    }
}

fn order_of<'a>(evidence: &'a Evidence, hold: &HoldRecord, seller: Option<&SellerId>) -> Option<&'a Order> {
    let of_group =
        |order: &&Order| order.tenant == hold.tenant && order.group == hold.id.key && Some(&order.seller) == seller;
    evidence.orders.orders.values().find(of_group)
}

/// Whether, by then, a row that is not placed had the group's key, or the part's order had ended.
fn is_fenced(evidence: &Evidence, hold: &HoldRecord, seller: Option<&SellerId>, at_ms: i64) -> bool {
    let by_row = evidence.group(hold.tenant, &hold.id.key).is_some_and(|stored| {
        stored.written_at_ms <= at_ms && !matches!(stored.group.state, GroupState::Placed { .. })
    });
    let ends = [EventKind::Cancelled, EventKind::Expired, EventKind::HoldLapsed, EventKind::HoldRaised];
    by_row
        || if hold.id.n == 1 {
            had_event(evidence, hold, seller, at_ms, &ends)
        } else {
            is_past(evidence, hold, seller, at_ms)
        }
}

/// Whether, by then, the order of a hold that was taken again had ended for good, ended or let go after it was taken, or was
/// raised past it: the ends of its former holds are no reason. Or it had its goods by another hold, and never took this one:
/// whoever took it had seen an older order.
fn is_past(evidence: &Evidence, hold: &HoldRecord, seller: Option<&SellerId>, at_ms: i64) -> bool {
    let taken_at_ms = evidence.ledger.holds.values().find(|stored| stored.hold.hold_no == hold.hold_no);
    let taken_at_ms = taken_at_ms.map_or(i64::MAX, |stored| stored.taken_at_ms);
    let Some(order) = order_of(evidence, hold, seller) else { return false };
    let of_order = evidence.orders.events.iter().filter(|stored| stored.event.order_no == order.no);
    let mut before = of_order.take_while(|stored| stored.written_at_ms <= at_ms);
    let of_goods = [EventKind::HoldLapsed, EventKind::Expired, EventKind::HeldAgain];
    let last_of_goods = before.clone().filter(|stored| of_goods.contains(&stored.event.kind)).last();
    let has_goods = last_of_goods.is_some_and(|stored| stored.event.kind == EventKind::HeldAgain);
    let has_others = has_goods && order.hold_n != hold.id.n;
    has_others
        || before.any(|stored| {
            let later = stored.written_at_ms >= taken_at_ms;
            match stored.event.kind {
                EventKind::Cancelled => true,
                // Paid with another hold: it takes no further one.
                EventKind::Confirmed => order.hold_n != hold.id.n,
                EventKind::Expired | EventKind::HoldLapsed | EventKind::HoldRaised => later,
                // Another hold was taken for it, and it knows that one.
                EventKind::HeldAgain => later && order.hold_n != hold.id.n,
                _ => false,
            }
        })
}

fn is_sold(evidence: &Evidence, hold: &HoldRecord, seller: Option<&SellerId>, at_ms: i64) -> bool {
    let kinds: &[EventKind] = match evidence.scenario.commit_on {
        CommitOn::OrderCreated => &[EventKind::Placed, EventKind::Confirmed],
        CommitOn::PaymentCaptured => &[EventKind::Confirmed],
    };
    had_event(evidence, hold, seller, at_ms, kinds)
}

fn had_event(
    evidence: &Evidence,
    hold: &HoldRecord,
    seller: Option<&SellerId>,
    at_ms: i64,
    kinds: &[EventKind],
) -> bool {
    order_of(evidence, hold, seller).is_some_and(|order| {
        let mut before = evidence.orders.events.iter().take_while(|stored| stored.written_at_ms <= at_ms);
        before.any(|stored| stored.event.order_no == order.no && kinds.contains(&stored.event.kind))
    })
}

/// After settling, every part stands as its order does, and no hold is open without a live order.
fn judge_end(evidence: &Evidence, stored: &StoredHold, findings: &mut Findings) {
    let hold = &stored.hold;
    let Some(group) = evidence.group(hold.tenant, &hold.id.key) else {
        findings.found(
            "hold_has_an_end",
            format!("{}: no order group and no tombstone, parts {:?}", name(hold), hold.parts),
        );
        return;
    };
    let is_placed = matches!(group.group.state, GroupState::Placed { .. });
    for (part, state) in &hold.parts {
        let expected: &[PartState] = match order_of(evidence, hold, seller_of(part)) {
            Some(order) if is_placed && order.hold_n == hold.id.n => expected_of(evidence, order),
            // A former hold: what was sold at creation is given back by an unallocation.
            Some(_) if evidence.scenario.commit_on == CommitOn::OrderCreated => {
                &[PartState::Released, PartState::Committed]
            }
            _ => &[PartState::Released],
        };
        findings.unless(expected.contains(state), "part_ends_as_its_order", || {
            format!("{}: part {part:?} is {state:?}, expected {expected:?}; group {:?}", name(hold), group.group.state)
        });
    }
    // A hold with a later number was taken again, for an order that was there.
    if is_placed && hold.id.n == 1 {
        let early = group.written_at_ms >= stored.taken_at_ms;
        findings.unless(early, "hold_before_order", || format!("{} was taken after its order", name(hold)));
    }
}

fn expected_of(evidence: &Evidence, order: &Order) -> &'static [PartState] {
    let sold_at_creation = evidence.scenario.commit_on == CommitOn::OrderCreated;
    let was_sold = sold_at_creation || was_confirmed(evidence, order);
    match order.status {
        OrderStatus::PendingPayment if order.hold == HoldAxis::Lapsed && sold_at_creation => {
            &[PartState::Released, PartState::Committed]
        }
        OrderStatus::PendingPayment if order.hold == HoldAxis::Lapsed => &[PartState::Released],
        OrderStatus::PendingPayment if sold_at_creation => &[PartState::Committed],
        OrderStatus::PendingPayment => &[PartState::Held],
        OrderStatus::Confirmed | OrderStatus::Completed => &[PartState::Committed],
        // What was sold before is given back by an unallocation; `judge_unallocated` sums those.
        OrderStatus::Cancelled | OrderStatus::Expired if was_sold => &[PartState::Released, PartState::Committed],
        OrderStatus::Cancelled | OrderStatus::Expired | OrderStatus::CreateFailed | OrderStatus::Creating => {
            &[PartState::Released]
        }
    }
}

/// Whether the order was ever paid, or owed nothing.
pub(super) fn was_confirmed(evidence: &Evidence, order: &Order) -> bool {
    let of_order = evidence.orders.events.iter().filter(|stored| stored.event.order_no == order.no);
    of_order.into_iter().any(|stored| stored.event.kind == EventKind::Confirmed)
}

/// An order's hold claims what its lines say, no more and no less, of stock and of every quota.
fn judge_claims(evidence: &Evidence, order: &Order, findings: &mut Findings) {
    let key = &order.group;
    let is_its_hold = |stored: &&StoredHold| {
        stored.hold.tenant == order.tenant && stored.hold.id.key == *key && stored.hold.id.n == order.hold_n
    };
    let Some(stored) = evidence.ledger.holds.values().find(is_its_hold) else {
        findings.found("order_has_a_hold", format!("order {} of {key}", order.no));
        return;
    };
    let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
    for line in &order.lines {
        let ware = evidence.scenario.ware(line.sku.as_str());
        *wanted.entry(format!("stock {}", line.sku)).or_default() += line.quantity.units();
        if ware.is_some_and(|ware| ware.quota.is_some()) {
            *wanted.entry(format!("quota {} {}", line.sku, order.buyer)).or_default() += line.quantity.units();
        }
    }
    let mut claimed: BTreeMap<String, i64> = BTreeMap::new();
    for line in stored.hold.lines.iter().filter(|line| line.part == Part::Seller(order.seller.clone())) {
        let account = evidence.ledger.accounts.get(&line.account_no).map(|account| &account.key);
        let account = match account {
            Some(AccountKey::Stock(stock)) => format!("stock {}", stock.sku),
            Some(AccountKey::Quota(quota)) => format!("quota {} {}", quota.sku, quota.buyer),
            None => "nothing".to_owned(),
        };
        *claimed.entry(account).or_default() += line.quantity;
    }
    findings.unless(claimed == wanted, "hold_is_what_was_ordered", || {
        format!("order {}: wants {wanted:?}, {} claims {claimed:?}", order.no, name(&stored.hold))
    });
}

/// Per account: allocated is what live orders and takers have committed, without what left or was taken off; what ended orders
/// had committed is given back.
fn judge_unallocated(evidence: &Evidence, findings: &mut Findings) {
    let mut sold: BTreeMap<i64, i64> = BTreeMap::new();
    for stored in evidence.ledger.holds.values() {
        for line in &stored.hold.lines {
            let committed = stored.hold.parts.contains(&(line.part.clone(), PartState::Committed));
            let order = order_of(evidence, &stored.hold, seller_of(&line.part));
            let stands = is_outside(&stored.hold)
                || order.is_some_and(|order| {
                    is_live(order.status) && order.hold_n == stored.hold.id.n && order.hold != HoldAxis::Lapsed
                });
            if committed && stands {
                *sold.entry(line.account_no).or_default() += line.quantity;
            }
        }
        for (part, _) in stored.hold.parts.iter().filter(|(_, state)| *state == PartState::Committed) {
            let order = order_of(evidence, &stored.hold, seller_of(part));
            let Some(order) = order.filter(|order| is_live(order.status) && order.hold_n == stored.hold.id.n) else {
                continue;
            };
            let accounts: BTreeSet<i64> =
                stored.hold.lines.iter().filter(|line| line.part == *part).map(|line| line.account_no).collect();
            for account in accounts.iter().filter_map(|account_no| evidence.ledger.accounts.get(account_no)) {
                let of_sku = order.lines.iter().filter(|line| line.sku == *account.key.sku());
                let gone = of_sku.map(|line| {
                    let gone = evidence.gone(order, line.line_no);
                    // A quota is used up by what was bought.
                    let shipped = if matches!(account.key, AccountKey::Stock(_)) { gone.shipped } else { 0 };
                    shipped + gone.taken_off
                });
                *sold.entry(account.account_no).or_default() -= gone.sum::<i64>();
            }
        }
    }
    for account in evidence.ledger.accounts.values() {
        let sold = sold.get(&account.account_no).copied().unwrap_or(0);
        findings.unless(account.allocated == sold, "allocated_is_what_live_orders_sold", || {
            format!("{:?}: allocated {}, live orders come to {sold}", account.key, account.allocated)
        });
    }
}
