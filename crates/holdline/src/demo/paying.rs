//! Act 1, afterwards: those who got an order pay it at a payment center, or leave, pay too late, pay twice, change their minds.
//!
//! What a buyer does follows from his number alone, so that it is known before he asks. Every sum is counted three times:
//! by what the buyers were told when they paid, by the server's orders, and by the center's own books.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::flash::Sale;
use crate::child::{Buyer, Center, Client, Keys, Progress, Stop};

/// The channel of those who will not pay in time.
pub(super) const HURRIED: &str = "hurried";
/// How long an order of that channel may stay unpaid: longer than the sale, so that nothing comes back while it sells.
const HURRIED_PAY_WITHIN_S: i64 = 30;
/// Buyers who pay at the same time.
const AT_ONCE: usize = 16;

/// What a buyer does with his order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pays it.
    Pays,
    /// Opens the page of one means of payment, then another, and pays on both pages.
    PaysTwice,
    /// Opens the page in time, and pays after the order has expired.
    PaysLate,
    /// Pays, and cancels.
    Cancels,
    /// Is never seen again.
    Leaves,
}

impl Kind {
    /// In the order of the table, with its words.
    pub(super) const ALL: [(Self, &str); 5] = [
        (Self::Pays, "paid"),
        (Self::PaysTwice, "paid twice"),
        (Self::PaysLate, "paid too late"),
        (Self::Cancels, "paid, then cancelled"),
        (Self::Leaves, "never paid"),
    ];

    /// What the buyer of a number does: four in twenty make it difficult.
    pub(super) fn of(buyer: usize) -> Self {
        match buyer % 20 {
            5 => Self::PaysTwice,
            7 => Self::PaysLate,
            9 => Self::Cancels,
            11 => Self::Leaves,
            _ => Self::Pays,
        }
    }

    /// Whether his order has the short deadline.
    pub(super) fn is_hurried(self) -> bool {
        matches!(self, Self::PaysLate | Self::Leaves)
    }

    /// The status that his order ends in.
    fn end(self) -> &'static str {
        match self {
            Self::Pays | Self::PaysTwice => "confirmed",
            Self::Cancels => "cancelled",
            Self::PaysLate | Self::Leaves => "expired",
        }
    }

    /// How many of his payments are to come back.
    fn refunds(self) -> usize {
        match self {
            Self::Pays | Self::Leaves => 0,
            Self::PaysTwice | Self::PaysLate | Self::Cancels => 1,
        }
    }
}

/// A buyer with an order.
#[derive(Clone, Debug)]
pub(super) struct Payer {
    pub(super) kind: Kind,
    order: String,
    /// The payment that he still means to pay.
    open: Option<String>,
    /// What the center told him that he has paid, in fen.
    pub(super) told: i64,
    /// What the server says of his order in the end.
    pub(super) end: End,
}

impl Payer {
    fn pays(&mut self, buyer: &mut Buyer<'_>, method: &str) -> anyhow::Result<()> {
        let payment = buyer.open(&self.order, method)?;
        self.told += buyer.pay(&payment)?;
        Ok(())
    }
}

/// An order's end as the server says it, money in fen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// Whether its unit is sold.
    pub(super) is_sold: bool,
    /// What was captured for it, wherever it went.
    pub(super) captured: i64,
    /// What of it has gone back.
    pub(super) refunded: i64,
}

/// Gives the orders of [`HURRIED`] their deadline.
pub(super) fn write_deadline(admin: &mut Client) -> anyhow::Result<()> {
    let mut policies = admin.get("/v1/policies")?.success()?;
    policies["channel_pay_within"] = json!({ HURRIED: HURRIED_PAY_WITHIN_S });
    admin.put("/v1/policies", &policies)?.success().context("the deadline was not written").map(drop)
}

/// Where buyers pay.
pub(super) struct Paying<'a> {
    pub(super) address: SocketAddr,
    pub(super) keys: &'a Keys,
    pub(super) center: &'a Center,
    pub(super) progress: Progress,
    pub(super) stop: &'a Stop,
}

