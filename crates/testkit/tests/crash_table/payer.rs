//! What the table of paying needs of the scene: attempts, buyers who pay, and what the books say in the end.

use std::time::Duration;

use holdline_app::{App, PayRequest, PayScope, RefundRequest};
use holdline_domain::id::{ClientId, IdempotencyKey};
use holdline_domain::money::Minor;
use holdline_domain::order::{Order, OrderNo, OrderStatus, PaymentStatus};
use holdline_domain::payment::{Attempt, PaymentNo, RefundState};
use holdline_domain::port::{LifeStore as _, OrderStore as _};

use crate::scene::{PAY_WITHIN_MS, Scene, provider};

/// What the order's total is.
pub(crate) const TOTAL: i64 = 1_000;
/// Long enough for every follow-up: the longest pause before a deadline, and the deadline.
pub(crate) const SETTLED: Duration = Duration::from_millis(PAY_WITHIN_MS.unsigned_abs() + 60_000);

impl Scene {
    /// Places an order on the first process.
    pub(crate) async fn placed(&self) -> OrderNo {
        self.first.0.place(self.submit()).await.expect("calm").orders[0].no.clone()
    }

    pub(crate) fn wish(&self, order_no: &OrderNo, key: &str) -> PayRequest {
        PayRequest {
            tenant: self.tenant,
            client: ClientId::from_stored("web"),
            key: IdempotencyKey::try_new(key).expect("a key"),
            scope: PayScope::Order(order_no.clone()),
            buyer: None,
            provider: provider(),
            method: None,
            return_url: None,
        }
    }

    /// Opens an attempt on the first process, which dies on the way.
    pub(crate) async fn dies_paying(&self, order_no: &OrderNo, key: &str) {
        let (app, wish) = (self.first.0.clone(), self.wish(order_no, key));
        let client = tokio::spawn(async move { app.open_payment(wish).await.map(drop) });
        self.until_dead().await;
        client.abort();
    }

    /// A paid order on the first process.
    pub(crate) async fn paid(&self) -> OrderNo {
        let order_no = self.placed().await;
        let (attempt, _) = self.first.0.open_payment(self.wish(&order_no, "a")).await.expect("calm");
        self.pays(&attempt.id.to_string(), &self.first.0, true).await;
        while self.order(&order_no).await.status != OrderStatus::Confirmed {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        order_no
    }

    /// The buyer pays at the center, and the callback reaches `app` or is lost.
    pub(crate) async fn pays(&self, payment: &str, app: &App, told: bool) {
        let callback = self.center.pay(payment, None, true).expect("the center knows it");
        if told {
            let tenant = app.tenant(self.tenant).expect("loaded").name.clone();
            app.take_callback(&tenant, &provider(), callback).await.expect("calm");
        }
    }

    pub(crate) async fn order(&self, order_no: &OrderNo) -> Order {
        let reader = self.databases.process("reader");
        let orders = self.databases.orders(&reader).orders(self.tenant, std::slice::from_ref(order_no)).await;
        orders.expect("calm").pop().flatten().expect("it is placed")
    }

    pub(crate) async fn attempts(&self, order_no: &OrderNo) -> Vec<Attempt> {
        let reader = self.databases.process("reader");
        let payment = PaymentNo::of_order(order_no);
        self.databases.orders(&reader).attempts(self.tenant, &[payment]).await.expect("calm")
    }

    /// The order is paid, once, and nothing went back.
    pub(crate) async fn ends_paid(&self, order_no: &OrderNo) {
        tokio::time::sleep(SETTLED).await;
        let order = self.order(order_no).await;
        assert_eq!((order.status, order.payment), (OrderStatus::Confirmed, PaymentStatus::Paid));
        assert_eq!((order.life.captured, self.captured(), self.went_back()), (Minor(TOTAL), TOTAL, 0));
    }

    pub(crate) fn captured(&self) -> i64 {
        self.center.book().payments.values().map(|payment| payment.captured.0).sum()
    }

    /// What went back at the center; every refund of it succeeded.
    pub(crate) fn went_back(&self) -> i64 {
        let book = self.center.book();
        assert!(book.refunds.values().all(|(_, _, succeeded)| *succeeded), "{:?}", book.refunds);
        book.refunds.values().map(|(_, amount, _)| amount.0).sum()
    }

    /// The order's one refund succeeded, once.
    pub(crate) async fn ends_refunded(&self, order_no: &OrderNo, amount: i64) {
        tokio::time::sleep(SETTLED).await;
        let attempt = self.attempts(order_no).await.pop().expect("it was tried");
        let reader = self.databases.process("reader");
        let refunds = self.databases.orders(&reader).refunds(self.tenant, &[attempt.id]).await.expect("calm");
        let states: Vec<RefundState> = refunds.iter().map(|refund| refund.state).collect();
        assert_eq!((states, self.went_back()), (vec![RefundState::Succeeded], amount));
    }

    /// The id that the first attempt at an order has.
    pub(crate) fn first_attempt(order_no: &OrderNo) -> String {
        format!("P{order_no}-1")
    }

    pub(crate) fn refund(&self, order_no: &OrderNo) -> RefundRequest {
        RefundRequest {
            tenant: self.tenant,
            client: ClientId::from_stored("web"),
            key: IdempotencyKey::try_new("r").expect("a key"),
            order_no: order_no.clone(),
            amount: Some(Minor(300)),
            lines: Vec::new(),
            note: None,
        }
    }
}
