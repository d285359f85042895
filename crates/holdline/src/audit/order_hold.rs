//! One order against its holds: the parts stand as the order does, for the same goods, and the ledger knows what became of
//! them.

use std::collections::BTreeMap;

use super::goods::{self, Sold};
use super::group_rows::{Group, Hold, Order};
use super::groups::{Groups, Judge};
use super::report::LeftOut;
use super::stored::{Claim, Part, state_name};

/// Whether a part belongs to a seller's order.
pub(super) fn is_part(part: &str, seller: &str) -> bool {
    part.strip_prefix("s:") == Some(seller)
}

fn place_of(hold: &Hold, order: &Order) -> Option<usize> {
    hold.parts.iter().position(|Part(name, _)| is_part(name, &order.seller))
}

impl Judge<'_> {
    pub(super) fn judge_order(
        &self,
        order: &Order,
        group: &Group,
        holds: &[Hold],
        checks: &mut Groups,
        left_out: &mut LeftOut,
    ) {
        let mut sold = Vec::new();
        let current = holds.iter().find(|hold| hold.n == order.hold_n);
        match current {
            // Placed, or held again, after the ledger was read.
            None if order.is_new || (order.hold_n > 1 && !order.is_settled) => left_out.new_orders += 1,
            None => checks.hold.judge(false, || {
                let Order { no, status, hold_n, .. } = order;
                format!("order {no} ({status}) has no hold: the ledger does not know its hold {hold_n}")
            }),
            Some(hold) => sold.extend(self.judge_current(order, group, hold, checks)),
        }
        for hold in holds.iter().filter(|hold| hold.n < order.hold_n) {
            sold.extend(self.judge_earlier(order, group, hold, checks));
        }
        let fault = goods::fault(&mut checks.told, self.accounts, (group.tenant, order), &sold);
        checks.goods.judged += 1;
        if let Some((of_end, fault)) = fault {
            let check = if of_end { &mut checks.hold } else { &mut checks.goods };
            check.mismatch(|| format!("order {} ({}): {fault}", order.no, order.status));
        }
    }

    /// What was sold of an order's current hold.
    fn judge_current(&self, order: &Order, group: &Group, hold: &Hold, checks: &mut Groups) -> Option<Sold> {
        let (Order { no, status, seller, .. }, hold_no) = (order, hold.no);
        let Some(place) = place_of(hold, order) else {
            checks.hold.judge(false, || {
                format!("order {no} ({status}): hold {hold_no} has no part for its seller {seller:?}")
            });
            return None;
        };
        let state = hold.parts[place].1.as_str();
        checks.hold.judge(self.allowed(order, group.tenant).contains(&state), || {
            let lapsed = if order.hold == "lapsed" { ", its hold lapsed" } else { "" };
            let settled = if order.is_settled { "" } else { " (not settled yet)" };
            let state = state_name(state);
            format!("order {no} is {status}{lapsed}{settled}, but its part of hold {hold_no} is {state}")
        });
        if let Some(fault) = self.goods_fault(order, hold, place) {
            checks.hold.mismatch(|| format!("order {no} ({status}), hold {hold_no}: {fault}"));
        }
        (state == "c").then(|| Sold::current(hold, place, order.gives_back()))
    }

    /// What was sold of a hold that an order had before its current one: all of it comes back.
    fn judge_earlier(&self, order: &Order, group: &Group, hold: &Hold, checks: &mut Groups) -> Option<Sold> {
        let place = place_of(hold, order)?;
        let state = hold.parts[place].1.as_str();
        let right = match state {
            "r" => true,
            "c" => self.sells_at_once(group.tenant),
            _ => !order.is_settled,
        };
        checks.hold.judge(right, || {
            let (no, hold_n, state) = (&order.no, order.hold_n, state_name(state));
            format!("order {no} stands on hold {hold_n} of its group, but its part of hold {} is {state}", hold.no)
        });
        (state == "c").then(|| Sold::earlier(hold, place))
    }

    /// Whether orders of a tenant are sold when they are placed.
    fn sells_at_once(&self, tenant: i64) -> bool {
        self.commit_on.get(&tenant).map(String::as_str) != Some("payment_captured")
    }

    /// The states that the part of an order's current hold may have.
    fn allowed(&self, order: &Order, tenant: i64) -> &'static [&'static str] {
        let at_once = self.sells_at_once(tenant);
        // Sold before it ended, or not: what was sold must be given back.
        let perhaps_sold = at_once || (order.status == "cancelled" && (order.captured > 0 || order.total == 0));
        let waits = matches!(order.status.as_str(), "creating" | "pending_payment");
        match (order.gives_back(), order.is_settled) {
            (true, true) if perhaps_sold => &["c", "r"],
            (true, true) => &["r"],
            (true, false) if perhaps_sold => &["h", "c", "r"],
            (true, false) => &["h", "r"],
            (false, _) if waits && (order.status == "creating" || !at_once) => &["h"],
            (false, true) => &["c"],
            (false, false) => &["h", "c"],
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
        let goods = order.goods();
        if stock != goods {
            return Some(format!("the order has {goods:?}, but the hold claims {stock:?}"));
        }
        let other = quota.iter().find(|(sku, units)| goods.get(*sku) != Some(*units));
        other.map(|(sku, units)| {
            format!("the hold claims {units} of the buyer's quota of {sku:?}, other than the order")
        })
    }
}
