//! Orders against holds: every order has the part of the hold that its state calls for, and every hold has its order.
//!
//! Holds, order groups and orders are read side by side in the order of their key. The ledger was read first, the orders
//! later, so what the ledger says has its cause in the orders: a part that was committed or given back has an order
//! that says why. The other way round there are two delays, told apart by sequence numbers that were read before both:
//! events that the ledger has not followed yet, and orders placed since.

use std::collections::BTreeMap;

use super::CommitOn;
use super::accounts::Accounts;
use super::group_rows::{Group, Groups as GroupRows, Hold, Holds, Order};
use super::outside;
use super::report::{Check, LeftOut};
use super::returned::Returned;
use super::source::Source;
use super::stored::{Claim, GroupState, Part, state_name};

/// The reaper asks for a hold once it is `orphan_after` old, and is a problem when it has not by this many times that.
const REAPER_LATE: i64 = 3;
/// How an order is called that ended unsold.
const ENDED: [&str; 3] = ["create_failed", "cancelled", "expired"];

/// Sequence numbers and instants that say what can be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon {
    /// Orders whose first event lies below this were placed before the ledger was read.
    pub(super) placed_before_seq: i64,
    /// Every event up to this one was followed before the ledger was read.
    pub(super) settled_seq: i64,
    /// Holds up to this number have been visited by the reaper.
    pub(super) reaper_cursor: i64,
    /// The newest instant that the store knows: a store at rest does not age.
    pub(super) newest_ms: i64,
    /// How old a hold without an order must be before anybody asks for it.
    pub(super) orphan_after_ms: i64,
}

/// The checks of this file.
pub(super) struct Groups {
    group: Check,
    hold: Check,
    orphan: Check,
    open: Check,
}

impl Groups {
    fn new() -> Self {
        Self {
            group: Check::new("order_group", "a placed group has exactly its orders, any other has none"),
            hold: Check::new("order_hold", "an order's part of its hold stands as the order does, for the same goods"),
            orphan: Check::new("orphan_hold", "a hold stands for an order, or was given back behind a fence"),
            open: Check::new("open_holds", "the head counts the holds of which a part is held"),
        }
    }

    pub(super) fn into_checks(self) -> [Check; 4] {
        [self.group, self.hold, self.orphan, self.open]
    }
}

/// The two databases, and what is known of both.
pub(super) struct Judge<'a> {
    pub(super) ledger: &'a Source,
    pub(super) orders: &'a Source,
    pub(super) accounts: &'a Accounts,
    pub(super) commit_on: &'a CommitOn,
    pub(super) returned: Returned,
    /// What the ledger's head says.
    pub(super) open_holds: i64,
    pub(super) horizon: Horizon,
}

