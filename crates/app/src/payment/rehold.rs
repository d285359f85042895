//! Taking an order's goods again, after its hold was given back: the group's next hold, for this order's part alone.
//!
//! The order learns of it by a change under its version. A hold that no order learns of is found by the reaper, which first
//! raises the order past it, so that whoever took it can no longer write it, and only then releases.

use holdline_domain::fault::{Fault, FaultKind};
use holdline_domain::id::{Fingerprint, Quantity};
use holdline_domain::ledger::{
    AccountKey, Demand, HoldId, HoldLine, HoldRecord, LedgerAnswer, LedgerRequest, PartState, Shortage,
};
use holdline_domain::order::Order;

use super::TRIES_MAX;
use crate::App;
use crate::settlement::give_back;

/// What became of taking a hold again.
pub(super) enum Reheld {
    /// It is held, as this hold of the group.
    Held {
        /// Its number.
        n: i32,
    },
    /// These accounts are short.
    Short(Vec<Shortage>),
}

impl App {
    /// Holds what the order's part of its last hold held. Only for an order whose hold is given back: durably lapsed, or
    /// ended.
    pub(super) async fn hold_again(&self, order: &Order) -> Result<Reheld, Fault> {
        let tenant = order.tenant;
        let last = HoldId { key: order.group.clone(), n: order.hold_n };
        // The feed gives it back as well, perhaps after this: the same units must not stand in their own way.
        give_back(self, order, order.hold_n).await?;
        let demands = self.demands_of(order, &last).await?;
        let mut n = self.newest_hold(order).await?.map_or(order.hold_n, |newest| {
            // One that this order took and never learnt of is taken up again.
            if is_own(order, &newest) { newest.id.n - 1 } else { newest.id.n }
        });
        for _ in 0..TRIES_MAX {
            n += 1;
            let hold = LedgerRequest::Hold {
                tenant,
                id: HoldId { key: order.group.clone(), n },
                // Only what this very version of the order took is taken up again: the reaper gives back what others took.
                content: content(order, n),
                order_nos: vec![(order.seller.clone(), order.no.clone())],
                demands: demands.clone(),
            };
            match self.inner.ledger.send(hold).await? {
                LedgerAnswer::Held(_) | LedgerAnswer::AlreadyHeld(_) => return Ok(Reheld::Held { n }),
                LedgerAnswer::Insufficient(short) => return Ok(Reheld::Short(short)),
                // Another order of the group took this number, or the reaper gave this one back.
                LedgerAnswer::ContentMismatch | LedgerAnswer::AlreadyResolved(_) => {}
                LedgerAnswer::OutOfRange => {
                    return Err(Fault::not_done("ledger", FaultKind::Rejected, "a balance would leave its range"));
                }
                other => unreachable!("a hold is never answered {other:?}"),
            }
        }
        Err(Fault::not_done("ledger", FaultKind::Conflict, "no number was free for another hold of the group"))
    }

    async fn newest_hold(&self, order: &Order) -> Result<Option<HoldRecord>, Fault> {
        Ok(self.inner.ports.ledger.holds(&[(order.tenant, order.group.clone())]).await?.pop().flatten())
    }

    /// What the order's part of a hold claimed. A quota is judged by the limit that holds now.
    async fn demands_of(&self, order: &Order, id: &HoldId) -> Result<Vec<Demand>, Fault> {
        let ledger = &self.inner.ports.ledger;
        let part = order.part();
        let hold = ledger.hold(order.tenant, id).await?;
        let lines: Vec<HoldLine> =
            hold.into_iter().flat_map(|hold| hold.lines).filter(|line| line.part == part).collect();
        let account_nos: Vec<i64> = lines.iter().map(|line| line.account_no).collect();
        let accounts = ledger.accounts_by_no(&account_nos).await?;
        let demand = |line: &HoldLine| {
            let account = accounts.iter().find(|account| account.account_no == line.account_no)?.key.clone();
            let limit = match &account {
                AccountKey::Stock(_) => None,
                AccountKey::Quota(quota) => self.sku(order.tenant, &quota.sku).and_then(|sku| sku.quota_per_buyer),
            };
            Some(Demand { part: part.clone(), account, quantity: Quantity::from_stored(line.quantity), limit })
        };
        let demands: Vec<Demand> = lines.iter().filter_map(demand).collect();
        if demands.len() != lines.len() || demands.is_empty() {
            let message = format!("the hold of order {} names an account that is not there, or none", order.no);
            return Err(Fault::not_done("ledger", FaultKind::Schema, message));
        }
        Ok(demands)
    }
}

fn content(order: &Order, n: i32) -> Fingerprint {
    let (order_no, version) = (order.no.as_str().as_bytes(), order.version.0.to_be_bytes());
    Fingerprint::of(&[b"hold again", order_no, &version, &n.to_be_bytes()])
}

/// Whether a hold was taken again for this very order, and is open.
fn is_own(order: &Order, newest: &HoldRecord) -> bool {
    newest.id.n > order.hold_n
        && newest.order_nos.iter().all(|(_, order_no)| *order_no == order.no)
        && newest.part(&order.part()) == Some(PartState::Held)
}
