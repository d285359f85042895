//! Act 1: every buyer wants one unit; one in twenty asks twice at once, one in twenty hangs up before the answer and asks
//! again. A buyer's requests all carry the same key.
//!
//! All connections share one list of buyers, guarded by a mutex that is held for one lookup or note at a time, never
//! across an await. The act ends when every buyer has a definite answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::ensure;
use holdline_load::generator::{Outcome, Plan, Script, Step};
use holdline_load::http::{HttpError, Response};

use super::catalog::{CURRENCY, FLASH_SKU, price_minor};
use super::paying::{HURRIED, Kind};
use crate::child::submit::{Line, Meaning, new_key, read_answer, write_body_in, write_submit};
use crate::child::{Keys, Progress, Stop, with_bar};

/// Buyers.
const BUYERS: usize = 20_000;
/// One buyer in so many asks twice, and one in so many hangs up: 5 % each.
const ONE_IN: usize = 20;
/// The most requests of one buyer: beyond them something never answers.
const ASKED_MAX: u32 = 1_000;
/// Most time for the act.
const WITHIN: Duration = Duration::from_mins(2);

/// What a buyer was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Refused,
    Placed(String),
}

#[derive(Clone, Debug)]
struct Buyer {
    key: String,
    asked: u32,
    told: Told,
}

/// The sale as its clients saw it.
#[derive(Debug)]
pub(super) struct Sale {
    buyers: Vec<Buyer>,
    /// The next buyer who has not asked yet.
    next: usize,
    /// Buyers who ask again.
    again: VecDeque<usize>,
    /// Requests beyond a buyer's first.
    pub(super) repeated: u64,
    /// Requests whose answer nobody waited for.
    pub(super) hung_up: u64,
    /// Answers that contradict an earlier one, or that no submit may have.
    pub(super) wrong: Vec<String>,
}

impl Sale {
    fn new() -> Self {
        let buyer = || {
            let mut key = String::new();
            new_key(&mut key);
            Buyer { key, asked: 0, told: Told::Nothing }
        };
        let buyers = std::iter::repeat_with(buyer).take(BUYERS).collect();
        Self { buyers, next: 0, again: VecDeque::new(), repeated: 0, hung_up: 0, wrong: Vec::new() }
    }

    /// The order of each buyer who got one.
    pub(super) fn orders(&self) -> impl Iterator<Item = &str> {
        self.winners().map(|(_, order)| order)
    }

    /// The same, each with the number of its buyer.
    pub(super) fn winners(&self) -> impl Iterator<Item = (usize, &str)> {
        self.buyers.iter().enumerate().filter_map(|(number, buyer)| match &buyer.told {
            Told::Placed(order) => Some((number, order.as_str())),
            Told::Nothing | Told::Refused => None,
        })
    }

    /// Buyers who were told no.
    pub(super) fn refused(&self) -> u64 {
        self.buyers.iter().filter(|buyer| buyer.told == Told::Refused).count() as u64
    }

    /// Buyers without a definite answer.
    pub(super) fn untold(&self) -> u64 {
        self.buyers.iter().filter(|buyer| buyer.told == Told::Nothing).count() as u64
    }

    /// Who asks next, and whether they hang up.
    fn take(&mut self) -> Option<(usize, bool)> {
        let (buyer, first) = match self.again.pop_front() {
            Some(buyer) => (buyer, false),
            None if self.next < BUYERS => {
                self.next += 1;
                (self.next - 1, true)
            }
            None => return None,
        };
        self.buyers[buyer].asked += 1;
        if !first {
            self.repeated += 1;
        }
        // The second request of those who ask twice races with the first.
        if first && buyer % ONE_IN == 3 {
            self.again.push_back(buyer);
        }
        Some((buyer, first && buyer % ONE_IN == 13))
    }

    fn again(&mut self, buyer: usize) {
        if self.buyers[buyer].asked < ASKED_MAX {
            self.again.push_back(buyer);
        }
    }

    fn told(&mut self, buyer: usize, meaning: Meaning, order: &str) {
        let known = &mut self.buyers[buyer].told;
        match (meaning, &known) {
            (Meaning::Placed | Meaning::Replayed, Told::Placed(other)) if other != order => {
                self.wrong.push(format!("one key has two orders: {other} and {order}"));
            }
            // A no stores nothing: the twin under the same key may still have been served.
            (Meaning::Placed | Meaning::Replayed, _) => *known = Told::Placed(order.to_owned()),
            (Meaning::Refused, Told::Nothing) => *known = Told::Refused,
            (Meaning::Refused, Told::Refused | Told::Placed(_)) => {}
            (Meaning::Busy | Meaning::Unknown | Meaning::Accepted, _) => self.again(buyer),
            (Meaning::Lapsed | Meaning::Abandoned, _) => self.wrong.push("given up".to_owned()),
            (Meaning::Wrong(what), _) => self.wrong.push(what.to_owned()),
        }
    }
}

