//! Each hold without an order: the reaper's to find, or behind a fence.

use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::ledger::{HoldRecord, LedgerAnswer, LedgerRequest, PartState, Resolution};
use holdline_domain::order::change::Change;
use holdline_domain::order::{GroupState, OrderGroup};

use super::{PAGE, Verdict, Walk};

impl Walk<'_, '_> {
    pub(super) async fn follow_holds(&mut self) -> Result<(), Fault> {
        let reaped_to = self.of.ledger.reaper_cursor().await?;
        let mut cursor = 0;
        loop {
            let page = self.of.ledger.holds_after(cursor, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            cursor = last.hold.hold_no;
            // A hold that an outside caller took has no order to compare with.
            let ours = page.into_iter().map(|visit| visit.hold).filter(|hold| !hold.id.key.is_outside());
            let ours: Vec<HoldRecord> = ours.collect();
            let keys: Vec<_> = ours.iter().map(|hold| (hold.tenant, hold.id.key.clone())).collect();
            for (hold, submit) in ours.iter().zip(self.of.orders.submits(&keys).await?) {
                for (_, order_no) in &hold.order_nos {
                    self.saw_number(order_no);
                }
                // A promised submit that has not ended: whoever serves brings its end about, with this hold.
                if submit.acceptance.is_none() || submit.group.is_some() {
                    self.compare_hold(hold, submit.group, reaped_to).await?;
                }
            }
        }
    }

    async fn compare_hold(
        &mut self,
        hold: &HoldRecord,
        group: Option<OrderGroup>,
        reaped_to: i64,
    ) -> Result<(), Fault> {
        let fenced = match group.as_ref().map(|group| &group.state) {
            // Its orders were compared.
            Some(GroupState::Placed { .. }) => return Ok(()),
            Some(GroupState::Refused { .. } | GroupState::Abandoned) => true,
            None => false,
        };
        let hold_no = hold.hold_no;
        if hold.parts.iter().any(|(_, state)| *state == PartState::Committed) {
            self.tell(
                Verdict::Mismatch,
                &format!("hold {hold_no} was sold for an order that this store does not have"),
            );
            return Ok(());
        }
        let is_open = hold.is_open();
        // The reaper has yet to come; or everything is as it should be.
        if (is_open && hold_no > reaped_to) || (fenced && !is_open) {
            return Ok(());
        }
        let what = match (is_open, fenced) {
            (true, true) => format!("hold {hold_no} was open behind its fence: released"),
            (true, false) => format!("hold {hold_no} was open without an order: fenced and released"),
            (false, _) => format!("hold {hold_no} was given back without a fence: fenced"),
        };
        if !self.of.repair {
            self.tell(Verdict::Mismatch, &what);
            return Ok(());
        }
        if !fenced {
            let tombstone = OrderGroup::tombstone(hold.tenant, hold.id.key.clone(), None);
            self.of.orders.apply(Arc::new([Change::fence(tombstone)])).await?;
        }
        let resolution = Resolution::Release;
        let request = LedgerRequest::Resolve { tenant: hold.tenant, id: hold.id.clone(), part: None, resolution };
        let done = !is_open || self.send(request).await? == LedgerAnswer::Released;
        self.tell(if done { Verdict::Repaired } else { Verdict::Mismatch }, &what);
        Ok(())
    }
}
