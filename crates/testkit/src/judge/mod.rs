//! The judge: looks at the stored rows and at what clients were told, and says what must not be.
//!
//! It shares nothing with `holdline-domain` but ids and plain row types: its arithmetic, its idea of states and its
//! reading of order numbers are its own, and simpler. It knows the rules of DESIGN §4 to §9, not how they are kept.

mod clients;
mod goods;
mod holds;
mod ledger;
mod numbers;
mod orders;
mod outside;
mod payments;
mod periods;
mod promises;

use std::collections::BTreeMap;
use std::sync::Arc;

use holdline_domain::id::{GroupKey, TenantId};
use holdline_domain::ledger::HoldRecord;
use holdline_domain::order::{EventKind, GroupState, Order, OrderNo, OrderStatus};
use holdline_domain::time::UnixMillis;

use crate::model::{CatalogRows, LedgerRows, ModelBook, OrderRows, StoredGroup, StoredHold};
use crate::sim::records::{Abandon, Attempt, Cancel, GoodsBook, MoneyBook, Read, Told};
use crate::sim::scenario::Scenario;
use crate::sim::takers::TakerBook;

/// What the judge is given.
pub struct Evidence {
    /// Every row of the ledger.
    pub ledger: LedgerRows,
    /// Every row of orders.
    pub orders: OrderRows,
    /// Every version of the catalog.
    pub catalog: CatalogRows,
    /// What the payment center captured and gave back.
    pub center: ModelBook,
    /// Every submit that was sent.
    pub attempts: Vec<Attempt>,
    /// Every abandon that was answered.
    pub abandons: Vec<Abandon>,
    /// Every cancel that was answered.
    pub cancels: Vec<Cancel>,
    /// Every sight of an order.
    pub reads: Vec<Read>,
    /// What clients were told of submits that they had sent before.
    pub told: Vec<Told>,
    /// What was done about money, and told of it.
    pub money: MoneyBook,
    /// What was told of parcels and returns.
    pub goods: GoodsBook,
    /// What takers of outside holds decided and were told.
    pub takers: TakerBook,
    /// Whether every call of a buyer ended.
    pub all_answered: bool,
    /// What tasks panicked with.
    pub panics: Vec<String>,
    /// When anything was wrong, from and to, in true virtual milliseconds.
    pub disturbances: Vec<(i64, i64)>,
    /// The clock of the orders database at the end.
    pub shard_now: UnixMillis,
    /// Whether any clock jumped beyond its guard: an alarm, under which a process may show old statuses.
    pub clocks_jumped: bool,
    /// Whether a process had no reason to doubt a jump of all clocks: then deadlines mean less than they say.
    pub jump_believed: bool,
    /// Whether every deadline and every follow-up has had its time: then nothing is on its way any more.
    pub settled_for_good: bool,
    /// What the run was about.
    pub scenario: Arc<Scenario>,
}

/// Something that must not be.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Which rule.
    pub rule: &'static str,
    /// What shows it.
    pub evidence: String,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn found(&mut self, rule: &'static str, evidence: impl Into<String>) {
        self.0.push(Violation { rule, evidence: evidence.into() });
    }

    fn unless(&mut self, holds: bool, rule: &'static str, evidence: impl FnOnce() -> String) {
        if !holds {
            self.found(rule, evidence());
        }
    }
}

/// Judges a finished run.
pub fn judge(evidence: &Evidence) -> Vec<Violation> {
    let mut findings = Findings::default();
    for panic in &evidence.panics {
        findings.found("no_panic", panic.clone());
    }
    findings.unless(evidence.all_answered, "every_call_ends", || "a buyer waits for ever".to_owned());
    ledger::judge(evidence, &mut findings);
    holds::judge(evidence, &mut findings);
    outside::judge(evidence, &mut findings);
    periods::judge(evidence, &mut findings);
    orders::judge(evidence, &mut findings);
    numbers::judge(evidence, &mut findings);
    clients::judge(evidence, &mut findings);
    promises::judge(evidence, &mut findings);
    payments::judge(evidence, &mut findings);
    goods::judge(evidence, &mut findings);
    findings.0
}

impl Evidence {
    fn group(&self, tenant: TenantId, key: &GroupKey) -> Option<&StoredGroup> {
        self.orders.groups.get(&(tenant, key.clone()))
    }

    fn placed(&self, tenant: TenantId, key: &GroupKey) -> Option<&[OrderNo]> {
        match &self.group(tenant, key)?.group.state {
            GroupState::Placed { order_nos } => Some(order_nos),
            GroupState::Refused { .. } | GroupState::Abandoned => None,
        }
    }

    /// The holds of each key.
    fn holds_by_key(&self) -> BTreeMap<(TenantId, &GroupKey), Vec<&StoredHold>> {
        let mut by_key: BTreeMap<_, Vec<&StoredHold>> = BTreeMap::new();
        for stored in self.ledger.holds.values() {
            by_key.entry((stored.hold.tenant, &stored.hold.id.key)).or_default().push(stored);
        }
        by_key
    }

    /// Whether nothing at all was wrong between two instants.
    fn was_calm(&self, from_ms: i64, to_ms: i64) -> bool {
        self.disturbances.iter().all(|(from, to)| *to < from_ms || *from > to_ms)
    }
}

impl Evidence {
    /// Whether late money brought the order back to life after it had expired.
    fn was_revived(&self, no: &OrderNo) -> bool {
        let mut events = self.orders.events.iter().map(|stored| &stored.event).filter(|event| event.order_no == *no);
        events.any(|event| event.kind == EventKind::Expired) && events.any(|event| event.kind == EventKind::Confirmed)
    }
}

/// Units of a line that are no longer allocated to its order.
#[derive(Debug, Clone, Copy, Default)]
struct Gone {
    /// They left.
    shipped: i64,
    /// They were paid back before they left.
    taken_off: i64,
}

impl Evidence {
    fn gone(&self, order: &Order, line_no: i32) -> Gone {
        let shipments = self.orders.shipments().filter(|shipment| shipment.order_no == order.no);
        let refunds = self.orders.refunds().filter(|refund| refund.order_no.as_ref() == Some(&order.no));
        Gone {
            shipped: shipments.map(|shipment| goods::of_line(line_no, &shipment.lines)).sum(),
            taken_off: refunds.map(|refund| goods::of_line(line_no, &refund.lines)).sum(),
        }
    }
}

fn is_live(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::PendingPayment | OrderStatus::Confirmed | OrderStatus::Completed)
}

fn name(hold: &HoldRecord) -> String {
    format!("hold {} of {}/{}", hold.hold_no, hold.id.key, hold.id.n)
}
