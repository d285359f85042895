//! Orders as this process wrote them last: what settles a moment later need not read them again.
//!
//! An order and its event are one transaction, so an order that is as new as its newest event in a page of the feed is the one
//! that a read would have found when the page was read. Whatever is not here, or is older, is read.

use std::collections::{HashMap, VecDeque};

use holdline_domain::id::Version;
use holdline_domain::order::Order;
use parking_lot::Mutex;

use super::OrderRef;

/// What all kept orders have together, at most: some 30,000 usual ones, by which settlement may be behind whoever writes.
const BYTES_MAX: usize = 32 << 20;
/// Orders that came and whose place is remembered, at most.
const PLACES_MAX: usize = 32 << 10;

/// The orders, each until it is taken, or until too many others have come. Those of which another process saw the event first are
/// forgotten so.
pub(crate) struct Written {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// With about how many bytes each has.
    orders: HashMap<OrderRef, (Order, usize)>,
    /// Of all orders.
    bytes: usize,
    /// As they came; an order that was taken meanwhile has its place until those before it are gone.
    arrivals: VecDeque<OrderRef>,
}

impl Kept {
    fn remove(&mut self, order: &OrderRef) -> Option<Order> {
        let (order, bytes) = self.orders.remove(order)?;
        self.bytes -= bytes;
        Some(order)
    }

    /// Whether the oldest place is of no use, or one too many.
    fn oldest_goes(&self) -> bool {
        let taken = |oldest| !self.orders.contains_key(oldest);
        self.bytes > BYTES_MAX || self.arrivals.len() > PLACES_MAX || self.arrivals.front().is_some_and(taken)
    }
}

impl Written {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::new(Kept::default()) }
    }

    /// Keeps an order of about so many bytes as it was just written.
    pub(crate) fn put(&self, order: &Order, bytes: usize) {
        let key = (order.tenant, order.no.clone());
        let mut kept = self.kept.lock();
        if kept.remove(&key).is_none() {
            kept.arrivals.push_back(key.clone());
        }
        kept.bytes += bytes;
        kept.orders.insert(key, (order.clone(), bytes));
        while kept.oldest_goes()
            && let Some(oldest) = kept.arrivals.pop_front()
        {
            kept.remove(&oldest);
        }
    }

    /// Takes the order out, if it is at least as new as `version`.
    pub(super) fn take(&self, order: &OrderRef, version: Version) -> Option<Order> {
        self.kept.lock().remove(order).filter(|order| order.version >= version)
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
        written.put(&order(1, 2), 600);
        written.put(&order(1, 3), 500);
        assert_eq!(written.kept.lock().bytes, 500);
        assert_eq!(written.take(&key(1), Version(3)), Some(order(1, 3)));
        assert_eq!(written.take(&key(1), Version(3)), None);
        written.put(&order(1, 3), 500);
        assert_eq!(written.take(&key(1), Version(4)), None, "somebody else wrote it since");
        assert_eq!(written.kept.lock().bytes, 0);
    }

    #[test]
    fn the_oldest_are_forgotten_where_they_are_too_large_together() {
        let written = Written::new();
        let (mebibyte, fit) = (1 << 20, BYTES_MAX >> 20);
        (0..=fit).for_each(|number| written.put(&order(number, 1), mebibyte));
        assert_eq!(written.take(&key(0), Version(1)), None);
        assert!((1..=fit).all(|number| written.take(&key(number), Version(1)).is_some()));
    }

    #[test]
    fn places_are_bounded_whether_orders_are_taken_or_not() {
        let written = Written::new();
        (0..=PLACES_MAX).for_each(|number| written.put(&order(number, 1), 1));
        assert_eq!(written.take(&key(0), Version(1)), None);
        assert!((1..=PLACES_MAX).all(|number| written.take(&key(number), Version(1)).is_some()));
        written.put(&order(0, 1), 1);
        assert_eq!(written.kept.lock().arrivals.len(), 1, "those of the orders that were taken are gone");
        // One that nobody takes, and others behind it that are.
        for number in 1..=2 * PLACES_MAX {
            written.put(&order(number, 1), 1);
            assert!(written.take(&key(number), Version(1)).is_some());
        }
        assert!(written.kept.lock().arrivals.len() <= PLACES_MAX);
    }
}