impl Judge<'_> {
    pub(super) fn run(&self, left_out: &mut LeftOut) -> anyhow::Result<Groups> {
        let mut checks = Groups::new();
        let mut open_holds = 0;
        let mut holds = Holds::read(self.ledger)?;
        let mut groups = GroupRows::read(self.orders, self.horizon)?;
        let (mut hold, mut group) = (holds.next()?, groups.next()?);
        loop {
            let hold_key = hold.as_ref().map(|hold| (hold.tenant, hold.key.as_str()));
            let group_key = group.as_ref().map(|group| (group.tenant, group.key.as_str()));
            let (tenant, key) = match (hold_key, group_key) {
                (None, None) => {
                    checks.open.judge(open_holds == self.open_holds, || {
                        format!("the head says {} holds, but {open_holds} have a part that is held", self.open_holds)
                    });
                    return Ok(checks);
                }
                (Some(one), None) | (None, Some(one)) => one,
                (Some(one), Some(other)) => one.min(other),
            };
            let empty = || Group { tenant, key: key.to_owned(), ..Group::default() };
            let made = if group_key == Some((tenant, key)) { None } else { Some(empty()) };
            let mut of_key = Vec::new();
            while let Some(next) = hold.take_if(|next| {
                let of = made.as_ref().or(group.as_ref());
                of.is_some_and(|of| of.tenant == next.tenant && of.key == next.key)
            }) {
                open_holds += i64::from(next.parts.iter().any(|Part(_, state)| state == "h"));
                of_key.push(next);
                hold = holds.next()?;
            }
            if let Some(made) = made {
                self.judge(&made, &of_key, &mut checks, left_out);
            } else if let Some(known) = group.take() {
                self.judge(&known, &of_key, &mut checks, left_out);
                group = groups.next()?;
            }
        }
    }

    fn judge(&self, group: &Group, holds: &[Hold], checks: &mut Groups, left_out: &mut LeftOut) {
        if outside::judge_group(group, &mut checks.group) {
            return;
        }
        judge_group(group, &mut checks.group);
        for order in &group.orders {
            if !order.is_settled {
                left_out.unsettled_orders += 1;
            }
            self.judge_order(order, group, holds, &mut checks.hold, left_out);
        }
        for hold in holds {
            for Part(part, state) in &hold.parts {
                let claimed = group.orders.iter().any(|order| order.hold_n == hold.n && is_part(part, &order.seller));
                // The part that orders share ends with the last of them; nothing takes one yet.
                if !claimed && part != "g" {
                    self.judge_unclaimed(group, hold, part, state, &mut checks.orphan, left_out);
                } else {
                    checks.orphan.judged += 1;
                }
            }
        }
    }

    fn judge_order(&self, order: &Order, group: &Group, holds: &[Hold], check: &mut Check, left_out: &mut LeftOut) {
        let Order { no, status, seller, hold_n, is_new, is_settled, .. } = order;
        let found = holds.iter().find(|hold| hold.n == *hold_n);
        if found.is_none() && *is_new {
            left_out.new_orders += 1;
            return;
        }
        let Some(hold) = found else {
            check.judge(false, || {
                format!("order {no} ({status}) has no hold: the ledger does not know its hold {hold_n}")
            });
            return;
        };
        let hold_no = hold.no;
        let Some(place) = hold.parts.iter().position(|Part(name, _)| is_part(name, seller)) else {
            check.judge(false, || {
                format!("order {no} ({status}): hold {hold_no} has no part for its seller {seller:?}")
            });
            return;
        };
        let state = hold.parts[place].1.as_str();
        let commit_on = self.commit_on.get(&group.tenant).map(String::as_str);
        check.judge(allowed(status, commit_on, *is_settled).contains(&state), || {
            let (state, settled) = (state_name(state), if *is_settled { "" } else { " (not settled yet)" });
            format!("order {no} is {status}{settled}, but its part of hold {hold_no} is {state}")
        });
        if state == "c" && *is_settled && ENDED.contains(&status.as_str()) {
            let claims = hold.claims.iter().filter(|claim| claim.0 == place);
            for fault in claims.filter_map(|Claim(_, account_no, sold)| self.returned.fault(*account_no, no, *sold)) {
                check.mismatch(|| format!("order {no} ({status}): {fault}"));
            }
        }
        if let Some(fault) = self.goods_fault(order, hold, place) {
            check.mismatch(|| format!("order {no} ({status}), hold {hold_no}: {fault}"));
        }
    }

    /// How the goods of an order differ from what its part claims.
    fn goods_fault(&self, order: &Order, hold: &Hold, place: usize) -> Option<String> {
        let (mut stock, mut quota) = (BTreeMap::<&str, i64>::new(), BTreeMap::<&str, i64>::new());
        for Claim(_, account_no, units) in hold.claims.iter().filter(|claim| claim.0 == place) {
            let Some(account) = self.accounts.get(*account_no) else {
                return Some(format!("it claims {units} of account {account_no}, which does not exist"));
            };
            if account.tenant != hold.tenant {
                return Some(format!("it claims units of account {account_no}, which is another tenant's"));
            }
            *if account.is_stock { stock.entry(account.sku) } else { quota.entry(account.sku) }.or_default() += units;
        }
        let goods: BTreeMap<&str, i64> = order.goods.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
        if stock != goods {
            return Some(format!("the order has {goods:?}, but the hold claims {stock:?}"));
        }
        let other = quota.iter().find(|(sku, units)| goods.get(*sku) != Some(*units));
        other.map(|(sku, units)| {
            format!("the hold claims {units} of the buyer's quota of {sku:?}, other than the order")
        })
    }

    /// A part that no order names.
    fn judge_unclaimed(
        &self,
        group: &Group,
        hold: &Hold,
        part: &str,
        state: &str,
        check: &mut Check,
        left_out: &mut LeftOut,
    ) {
        let Hold { no: hold_no, taken_ms, key, .. } = hold;
        let horizon = self.horizon;
        let age_ms = horizon.newest_ms.saturating_sub(*taken_ms);
        let fate = match &group.row {
            None => "has no row",
            Some((_, None)) => "has a state that cannot be understood",
            Some((_, Some(GroupState::Placed { .. }))) => "is placed, but has no order for it",
            Some((_, Some(GroupState::Refused {}))) => "was refused",
            Some((_, Some(GroupState::Abandoned))) => "was abandoned",
        };
        let is_fenced = matches!(group.row, Some((_, Some(GroupState::Refused {} | GroupState::Abandoned))));
        let is_placed = matches!(group.row, Some((_, Some(GroupState::Placed { .. }))));
        match state {
            "h" if !is_placed && *hold_no > horizon.reaper_cursor => {
                if age_ms < horizon.orphan_after_ms {
                    left_out.young_holds += 1;
                } else if age_ms < horizon.orphan_after_ms.saturating_mul(REAPER_LATE) {
                    left_out.unvisited_holds += 1;
                } else {
                    check.judge(false, || {
                        let seconds = age_ms / 1_000;
                        format!(
                            "hold {hold_no}, part {part:?}, is open for {seconds} s; its group {key} {fate}, and \
                                 the reaper has not come"
                        )
                    });
                }
            }
            "h" => check.judge(false, || {
                format!("hold {hold_no}, part {part:?}, is open, and nobody will end it: its group {key} {fate}")
            }),
            "c" => check.judge(false, || {
                format!("hold {hold_no}, part {part:?}, was sold without an order: its group {key} {fate}")
            }),
            _ => check.judge(is_fenced || is_placed, || {
                format!("hold {hold_no}, part {part:?}, was given back without a fence: its group {key} {fate}")
            }),
        }
    }
}

