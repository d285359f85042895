//! Orders and their feed: one group per submit, sums that are right, ends that came in time, a feed without a gap.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::catalog::CatalogChange;
use holdline_domain::ledger::{AccountKey, Part};
use holdline_domain::order::{EventKind, GroupState, HoldAxis, Order, OrderNo, OrderStatus, PaymentStatus, Snapshot};

use super::{Evidence, Findings, is_live};
use crate::model::StoredEvent;

/// An order may be overdue at the end for at most this long: the sweep works within it.
const SWEEP_WITHIN_MS: i64 = 30_000;
/// What steps within the guard may take from a deadline.
const CLOCK_SLACK_MS: i64 = 5_000;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    judge_groups(evidence, findings);
    let mut events: BTreeMap<&OrderNo, Vec<&StoredEvent>> = BTreeMap::new();
    for stored in &evidence.orders.events {
        events.entry(&stored.event.order_no).or_default().push(stored);
    }
    for order in evidence.orders.orders.values() {
        judge_order(evidence, order, findings);
        judge_events(evidence, order, events.get(&order.no).map_or(&[], Vec::as_slice), findings);
    }
    for (place, stored) in evidence.orders.events.iter().enumerate() {
        let gapless = i64::try_from(place).is_ok_and(|place| stored.event.seq == place + 1);
        findings.unless(gapless, "feed_gapless", || format!("{:?} at place {place}", stored.event));
    }
    for pair in evidence.orders.events.windows(2) {
        let (before, after) = (&pair[0].event, &pair[1].event);
        findings.unless(before.at <= after.at, "feed_never_goes_back", || format!("{before:?} before {after:?}"));
    }
    judge_sold(evidence, findings);
    judge_orphans(evidence, findings);
}

/// Every group lists its orders and every order is listed once, one per seller.
fn judge_groups(evidence: &Evidence, findings: &mut Findings) {
    let mut listed: BTreeSet<&OrderNo> = BTreeSet::new();
    for stored in evidence.orders.groups.values() {
        let group = &stored.group;
        let GroupState::Placed { order_nos } = &group.state else { continue };
        let mut sellers = BTreeSet::new();
        for no in order_nos {
            let order = evidence.orders.orders.get(&(group.tenant, no.clone()));
            let fits = order.is_some_and(|order| {
                order.group == group.key && group.buyer.as_ref() == Some(&order.buyer) && sellers.insert(&order.seller)
            });
            let fresh = listed.insert(no);
            findings
                .unless(fits && fresh, "group_has_its_orders", || format!("{}: order {no} is {order:?}", group.key));
        }
    }
    for order in evidence.orders.orders.values() {
        let is_listed = listed.contains(&order.no);
        findings.unless(is_listed, "order_has_its_group", || format!("order {} of {}", order.no, order.group));
    }
}

/// Its sums are right, it was sold from a catalog version that says so, and it is not overdue.
fn judge_order(evidence: &Evidence, order: &Order, findings: &mut Findings) {
    let goods: i64 = order.lines.iter().map(|line| line.unit_price.0 * line.quantity.units()).sum();
    let lines = order.lines.iter().all(|line| line.total.0 == line.unit_price.0 * line.quantity.units());
    findings.unless(lines && goods == order.goods.0 && goods == order.total.0, "sums_are_right", || {
        format!("order {}: lines come to {goods}, goods {}, total {}", order.no, order.goods.0, order.total.0)
    });
    let within_ms = order.pay_deadline.0 - order.created.0;
    findings.unless(
        within_ms == evidence.scenario.pay_within_ms(&order.channel),
        "deadline_is_what_was_promised",
        || format!("order {}: {within_ms} ms", order.no),
    );
    let overdue_ms = evidence.shard_now.0 - order.pay_deadline.0;
    // An open attempt keeps its order; `payments` judges how long.
    let waits_for_buyer = order.status == OrderStatus::PendingPayment && order.payment != PaymentStatus::Processing;
    let ended_in_time = !waits_for_buyer || overdue_ms < SWEEP_WITHIN_MS;
    findings
        .unless(ended_in_time, "overdue_orders_expire", || format!("order {} is overdue by {overdue_ms} ms", order.no));
    let is_sold = matches!(order.status, OrderStatus::Confirmed | OrderStatus::Completed);
    let owes_nothing = order.life.captured == order.total;
    findings.unless(!is_sold || owes_nothing, "confirmed_is_what_owes_nothing", || {
        format!("order {} of {} is {} with {}", order.no, order.total.0, order.status, order.life.captured.0)
    });
    let waits = order.status == OrderStatus::PendingPayment;
    findings.unless(!(waits && owes_nothing), "what_owes_nothing_does_not_wait", || format!("order {}", order.no));
    for line in &order.lines {
        let Snapshot::Catalog(version) = &line.snapshot else {
            findings.found("order_keeps_its_snapshot", format!("order {}: {line:?}", order.no));
            continue;
        };
        let says_so = evidence.catalog.changes.iter().any(|change| {
            matches!(change, CatalogChange::Sku(_, sku) if sku.code == line.sku && sku.version == *version
                && sku.price == line.unit_price && sku.seller == order.seller && sku.on_shelf)
        });
        findings.unless(says_so, "sold_as_the_catalog_said", || format!("order {}: {line:?}", order.no));
    }
}

