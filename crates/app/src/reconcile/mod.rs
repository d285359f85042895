//! Holds against orders, before anybody serves a store that was brought back: the order wins.
//!
//! Two walks, page by page, over ports that nobody else writes meanwhile. The feed from its start names every order: its
//! part of the hold must stand as the order does, and the ledger must know what was shipped, taken off and restocked.
//! The ledger's holds from their start name every hold: one without an order must be the reaper's to find, or be behind
//! a fence.
//!
//! What the ledger only had not been told yet (the feed beyond settlement's position) is settled, as the server's own loop
//! would. Anything else is a mismatch: listed, and put right by movements only when asked to. Some mismatches have no right
//! answer (goods sold for an order that is not there): they are listed and stay.
//!
//! Deliberately absent: changing orders. What their database says was promised to buyers.

mod holds;
mod missing;
mod order;

use std::collections::HashSet;

use holdline_domain::fault::Fault;
use holdline_domain::id::{TenantId, Version};
use holdline_domain::order::OrderNo;
use holdline_domain::port::{FeedPosition, LedgerStore, LifeStore, OrderStore};
use holdline_domain::tenant::Tenant;
use holdline_domain::time::UnixMillis;

use crate::feed::Consumer;

/// Events and holds of one page.
const PAGE: usize = 500;

/// What is compared, and what may be done about it.
pub struct Reconciliation<'a> {
    /// The ledger of holds.
    pub ledger: &'a dyn LedgerStore,
    /// The orders.
    pub orders: &'a dyn OrderStore,
    /// Their shipments, refunds and returns.
    pub life: &'a dyn LifeStore,
    /// Every tenant: its policy says when its stock is sold.
    pub tenants: &'a [Tenant],
    /// Whether mismatches are put right, or only listed.
    pub repair: bool,
}

/// What one finding was, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The ledger had not been told yet, and is now.
    Settled,
    /// A mismatch that movements have put right.
    Repaired,
    /// A mismatch that stays.
    Mismatch,
}

/// What the walks found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Orders whose end the ledger had not been told yet.
    pub settled: u64,
    /// Mismatches that were put right.
    pub repaired: u64,
    /// Mismatches that stay: without repair all of them.
    pub mismatches: u64,
    /// The newest number that an order or a hold has.
    pub newest_number: Option<OrderNo>,
    /// The feed's last event.
    pub feed_end: i64,
    /// The newest instant in the feed.
    pub newest_ms: UnixMillis,
}

/// Where findings are told, one sentence each.
pub type Told<'a> = dyn FnMut(Verdict, &str) + Send + 'a;

struct Walk<'a, 'b> {
    of: &'a Reconciliation<'a>,
    findings: Findings,
    told: &'a mut Told<'b>,
    /// Orders with events that settlement had not come to.
    late: HashSet<(TenantId, OrderNo)>,
}

impl Reconciliation<'_> {
    /// Compares everything. Nobody else may write the store meanwhile.
    pub async fn run(&self, told: &mut Told<'_>) -> Result<Findings, Fault> {
        let mut walk = Walk { of: self, findings: Findings::default(), told, late: HashSet::new() };
        walk.find_late_orders().await?;
        walk.follow_feed().await?;
        walk.follow_holds().await?;
        Ok(walk.findings)
    }

    /// Notes that the ledger is where the orders are, in the epoch that the feed has now.
    pub async fn note_settled(&self, findings: &Findings, epoch: i64) -> Result<(), Fault> {
        let to = FeedPosition { epoch, round: 0, seq: findings.feed_end };
        self.orders.advance_feed_position(Consumer::Ledger.name(), to).await
    }
}

impl Walk<'_, '_> {
    async fn find_late_orders(&mut self) -> Result<(), Fault> {
        let mut seq = self.of.orders.feed_position(Consumer::Ledger.name()).await?.seq;
        loop {
            let page = self.of.orders.events_after(seq, PAGE).await?;
            let Some(last) = page.events.last() else { return Ok(()) };
            seq = last.seq;
            self.late.extend(page.events.into_iter().map(|event| (event.tenant, event.order_no)));
        }
    }

    async fn follow_feed(&mut self) -> Result<(), Fault> {
        loop {
            let page = self.of.orders.events_after(self.findings.feed_end, PAGE).await?;
            let Some(last) = page.events.last() else { return Ok(()) };
            self.findings.feed_end = last.seq;
            self.findings.newest_ms = self.findings.newest_ms.max(last.at);
            for tenant in self.of.tenants {
                let first = |event: &&holdline_domain::order::change::Event| {
                    event.tenant == tenant.id && event.version == Version::FIRST
                };
                let numbers: Vec<OrderNo> =
                    page.events.iter().filter(first).map(|event| event.order_no.clone()).collect();
                if !numbers.is_empty() {
                    self.compare_orders(tenant, &numbers).await?;
                }
            }
        }
    }

    fn tell(&mut self, verdict: Verdict, what: &str) {
        match verdict {
            Verdict::Settled => self.findings.settled += 1,
            Verdict::Repaired => self.findings.repaired += 1,
            Verdict::Mismatch => self.findings.mismatches += 1,
        }
        (self.told)(verdict, what);
    }

    fn saw_number(&mut self, order_no: &OrderNo) {
        // Two offsets never meet in one store, so numbers compare as their instants do.
        if self.findings.newest_number.as_ref().is_none_or(|newest| newest < order_no) {
            self.findings.newest_number = Some(order_no.clone());
        }
    }
}
