//! Each order against its part of the hold.

use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::fulfillment::ended_reference;
use holdline_domain::id::{GroupKey, Quantity, Reference, TenantId};
use holdline_domain::ledger::{HoldId, HoldLine, HoldRecord, LedgerAnswer, LedgerRequest, PartState, Resolution};
use holdline_domain::order::{Order, OrderNo};
use holdline_domain::tenant::{CommitOn, Tenant};

use super::{Verdict, Walk};
use crate::settlement::resolution;

impl Walk<'_, '_> {
    pub(super) async fn compare_orders(&mut self, tenant: &Tenant, numbers: &[OrderNo]) -> Result<(), Fault> {
        let orders: Vec<Order> = self.of.orders.orders(tenant.id, numbers).await?.into_iter().flatten().collect();
        let keys: Vec<(TenantId, GroupKey)> = orders.iter().map(|order| (order.tenant, order.group.clone())).collect();
        let holds = self.of.ledger.holds(&keys).await?;
        for (order, newest) in orders.iter().zip(holds) {
            self.saw_number(&order.no);
            let hold = match newest {
                Some(hold) if hold.id.n != order.hold_n => self.of.ledger.hold(order.tenant, &id_of(order)).await?,
                // A hold that an order of the same group just had taken again.
                None => self.of.ledger.hold(order.tenant, &id_of(order)).await?,
                found => found,
            };
            match hold {
                None => self.retake(order, tenant.commit_on).await?,
                Some(hold) => self.compare(order, &hold, tenant.commit_on).await?,
            }
        }
        Ok(())
    }

    /// One order and its hold.
    pub(super) async fn compare(&mut self, order: &Order, hold: &HoldRecord, commit_on: CommitOn) -> Result<(), Fault> {
        let wanted = resolution(order, commit_on);
        let status = order.status;
        let (no, hold_no) = (&order.no, hold.hold_no);
        match (hold.part(&order.part()), wanted) {
            (None, _) => {
                self.tell(Verdict::Mismatch, &format!("order {no} is {status}, but hold {hold_no} has no part for it"));
            }
            (Some(PartState::Held), None)
            | (Some(PartState::Committed), Some(Resolution::Commit))
            | (Some(PartState::Released), Some(Resolution::Release)) => {}
            (Some(PartState::Held), Some(resolution)) => {
                let ends = if resolution == Resolution::Commit { "committed" } else { "released" };
                let what = format!("order {no} is {status}, but its part of hold {hold_no} was held: {ends}");
                let request = LedgerRequest::Resolve {
                    tenant: order.tenant,
                    id: id_of(order),
                    part: Some(order.part()),
                    resolution,
                };
                self.put_right(order, request, &what).await?;
            }
            (Some(PartState::Committed), Some(Resolution::Release)) => self.give_back(order, hold).await?,
            (Some(PartState::Committed), None) => {
                self.tell(
                    Verdict::Mismatch,
                    &format!("order {no} is {status}, but its part of hold {hold_no} was sold"),
                );
            }
            (Some(PartState::Released), Some(Resolution::Commit) | None) => {
                self.tell(
                    Verdict::Mismatch,
                    &format!("order {no} is {status}, but its part of hold {hold_no} was given back"),
                );
            }
        }
        Ok(())
    }

    fn is_late(&self, order: &Order) -> bool {
        self.late.contains(&(order.tenant, order.no.clone()))
    }

    async fn put_right(&mut self, order: &Order, request: LedgerRequest, what: &str) -> Result<(), Fault> {
        let is_late = self.is_late(order);
        if !is_late && !self.of.repair {
            self.tell(Verdict::Mismatch, what);
            return Ok(());
        }
        let done = matches!(self.send(request).await?, LedgerAnswer::Committed | LedgerAnswer::Released);
        let verdict = match (done, is_late) {
            (true, true) => Verdict::Settled,
            (true, false) => Verdict::Repaired,
            (false, _) => Verdict::Mismatch,
        };
        self.tell(verdict, what);
        Ok(())
    }

    /// The order ended after its goods were sold: its units go back, under the reference that only this end has. Whether
    /// they have gone back already only that reference tells; without repair the audit judges it.
    async fn give_back(&mut self, order: &Order, hold: &HoldRecord) -> Result<(), Fault> {
        let is_late = self.is_late(order);
        if !is_late && !self.of.repair {
            return Ok(());
        }
        let part = order.part();
        let lines: Vec<&HoldLine> = hold.lines.iter().filter(|line| line.part == part).collect();
        let account_nos: Vec<i64> = lines.iter().map(|line| line.account_no).collect();
        for account in self.of.ledger.accounts_by_no(&account_nos).await? {
            let of_account = lines.iter().filter(|line| line.account_no == account.account_no);
            let units = of_account.map(|line| line.quantity).sum();
            let reference: Reference = ended_reference(order, order.hold_n);
            let what = format!(
                "order {} is {}, but {units} of {} stayed sold: given back under {reference}",
                order.no,
                order.status,
                account.key.sku()
            );
            let quantity = Quantity::from_stored(units);
            let request = LedgerRequest::Unallocate { tenant: order.tenant, account: account.key, quantity, reference };
            match self.send(request).await? {
                LedgerAnswer::AlreadyUnallocated => {}
                LedgerAnswer::Unallocated if is_late => self.tell(Verdict::Settled, &what),
                LedgerAnswer::Unallocated => self.tell(Verdict::Repaired, &what),
                _ => self.tell(Verdict::Mismatch, &what),
            }
        }
        Ok(())
    }

    /// One request, alone: a restore is no hot path, and its order is told line by line.
    pub(super) async fn send(&self, request: LedgerRequest) -> Result<LedgerAnswer, Fault> {
        let mut answers = self.of.ledger.apply(Arc::new([request])).await?;
        Ok(answers.pop().expect("a ledger answers every request of a batch"))
    }
}

pub(super) fn id_of(order: &Order) -> HoldId {
    HoldId { key: order.group.clone(), n: order.hold_n }
}
