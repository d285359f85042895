//! Each order against its part of the hold.

use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::id::{GroupKey, TenantId};
use holdline_domain::ledger::{HoldId, HoldRecord, LedgerAnswer, LedgerRequest, PartState, Resolution};
use holdline_domain::order::{Order, OrderNo};
use holdline_domain::tenant::{CommitOn, Tenant};

use super::{Verdict, Walk};
use crate::settlement::{claims, movements, resolution};

impl Walk<'_, '_> {
    pub(super) async fn compare_orders(&mut self, tenant: &Tenant, numbers: &[OrderNo]) -> Result<(), Fault> {
        let orders: Vec<Order> = self.of.orders.orders(tenant.id, numbers).await?.into_iter().flatten().collect();
        let keys: Vec<(TenantId, GroupKey)> = orders.iter().map(|order| (order.tenant, order.group.clone())).collect();
        let holds = self.of.ledger.holds(&keys).await?;
        for (order, newest) in orders.iter().zip(holds) {
            self.saw_number(&order.no);
            for n in 1..order.hold_n {
                self.compare_former(order, n).await?;
            }
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
            (Some(PartState::Held), None) | (Some(PartState::Released), Some(Resolution::Release)) => {}
            (Some(PartState::Held), Some(resolution)) => {
                let ends = if resolution == Resolution::Commit { "committed" } else { "released" };
                let what = format!("order {no} is {status}, but its part of hold {hold_no} was held: {ends}");
                let is_right = self.resolve(order, order.hold_n, resolution, &what).await?;
                if is_right && resolution == Resolution::Commit {
                    self.compare_goods(order, resolution).await?;
                }
            }
            (Some(PartState::Committed), Some(resolution)) => self.compare_goods(order, resolution).await?,
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

    /// A hold that the order had before its present one: its part must have been given back.
    async fn compare_former(&mut self, order: &Order, n: i32) -> Result<(), Fault> {
        let id = HoldId { key: order.group.clone(), n };
        let Some(hold) = self.of.ledger.hold(order.tenant, &id).await? else { return Ok(()) };
        let hold_no = hold.hold_no;
        match hold.part(&order.part()) {
            None | Some(PartState::Released) => Ok(()),
            Some(PartState::Held) => {
                let what = format!(
                    "order {} has hold number {}, but its part of the former hold {hold_no} was held: released",
                    order.no, order.hold_n
                );
                self.resolve(order, n, Resolution::Release, &what).await.map(drop)
            }
            Some(PartState::Committed) => {
                let claims = claims(self.of.ledger, order, n).await?;
                self.move_goods(order, claims.into_iter().map(|claim| claim.given_back(order, n)).collect()).await
            }
        }
    }

    fn is_late(&self, order: &Order) -> bool {
        self.late.contains(&(order.tenant, order.no.clone()))
    }

    fn may_write(&self, order: &Order) -> bool {
        self.of.repair || self.is_late(order)
    }

    fn written(&self, order: &Order) -> Verdict {
        if self.is_late(order) { Verdict::Settled } else { Verdict::Repaired }
    }

    /// Ends the order's part of its hold `n`, if that may be written. True: it has ended so.
    async fn resolve(&mut self, order: &Order, n: i32, resolution: Resolution, what: &str) -> Result<bool, Fault> {
        if !self.may_write(order) {
            self.tell(Verdict::Mismatch, what);
            return Ok(false);
        }
        let id = HoldId { key: order.group.clone(), n };
        let request = LedgerRequest::Resolve { tenant: order.tenant, id, part: Some(order.part()), resolution };
        let is_right = matches!(self.send(request).await?, LedgerAnswer::Committed | LedgerAnswer::Released);
        self.tell(if is_right { self.written(order) } else { Verdict::Mismatch }, what);
        Ok(is_right)
    }

    /// The goods of an order whose part was sold: shipped, taken off, returned, or back for sale since it ended.
    async fn compare_goods(&mut self, order: &Order, resolution: Resolution) -> Result<(), Fault> {
        let movements = movements(self.of.ledger, self.of.life, order, resolution).await?;
        self.move_goods(order, movements).await
    }

    /// Tells the ledger what it does not know. Whether it knows only its references say; where nothing may be written, the
    /// audit judges it.
    async fn move_goods(&mut self, order: &Order, movements: Vec<LedgerRequest>) -> Result<(), Fault> {
        if !self.may_write(order) {
            return Ok(());
        }
        for request in movements {
            let what =
                format!("order {} is {}, but the ledger was not told: {}", order.no, order.status, said(&request));
            match self.send(request).await? {
                LedgerAnswer::AlreadyShipped | LedgerAnswer::AlreadyUnallocated | LedgerAnswer::AlreadyAdjusted(_) => {}
                LedgerAnswer::Shipped | LedgerAnswer::Unallocated | LedgerAnswer::Adjusted(_) => {
                    self.tell(self.written(order), &what);
                }
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

/// A movement of goods in words.
fn said(request: &LedgerRequest) -> String {
    match request {
        LedgerRequest::Ship { account, quantity, reference, .. } => {
            format!("{} of {} shipped under {reference}", quantity.units(), account.sku())
        }
        LedgerRequest::Unallocate { account, quantity, reference, .. } => {
            format!("{} of {} given back under {reference}", quantity.units(), account.sku())
        }
        LedgerRequest::Adjust { account, delta, reference, .. } => {
            format!("{delta:+} of {} under {reference}", account.sku())
        }
        other => format!("{other:?}"),
    }
}
