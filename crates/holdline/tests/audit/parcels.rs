//! Goods that were paid for: they leave, arrive, and some come back.

use holdline_domain::fulfillment::{LineQuantity, Return, ReturnState, Shipment, ShipmentState};
use holdline_domain::id::{Fingerprint, Version};
use holdline_domain::ledger::LedgerRequest;
use holdline_domain::money::Minor;
use holdline_domain::order::change::Satellite;
use holdline_domain::order::{EventKind, FulfillmentStatus, Order};
use holdline_domain::time::UnixMillis;

use super::shop::{Mall, Placed, Shop, reference, stock_of, units};

impl Shop {
    /// All of an order leaves, arrives, is received; one unit comes back and may be sold again.
    pub(crate) async fn shipped_and_returned(&mut self, mall: &Mall) {
        let (placed, _) = self.one_paid(mall, "payer-2", &[("kettle", 2)]).await;
        let order = self.stored(&placed).await.remove(0);
        let (tenant, lines) = (order.tenant, vec![LineQuantity { line_no: 1, quantity: 2 }]);
        let mut shipment = Shipment {
            tenant,
            order_no: order.no.clone(),
            n: 1,
            version: Version::FIRST,
            lines,
            carrier: None,
            tracking: None,
            state: ShipmentState::Shipped,
            request: Fingerprint([1; 32]),
            shipped: UnixMillis::default(),
            delivered: None,
        };
        let left = Order { fulfillment: FulfillmentStatus::Shipped, version: order.version.next(), ..order };
        let satellites = vec![Satellite::Shipment(Box::new(shipment.clone()))];
        self.write(vec![left.clone()], EventKind::Shipped, satellites, tenant).await;
        let (account, reference) = (stock_of("kettle"), reference(&format!("{}/shipment/1", left.no)));
        let ship = LedgerRequest::Ship { tenant, account, quantity: units(2), reference };
        self.ledger(vec![ship]).await;
        let mut arrived =
            Order { fulfillment: FulfillmentStatus::Delivered, version: left.version.next(), ..left.clone() };
        arrived.life.delivered = Some(UnixMillis::default());
        (shipment.state, shipment.delivered) = (ShipmentState::Delivered, Some(UnixMillis::default()));
        shipment.version = shipment.version.next();
        let satellites = vec![Satellite::Shipment(Box::new(shipment))];
        self.write(vec![arrived], EventKind::Delivered, satellites, tenant).await;
        let received = self.stored(&placed).await[0].received().expect("it has arrived");
        self.write(vec![received], EventKind::Completed, Vec::new(), tenant).await;
        self.returned(&placed).await;
    }

    /// A unit comes back and may be sold again.
    async fn returned(&self, placed: &Placed) {
        let completed = self.stored(placed).await.remove(0);
        let (tenant, order_no) = (completed.tenant, completed.no.clone());
        let back = vec![LineQuantity { line_no: 1, quantity: 1 }];
        let returned = Return {
            tenant,
            order_no: order_no.clone(),
            n: 1,
            version: Version::FIRST,
            lines: back.clone(),
            state: ReturnState::Received,
            reason: None,
            amount: Minor::ZERO,
            restocked: back,
            refund_n: None,
            request: Fingerprint([2; 32]),
            requested: UnixMillis::default(),
            decided: Some(UnixMillis::default()),
        };
        let returning =
            Order { fulfillment: FulfillmentStatus::PartiallyReturned, version: completed.version.next(), ..completed };
        let satellites = vec![Satellite::Return(Box::new(returned))];
        self.write(vec![returning], EventKind::ReturnChanged, satellites, tenant).await;
        let (account, reference) = (stock_of("kettle"), reference(&format!("{order_no}/return/1")));
        self.ledger(vec![LedgerRequest::Adjust { tenant, account, delta: 1, reference, force: false }]).await;
    }
}