fn is_part(part: &str, seller: &str) -> bool {
    part.strip_prefix("s:") == Some(seller)
}

/// The states that a part may have for an order of this status.
fn allowed(status: &str, commit_on: Option<&str>, is_settled: bool) -> &'static [&'static str] {
    let sold_at_once = commit_on != Some("payment_captured");
    match (status, sold_at_once, is_settled) {
        ("pending_payment", true, false) | ("confirmed" | "completed", _, false) => &["h", "c"],
        ("pending_payment", true, true) | ("confirmed" | "completed", _, true) => &["c"],
        ("pending_payment", false, _) | ("creating", _, _) => &["h"],
        ("create_failed" | "cancelled" | "expired", false, true) => &["r"],
        // Sold before it ended, or not: what was sold must be given back (see `Returned`).
        ("create_failed" | "cancelled" | "expired", true, true) => &["c", "r"],
        ("create_failed" | "cancelled" | "expired", false, false) => &["h", "r"],
        ("create_failed" | "cancelled" | "expired", true, false) => &["h", "c", "r"],
        _ => &[],
    }
}

fn judge_group(group: &Group, check: &mut Check) {
    let Group { key, row, orders, .. } = group;
    let numbers: Vec<&str> = orders.iter().map(|order| order.no.as_str()).collect();
    let Some((buyer, state)) = row else {
        if !orders.is_empty() {
            check.judge(false, || format!("group {key} has no row, but the orders {numbers:?} name it"));
        }
        return;
    };
    match state {
        None => check.judge(false, || format!("group {key}: its state cannot be understood")),
        Some(GroupState::Placed { order_nos }) => {
            let mut listed: Vec<&str> = order_nos.iter().map(String::as_str).collect();
            listed.sort_unstable();
            check.judge(listed == numbers, || {
                format!(
                    "group {key} was placed with the orders {listed:?}, but the orders that name it are {numbers:?}"
                )
            });
            if orders.iter().any(|order| Some(&order.buyer) != buyer.as_ref()) {
                check.mismatch(|| format!("group {key}: an order of it has another buyer: {numbers:?}"));
            }
            let mut sellers: Vec<&str> = orders.iter().map(|order| order.seller.as_str()).collect();
            sellers.sort_unstable();
            if sellers.windows(2).any(|pair| pair[0] == pair[1]) {
                check.mismatch(|| format!("group {key} has two orders of one seller: {numbers:?}"));
            }
        }
        Some(GroupState::Refused {} | GroupState::Abandoned) => check.judge(orders.is_empty(), || {
            format!("group {key} never was placed (refused or abandoned), but the orders {numbers:?} name it")
        }),
    }
}