impl Paying<'_> {
    /// Everyone who pays in time does; the others open a page, or leave.
    pub(super) fn pay(&self, sale: &Sale) -> anyhow::Result<Vec<Payer>> {
        let payers = sale.winners().map(|(buyer, order)| Payer {
            kind: Kind::of(buyer),
            order: order.to_owned(),
            open: None,
            told: 0,
            end: End::default(),
        });
        let mut payers: Vec<Payer> = payers.collect();
        self.each("paying", &mut payers, |buyer, payer| match payer.kind {
            Kind::Pays => payer.pays(buyer, "card"),
            Kind::PaysTwice => {
                let first = buyer.open(&payer.order, "card")?;
                payer.pays(buyer, "wallet")?;
                payer.told += buyer.pay(&first)?;
                Ok(())
            }
            Kind::PaysLate => {
                payer.open = Some(buyer.open(&payer.order, "card")?);
                Ok(())
            }
            Kind::Cancels => {
                payer.pays(buyer, "card")?;
                buyer.until(&payer.order, |order| order["status"] == "confirmed")?;
                buyer.cancel(&payer.order)
            }
            Kind::Leaves => Ok(()),
        })?;
        Ok(payers)
    }

    /// Waits for the deadline; those who pay late do; every order is followed to its end.
    pub(super) fn settle(&self, payers: &mut [Payer]) -> anyhow::Result<()> {
        self.each("settling", payers, |buyer, payer| {
            let end = payer.kind.end();
            buyer.until(&payer.order, |order| order["status"] == end)?;
            if let Some(payment) = payer.open.take() {
                payer.told += buyer.pay(&payment)?;
            }
            let refunds = payer.kind.refunds();
            let target = format!("{}/payments", payer.order);
            buyer.until(&target, |all| succeeded(all) == refunds).map(drop)
        })
    }

    /// Asks for every order's end.
    pub(super) fn ends(&self, payers: &mut [Payer]) -> anyhow::Result<()> {
        self.each("adding up", payers, |buyer, payer| {
            let order = buyer.read(&payer.order)?;
            let payments = buyer.read(&format!("{}/payments", payer.order))?;
            let is_sold = order["hold_status"] != "released";
            payer.end = End { is_sold, ..money(&payments)? };
            Ok(())
        })
    }

    /// Does something for each payer, some at the same time.
    fn each(
        &self,
        label: &str,
        payers: &mut [Payer],
        work: impl Fn(&mut Buyer<'_>, &mut Payer) -> anyhow::Result<()> + Sync,
    ) -> anyhow::Result<()> {
        let bar = self.progress.bar(label, payers.len() as u64);
        let done = AtomicUsize::new(0);
        let share = payers.len().div_ceil(AT_ONCE).max(1);
        let results: Vec<anyhow::Result<()>> = thread::scope(|scope| {
            let hands: Vec<_> = payers
                .chunks_mut(share)
                .map(|payers| {
                    let (work, bar, done) = (&work, &bar, &done);
                    scope.spawn(move || {
                        let mut buyer = Buyer::new(self.address, self.keys, self.center, self.stop)?;
                        for payer in payers {
                            self.stop.check()?;
                            work(&mut buyer, payer).with_context(|| format!("order {}", payer.order))?;
                            bar.set_position(done.fetch_add(1, Ordering::Relaxed) as u64 + 1);
                        }
                        Ok(())
                    })
                })
                .collect();
            hands.into_iter().map(|hand| hand.join().expect("no buyer panics")).collect()
        });
        bar.finish();
        results.into_iter().collect()
    }
}

/// The members of every payment in an answer that lists them.
fn members<'v>(payments: &'v Value, name: &'v str) -> impl Iterator<Item = &'v Value> {
    let payments = payments["payments"].as_array().into_iter().flatten();
    payments.flat_map(move |payment| payment[name].as_array().into_iter().flatten())
}

/// Refunds that have arrived.
fn succeeded(payments: &Value) -> usize {
    members(payments, "refunds").filter(|refund| refund["state"] == "succeeded").count()
}

fn money(payments: &Value) -> anyhow::Result<End> {
    let sum = |amounts: Vec<&Value>| {
        let amounts = amounts.into_iter().map(|money| money["amount"].as_i64());
        amounts.sum::<Option<i64>>().context("money without its amount")
    };
    let captured = members(payments, "attempts").map(|attempt| &attempt["captured"]).filter(|money| !money.is_null());
    let gone = members(payments, "refunds").filter(|refund| refund["state"] == "succeeded");
    Ok(End {
        is_sold: false,
        captured: sum(captured.map(|captured| &captured["amount"]).collect())?,
        refunded: sum(gone.map(|refund| &refund["amount"]).collect())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_buyer_in_five_makes_it_difficult_in_each_way_alike() {
        for (kind, _) in Kind::ALL {
            let of_kind = (0..1_000).filter(|buyer| Kind::of(*buyer) == kind).count();
            assert_eq!(of_kind, if kind == Kind::Pays { 800 } else { 50 }, "{kind:?}");
        }
    }

    #[test]
    fn money_that_has_not_arrived_has_not_gone_back() {
        let cny = |amount: i64| json!({"amount": amount, "currency": "CNY"});
        let payments = json!({"payments": [{
            "attempts": [{"captured": {"amount": cny(5)}}, {}, {"captured": {"amount": cny(5)}}],
            "refunds": [{"state": "succeeded", "amount": cny(5)}, {"state": "submitted", "amount": cny(5)}],
        }]});
        assert_eq!(money(&payments).unwrap(), End { is_sold: false, captured: 10, refunded: 5 });
        assert_eq!(succeeded(&payments), 1);
    }
}