/// Its events count its versions, begin with its placing, and an end by time came at its time.
fn judge_events(evidence: &Evidence, order: &Order, events: &[&StoredEvent], findings: &mut Findings) {
    let versions: Vec<i64> = events.iter().map(|stored| stored.event.version.0).collect();
    let expected: Vec<i64> = (1..=order.version.0).collect();
    findings.unless(versions == expected, "versions_gapless", || {
        format!("order {} at version {}: events {versions:?}", order.no, order.version.0)
    });
    let Some(placed) = events.first() else { return };
    let first = placed.event.kind;
    findings.unless(matches!(first, EventKind::Placed | EventKind::Confirmed), "life_begins_with_placing", || {
        format!("order {} begins with {first:?}", order.no)
    });
    let ends = events.iter().filter(|stored| matches!(stored.event.kind, EventKind::Cancelled | EventKind::Expired));
    // One that late money revived may be cancelled like any paid order.
    let once = 1 + usize::from(evidence.was_revived(&order.no));
    findings.unless(ends.clone().count() <= once, "an_order_ends_once", || format!("order {}: {events:?}", order.no));
    for end in ends {
        let (at, deadline) = (end.event.at, order.pay_deadline);
        // A paid order may be cancelled as long as nothing was shipped.
        let was_paid = events
            .iter()
            .take_while(|before| before.event.seq < end.event.seq)
            .any(|before| before.event.kind == EventKind::Confirmed);
        let revived = events
            .iter()
            .skip_while(|after| after.event.seq <= end.event.seq)
            .any(|after| after.event.kind == EventKind::Confirmed);
        let in_time = if end.event.kind == EventKind::Expired { at >= deadline } else { at < deadline || was_paid };
        findings.unless(in_time, "ends_by_the_shard_clock", || {
            format!("order {}: {:?} at {} with deadline {}", order.no, end.event.kind, at.0, deadline.0)
        });
        let lived_ms = end.written_at_ms - placed.written_at_ms;
        let long_enough = end.event.kind != EventKind::Expired
            || evidence.jump_believed
            || lived_ms + CLOCK_SLACK_MS >= evidence.scenario.pay_within_ms(&order.channel);
        findings.unless(long_enough, "no_jump_expires_an_order", || format!("order {} lived {lived_ms} ms", order.no));
        let status = if end.event.kind == EventKind::Expired { OrderStatus::Expired } else { OrderStatus::Cancelled };
        let fits = revived || (order.status == status && order.ended.is_some_and(|ended| ended.at == at));
        findings.unless(fits, "ended_as_its_event_says", || format!("{:?} left {order:?}", end.event));
    }
}

/// From outside of the ledger: live orders together never have more than is there.
fn judge_sold(evidence: &Evidence, findings: &mut Findings) {
    let mut sold: BTreeMap<&str, i64> = BTreeMap::new();
    let mut by_buyer: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    let has_its_goods = |order: &&Order| is_live(order.status) && order.hold != HoldAxis::Lapsed;
    for order in evidence.orders.orders.values().filter(has_its_goods) {
        for line in &order.lines {
            let gone = evidence.gone(order, line.line_no);
            let still_his = line.quantity.units() - gone.taken_off;
            *sold.entry(line.sku.as_str()).or_default() += still_his - gone.shipped;
            *by_buyer.entry((line.sku.as_str(), order.buyer.as_str())).or_default() += still_his;
        }
    }
    for ware in evidence.scenario.wares.iter().filter(|ware| !ware.infinite) {
        let of_ware = |key: &AccountKey| matches!(key, AccountKey::Stock(stock) if stock.sku.as_str() == ware.sku);
        let accounts = evidence.ledger.accounts.values().filter(|account| of_ware(&account.key));
        let there = accounts.map(|account| account.on_hand).sum::<i64>() + ware.shortage_max;
        let sold = sold.get(ware.sku).copied().unwrap_or(0);
        findings.unless(sold <= there, "orders_within_stock", || format!("{sold} of {} sold, {there} there", ware.sku));
    }
    for ((sku, buyer), units) in by_buyer {
        let quota = evidence.scenario.ware(sku).and_then(|ware| ware.quota);
        findings.unless(quota.is_none_or(|quota| units <= quota), "orders_within_quota", || {
            format!("{buyer} has {units} of {sku}, quota {quota:?}")
        });
    }
}

/// Where nothing was wrong, no submit is left behind with a hold for the reaper to find.
fn judge_orphans(evidence: &Evidence, findings: &mut Findings) {
    for ((tenant, key), holds) in evidence.holds_by_key() {
        let Some(group) = evidence.group(tenant, key) else { continue };
        let by_reaper = group.group.state == GroupState::Abandoned && group.group.buyer.is_none();
        // Before its hold, the attempt may have met a slow call.
        let taken_at_ms = holds.iter().map(|stored| stored.taken_at_ms).min().unwrap_or(0);
        let calm = evidence.was_calm(taken_at_ms, group.written_at_ms);
        findings.unless(!(by_reaper && calm), "server_finishes_what_it_began", || {
            let parts: Vec<&Part> = holds.iter().flat_map(|stored| stored.hold.parts.iter().map(|(p, _)| p)).collect();
            format!("{key} was held at {taken_at_ms} ms ({parts:?}), nothing was wrong, and the reaper had to end it")
        });
    }
}
