//! What clients did and what they were told: the judge's evidence from outside.

use std::collections::{BTreeMap, BTreeSet};

use holdline_domain::fulfillment::{Return, Shipment};
use holdline_domain::id::{BuyerId, GroupKey, TenantId};
use holdline_domain::order::{Order, OrderNo, OrderStatus};
use holdline_domain::payment::{Attempt as PayAttempt, Refund};
use holdline_domain::refusal::Refusal;
use parking_lot::Mutex;

/// One line of a submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedLine {
    /// The SKU's code.
    pub sku: String,
    /// Units.
    pub quantity: i64,
    /// The price that the buyer saw, in minor units.
    pub unit_price: i64,
}

/// How an attempt ended for its client.
#[derive(Debug, Clone)]
pub enum AttemptEnd {
    /// 201: these orders exist.
    Placed(Vec<Order>),
    /// 202: it will be decided, and its orders will have these numbers.
    Accepted(Vec<OrderNo>),
    /// A refusal.
    Refused(Refusal),
    /// The server was too busy and began nothing.
    Busy,
    /// No definite answer: a fault, or an unknown outcome.
    Failed(String),
    /// The client went away first.
    HungUp,
    /// The process died first.
    ProcessDied,
}

/// One submit as sent once. Times are true virtual milliseconds.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Whose.
    pub tenant: TenantId,
    /// Its key.
    pub key: GroupKey,
    /// Who buys.
    pub buyer: BuyerId,
    /// What.
    pub lines: Vec<WantedLine>,
    /// When it was sent.
    pub started_ms: i64,
    /// When its client knew.
    pub ended_ms: i64,
    /// What its client knew.
    pub end: AttemptEnd,
}

/// What a client was told of a submit that it had sent.
#[derive(Debug, Clone)]
pub struct Told {
    /// Whose.
    pub tenant: TenantId,
    /// Its key.
    pub key: GroupKey,
    /// How it ended: its orders, or the refusal.
    pub end: Result<Vec<Order>, Refusal>,
}

/// How an abandon ended.
#[derive(Debug, Clone)]
pub enum AbandonEnd {
    /// There will never be an order.
    Never,
    /// These orders existed before.
    Placed(Vec<Order>),
    /// The submit was refused before.
    Refused(Refusal),
    /// No definite answer.
    Failed,
}

/// One abandon.
#[derive(Debug, Clone)]
pub struct Abandon {
    /// Whose.
    pub tenant: TenantId,
    /// The submit's key.
    pub key: GroupKey,
    /// How it ended.
    pub end: AbandonEnd,
}

/// One cancel that was answered.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// The order.
    pub order_no: OrderNo,
    /// The order's status as the answer told: the cancelled order's, or the one that refused.
    pub told: OrderStatus,
    /// Whether it was a success.
    pub cancelled: bool,
}

/// One sight of an order.
#[derive(Debug, Clone)]
pub struct Read {
    /// The order.
    pub order_no: OrderNo,
    /// When it was asked for.
    pub started_ms: i64,
    /// When the answer came.
    pub ended_ms: i64,
    /// Its version.
    pub version: i64,
    /// Its status.
    pub status: OrderStatus,
}

/// What was done about money, and what was told of it.
#[derive(Debug, Clone, Default)]
pub struct MoneyBook {
    /// Attempts as they were told, by the key of the request.
    pub opened: Vec<(String, PayAttempt)>,
    /// Refunds as they were told, by the key of the request.
    pub refunds: Vec<(String, Refund)>,
    /// The keys of refunds that were asked for, by order.
    pub refunds_asked: BTreeMap<OrderNo, BTreeSet<String>>,
    /// Payments at the center of which it will never speak by itself.
    pub unspoken: BTreeSet<String>,
}

/// What was told of parcels and returns, by the key of the request.
#[derive(Debug, Clone, Default)]
pub struct GoodsBook {
    /// Parcels as they were told.
    pub shipments: Vec<(String, Shipment)>,
    /// Returns as they were told with each decision.
    pub returns: Vec<(String, Return)>,
}

/// Everything that clients saw.
#[derive(Debug, Default)]
pub struct Records {
    /// Locked for a push; owned by the simulation.
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    attempts: Vec<Attempt>,
    abandons: Vec<Abandon>,
    cancels: Vec<Cancel>,
    reads: Vec<Read>,
    told: Vec<Told>,
    money: MoneyBook,
    goods: GoodsBook,
}

impl Records {
    /// Records what was done about money.
    pub fn about_money(&self, record: impl FnOnce(&mut MoneyBook)) {
        record(&mut self.inner.lock().money);
    }

    /// Everything about money.
    pub fn money(&self) -> MoneyBook {
        self.inner.lock().money.clone()
    }

    /// Records what was told of goods.
    pub fn about_goods(&self, record: impl FnOnce(&mut GoodsBook)) {
        record(&mut self.inner.lock().goods);
    }

    /// Everything about goods.
    pub fn goods(&self) -> GoodsBook {
        self.inner.lock().goods.clone()
    }

    /// Records an attempt, and every order in its answer as seen.
    pub fn attempt(&self, attempt: Attempt) {
        if let AttemptEnd::Placed(orders) = &attempt.end {
            self.saw(orders, attempt.started_ms, attempt.ended_ms);
        }
        self.inner.lock().attempts.push(attempt);
    }

    /// Records what became of a submit, as its status told.
    pub fn told(&self, told: Told) {
        self.inner.lock().told.push(told);
    }

    /// Records an abandon.
    pub fn abandon(&self, abandon: Abandon) {
        self.inner.lock().abandons.push(abandon);
    }

    /// Records a cancel.
    pub fn cancel(&self, cancel: Cancel) {
        self.inner.lock().cancels.push(cancel);
    }

    /// Records orders that somebody saw.
    pub fn saw(&self, orders: &[Order], started_ms: i64, ended_ms: i64) {
        let read = |order: &Order| Read {
            order_no: order.no.clone(),
            started_ms,
            ended_ms,
            version: order.version.0,
            status: order.status,
        };
        self.inner.lock().reads.extend(orders.iter().map(read));
    }

    /// Every attempt.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.inner.lock().attempts.clone()
    }

    /// Every status that was final.
    pub fn all_told(&self) -> Vec<Told> {
        self.inner.lock().told.clone()
    }

    /// Every abandon.
    pub fn abandons(&self) -> Vec<Abandon> {
        self.inner.lock().abandons.clone()
    }

    /// Every cancel.
    pub fn cancels(&self) -> Vec<Cancel> {
        self.inner.lock().cancels.clone()
    }

    /// Every sight of an order.
    pub fn reads(&self) -> Vec<Read> {
        self.inner.lock().reads.clone()
    }
}