/// One connection.
struct Till {
    authorization: String,
    sale: Arc<Mutex<Sale>>,
    buyer: usize,
    body: Vec<u8>,
    order: String,
}

impl Till {
    fn sale(&self) -> MutexGuard<'_, Sale> {
        self.sale.lock().expect("nothing panics while it holds the sale")
    }
}

impl Script for Till {
    fn next(&mut self, request: &mut Vec<u8>) -> Step {
        let mut sale = self.sale.lock().expect("nothing panics while it holds the sale");
        let Some((buyer, hangs_up)) = sale.take() else { return Step::Done };
        self.buyer = buyer;
        self.body.clear();
        let line = Line { sku: FLASH_SKU, quantity: 1, price_minor: price_minor(FLASH_SKU), currency: CURRENCY };
        let channel = if Kind::of(buyer).is_hurried() { HURRIED } else { "" };
        write_body_in(&mut self.body, channel, format_args!("buyer-{buyer}"), &[line]);
        write_submit(request, &self.authorization, &sale.buyers[buyer].key, &self.body);
        if hangs_up { Step::SendAndHangUp } else { Step::Send }
    }

    fn judge<'a>(&'a mut self, response: &'a Response<'_>) -> Outcome<'a> {
        let meaning = read_answer(response, &mut self.order);
        self.sale().told(self.buyer, meaning, &self.order);
        match meaning {
            Meaning::Placed => Outcome::Accepted(""),
            Meaning::Replayed => Outcome::Replayed(""),
            Meaning::Refused => Outcome::Refused,
            Meaning::Busy | Meaning::Unknown | Meaning::Accepted => Outcome::Busy,
            Meaning::Lapsed | Meaning::Abandoned => Outcome::Error("given up"),
            Meaning::Wrong(what) => Outcome::Error(what),
        }
    }

    fn lost(&mut self, _: &HttpError) {
        let buyer = self.buyer;
        self.sale().again(buyer);
    }

    fn hung_up(&mut self) {
        let buyer = self.buyer;
        let mut sale = self.sale();
        sale.hung_up += 1;
        sale.again(buyer);
    }
}

/// Holds the sale.
pub(super) fn sell(address: SocketAddr, keys: &Keys, progress: Progress, stop: &Stop) -> anyhow::Result<Sale> {
    let sale = Arc::new(Mutex::new(Sale::new()));
    let till = || Till {
        authorization: format!("Bearer {}", keys.shop),
        sale: Arc::clone(&sale),
        buyer: 0,
        body: Vec::new(),
        order: String::new(),
    };
    let tills = std::iter::repeat_with(till).take(super::CONNECTIONS).collect();
    let mut plan = Plan::new(address, WITHIN);
    plan.control = stop.control();
    with_bar(progress, "flash sale", &plan, tills)?;
    stop.check()?;
    let sale = Arc::into_inner(sale).and_then(|sale| sale.into_inner().ok());
    ensure!(sale.is_some(), "the sale is still going on");
    let sale = sale.expect("just checked");
    progress.say(&format!(
        "  {} buyers have an order, {} were refused; {} requests were repeated, {} hung up",
        sale.orders().count(),
        sale.refused(),
        sale.repeated,
        sale.hung_up
    ));
    Ok(sale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_asks_twice_and_one_in_twenty_hangs_up() {
        let mut sale = Sale::new();
        let (mut asked, mut hung_up) = (0, 0);
        while let Some((buyer, hangs_up)) = sale.take() {
            asked += 1;
            if hangs_up {
                hung_up += 1;
                sale.again(buyer);
            }
        }
        assert_eq!((asked, hung_up, sale.repeated), (BUYERS + 2 * BUYERS / ONE_IN, BUYERS / ONE_IN, 2_000));
    }

    #[test]
    fn two_orders_under_one_key_are_a_contradiction() {
        let mut sale = Sale::new();
        sale.told(0, Meaning::Refused, "");
        sale.told(0, Meaning::Placed, "1");
        sale.told(0, Meaning::Replayed, "1");
        assert!(sale.wrong.is_empty());
        sale.told(0, Meaning::Placed, "2");
        assert_eq!((sale.wrong.len(), sale.orders().collect::<Vec<_>>()), (1, vec!["1"]));
    }
}
