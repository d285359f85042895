//! Orders whose hold the ledger does not have: an older ledger beside newer orders.

use holdline_domain::fault::Fault;
use holdline_domain::id::{Fingerprint, Quantity, Reference};
use holdline_domain::ledger::{AccountKey, Demand, LedgerAnswer, LedgerRequest, Shortage, ShortageCause, StockKey};
use holdline_domain::order::{GroupState, Order};
use holdline_domain::tenant::CommitOn;

use super::order::id_of;
use super::{Verdict, Walk};

/// Whether units are put on hand or taken away again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Made,
    TakenAway,
}

impl Walk<'_, '_> {
    /// Takes the hold of the order's whole group again, from the lines of its orders. Where stock is short, room is made and
    /// taken away again by force: the ledger then says itself by how much more was sold than there is. Quotas of buyers
    /// are not claimed again: orders do not say them.
    pub(super) async fn retake(&mut self, order: &Order, commit_on: CommitOn) -> Result<(), Fault> {
        let what =
            format!("order {} is {}, but the ledger does not know its hold {}", order.no, order.status, order.hold_n);
        let group = self.of.orders.submits(&[(order.tenant, order.group.clone())]).await?.pop();
        let group = group.and_then(|submit| submit.group);
        let Some((GroupState::Placed { order_nos }, Some(content))) = group.map(|group| (group.state, group.content))
        else {
            self.tell(Verdict::Mismatch, &format!("{what}, and no placed group names the order"));
            return Ok(());
        };
        if !self.of.repair {
            self.tell(Verdict::Mismatch, &what);
            return Ok(());
        }
        let of_group = self.of.orders.orders(order.tenant, &order_nos).await?;
        let of_hold: Vec<Order> = of_group.into_iter().flatten().filter(|one| one.hold_n == order.hold_n).collect();
        let request = hold_request(order, &of_hold, content);
        let mut answer = self.send(request.clone()).await?;
        if let LedgerAnswer::Insufficient(shortages) = &answer {
            let short = shortages.clone();
            if short.iter().any(|shortage| shortage.cause != ShortageCause::Stock) {
                self.tell(Verdict::Mismatch, &format!("{what}: {} is marked as sold out", short[0].sku));
                return Ok(());
            }
            self.make_room(order, &short, Room::Made).await?;
            answer = self.send(request).await?;
            self.make_room(order, &short, Room::TakenAway).await?;
        }
        let LedgerAnswer::Held(hold) = answer else {
            self.tell(Verdict::Mismatch, &format!("{what}, and it cannot be taken again"));
            return Ok(());
        };
        self.tell(Verdict::Repaired, &format!("{what}: taken again as hold {}", hold.hold_no));
        Box::pin(self.compare(order, &hold, commit_on)).await
    }

    async fn make_room(&mut self, order: &Order, short: &[Shortage], room: Room) -> Result<(), Fault> {
        for Shortage { sku, requested, available, .. } in short {
            let units = requested - available;
            let (delta, word) = if room == Room::Made { (units, "room") } else { (-units, "room-back") };
            let reference = Reference::from_stored(format!("{}/{word}", order.no));
            let what = format!("order {}: {delta:+} of {sku} under {reference}, as stock was short", order.no);
            let account = AccountKey::Stock(StockKey::of(sku.clone()));
            let request = LedgerRequest::Adjust { tenant: order.tenant, account, delta, reference, force: true };
            let verdict = match self.send(request).await? {
                LedgerAnswer::Adjusted(_) | LedgerAnswer::AlreadyAdjusted(_) => Verdict::Repaired,
                _ => Verdict::Mismatch,
            };
            self.tell(verdict, &what);
        }
        Ok(())
    }
}

fn hold_request(order: &Order, of_hold: &[Order], content: Fingerprint) -> LedgerRequest {
    let demands_of = |order: &Order| {
        let part = order.part();
        let demand = |line: &holdline_domain::order::OrderLine| Demand {
            part: part.clone(),
            account: AccountKey::Stock(StockKey::of(line.sku.clone())),
            quantity: Quantity::from_stored(line.quantity.units()),
            limit: None,
        };
        order.lines.iter().map(demand).collect::<Vec<_>>()
    };
    LedgerRequest::Hold {
        tenant: order.tenant,
        id: id_of(order),
        content,
        order_nos: of_hold.iter().map(|order| (order.seller.clone(), order.no.clone())).collect(),
        demands: of_hold.iter().flat_map(demands_of).collect(),
    }
}
