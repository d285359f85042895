//! Orders as this process wrote them last: what settles a moment later need not read them again.
//!
//! An order and its event are one transaction, so an order that is as new as its newest event in a page of the feed is the one
//! that a read would have found when the page was read. Whatever is not here, or is older, is read.

use std::collections::{HashMap, VecDeque};

use holdline_domain::id::Version;
use holdline_domain::order::Order;
use parking_lot::Mutex;

use super::OrderRef;

/// Orders that are kept, at most: what a second writes. Those of which another process saw the event first are forgotten as
/// others come.
const KEPT_MAX: usize = 4_096;

/// The orders, each until it is taken, or until so many others have come.
pub(crate) struct Written {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    orders: HashMap<OrderRef, Order>,
    /// As they came; an order that was taken meanwhile still has its place.
    arrivals: VecDeque<OrderRef>,
}

impl Written {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::new(Kept::default()) }
    }

    /// Keeps an order as it was just written.
    pub(crate) fn put(&self, order: &Order) {
        let key = (order.tenant, order.no.clone());
        let mut kept = self.kept.lock();
        if kept.orders.insert(key.clone(), order.clone()).is_none() {
            kept.arrivals.push_back(key);
        }
        if kept.arrivals.len() > KEPT_MAX
            && let Some(oldest) = kept.arrivals.pop_front()
        {
            kept.orders.remove(&oldest);
        }
    }

    /// Takes the order out, if it is at least as new as `version`.
    pub(super) fn take(&self, order: &OrderRef, version: Version) -> Option<Order> {
        self.kept.lock().orders.remove(order).filter(|order| order.version >= version)
    }
}

#[cfg(test)]
mod tests {
    use holdline_domain::id::{BuyerId, ClientId, GroupKey, SellerId, TenantId};
    use holdline_domain::money::{Currency, Minor};
    use holdline_domain::order::{FulfillmentStatus, HoldAxis, Life, OrderNo, OrderStatus, PaymentStatus};
    use holdline_domain::time::UnixMillis;

    use super::*;

    fn order(number: usize, version: i64) -> Order {
        Order {
            tenant: TenantId(1),
            no: OrderNo::from_stored(format!("261129{number:021}")),
            group: GroupKey::from_stored("k"),
            hold_n: 1,
            client: ClientId::from_stored("web"),
            buyer: BuyerId::from_stored("ann"),
            seller: SellerId::from_stored("s"),
            channel: String::new(),
            status: OrderStatus::Expired,
            payment: PaymentStatus::Unpaid,
            fulfillment: FulfillmentStatus::Unfulfilled,
            hold: HoldAxis::Released,
            version: Version(version),
            currency: Currency::try_new("CNY").unwrap(),
            goods: Minor(100),
            freight: Minor::ZERO,
            discount: Minor::ZERO,
            total: Minor(100),
            lines: Vec::new(),
            adjustments: Vec::new(),
            address: None,
            note: None,
            created: UnixMillis(0),
            pay_deadline: UnixMillis(0),
            ended: None,
            life: Life::default(),
        }
    }

    fn key(number: usize) -> OrderRef {
        (TenantId(1), order(number, 1).no)
    }

    #[test]
    fn an_order_is_taken_once_as_it_was_written_last_and_only_if_it_is_as_new() {
        let written = Written::new();
        written.put(&order(1, 2));
        written.put(&order(1, 3));
        assert_eq!(written.take(&key(1), Version(3)), Some(order(1, 3)));
        assert_eq!(written.take(&key(1), Version(3)), None);
        written.put(&order(1, 3));
        assert_eq!(written.take(&key(1), Version(4)), None, "somebody else wrote it since");
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let written = Written::new();
        (0..=KEPT_MAX).for_each(|number| written.put(&order(number, 1)));
        assert_eq!(written.take(&key(0), Version(1)), None);
        assert!((1..=KEPT_MAX).all(|number| written.take(&key(number), Version(1)).is_some()));
        (0..KEPT_MAX).for_each(|number| written.put(&order(number, 2)));
        let kept = written.kept.lock();
        assert!(kept.orders.len() <= KEPT_MAX && kept.arrivals.len() == KEPT_MAX, "places are bounded, too");
    }
}
