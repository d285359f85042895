//! Orders against holds: every order has the part of the hold that its state calls for, and every hold has its order.
//!
//! Holds, order groups and orders are read side by side in the order of their key. The ledger was read first, the orders
//! later, so what the ledger says has its cause in the orders: a part that was committed or given back has an order
//! that says why. The other way round there are two delays, told apart by sequence numbers that were read before both:
//! events that the ledger has not followed yet, and orders placed since.

use super::CommitOn;
use super::accounts::Accounts;
use super::goods::Told;
use super::group_rows::{Group, Groups as GroupRows, Hold, Holds};
use super::order_hold::is_part;
use super::outside;
use super::report::{Check, LeftOut};
use super::source::Source;
use super::stored::{GroupState, Part};

/// The reaper asks for a hold once it is `orphan_after` old, and is a problem when it has not by this many times that.
const REAPER_LATE: i64 = 3;

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
    pub(super) hold: Check,
    pub(super) goods: Check,
    orphan: Check,
    open: Check,
    pub(super) told: Told,
}

impl Groups {
    fn new(told: Told) -> Self {
        Self {
            group: Check::new("order_group", "a placed group has exactly its orders, any other has none"),
            hold: Check::new("order_hold", "an order's part of its hold stands as the order does, for the same goods"),
            goods: Check::new("order_goods", "the ledger was told what left an order, was taken off it and came back"),
            orphan: Check::new("orphan_hold", "a hold stands for an order, or was given back behind a fence"),
            open: Check::new("open_holds", "the head counts the holds of which a part is held"),
            told,
        }
    }

    pub(super) fn into_checks(self) -> [Check; 5] {
        [self.group, self.hold, self.goods, self.orphan, self.open]
    }
}

/// The two databases, and what is known of both.
pub(super) struct Judge<'a> {
    pub(super) ledger: &'a Source,
    pub(super) orders: &'a Source,
    pub(super) accounts: &'a Accounts,
    pub(super) commit_on: &'a CommitOn,
    /// What the ledger's head says.
    pub(super) open_holds: i64,
    pub(super) horizon: Horizon,
}

impl Judge<'_> {
    pub(super) fn run(&self, left_out: &mut LeftOut) -> anyhow::Result<Groups> {
        let mut checks = Groups::new(Told::read(self.ledger)?);
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
                    checks.told.judge_rest(&mut checks.goods);
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
            self.judge_order(order, group, holds, checks, left_out);
        }
        for hold in holds {
            for part in &hold.parts {
                let order = group.orders.iter().find(|order| is_part(&part.0, &order.seller));
                match order {
                    // Judged with its order. The part that orders share ends with the last of them; nothing takes one yet.
                    Some(order) if hold.n <= order.hold_n => checks.orphan.judged += 1,
                    None if part.0 == "g" => checks.orphan.judged += 1,
                    _ => self.judge_unclaimed(group, hold, part, order.is_some(), &mut checks.orphan, left_out),
                }
            }
        }
    }

    /// A part that no order names. `again`: an order had it held once more, and has not learnt of it.
    fn judge_unclaimed(
        &self,
        group: &Group,
        hold: &Hold,
        Part(part, state): &Part,
        again: bool,
        check: &mut Check,
        left_out: &mut LeftOut,
    ) {
        let Hold { no: hold_no, taken_ms, key, .. } = hold;
        let horizon = self.horizon;
        let age_ms = horizon.newest_ms.saturating_sub(*taken_ms);
        let fate = match &group.row {
            None => "has no row",
            Some((_, None)) => "has a state that cannot be understood",
            Some((_, Some(GroupState::Placed { .. }))) if again => "is placed, but its order does not know of it",
            Some((_, Some(GroupState::Placed { .. }))) => "is placed, but has no order for it",
            Some((_, Some(GroupState::Refused {}))) => "was refused",
            Some((_, Some(GroupState::Abandoned))) => "was abandoned",
        };
        let is_fenced = matches!(group.row, Some((_, Some(GroupState::Refused {} | GroupState::Abandoned))));
        let is_placed = matches!(group.row, Some((_, Some(GroupState::Placed { .. }))));
        match state.as_str() {
            "h" if (again || !is_placed) && *hold_no > horizon.reaper_cursor => {
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
