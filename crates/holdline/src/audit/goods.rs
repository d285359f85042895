//! What the ledger was told of the goods of orders after they were sold, against what became of them.
//!
//! Every fact has a reference of its own, so what was told is known without reading movements: a shipment ships, a refund
//! of lines and an end unallocate, a return that came back adjusts. A fact that settlement has not reached yet may be
//! missing; what was told without a fact may not be there at all.
//!
//! It keeps 64 bytes of each such reference in memory: some per order that was shipped, refunded by lines, or ended after it was sold.

use std::collections::BTreeMap;

use super::accounts::Accounts;
use super::group_rows::{Hold, Order};
use super::report::Check;
use super::source::{Source, statement};
use super::stored::{Claim, LineUnits, kind};

/// What a reference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Shipment,
    Refund,
    Ended,
    Return,
}

impl What {
    fn named(name: &str) -> Option<Self> {
        match name {
            "shipment" => Some(Self::Shipment),
            "refund" => Some(Self::Refund),
            "ended" => Some(Self::Ended),
            "return" => Some(Self::Return),
            _ => None,
        }
    }

    /// The code of the movement that tells of it.
    fn kind(self) -> i64 {
        match self {
            Self::Shipment => kind::SHIP,
            Self::Refund | Self::Ended => kind::UNALLOCATE,
            Self::Return => kind::ADJUST,
        }
    }

    fn in_words(self, n: i64) -> String {
        match self {
            Self::Shipment => format!("shipment {n}"),
            Self::Refund => format!("refund {n}"),
            Self::Ended if n == 1 => "its end".to_owned(),
            Self::Ended => format!("the end of its hold {n}"),
            Self::Return => format!("return {n}"),
        }
    }
}

/// What a reference says, and of which account: it is told once.
type Key = (What, i64, i64);

/// One use of a reference.
struct Use {
    tenant: i64,
    /// The order's number: 27 digits.
    order: u128,
    key: Key,
    kind: i64,
    quantity: i64,
}

/// Everything that the ledger was told, by order.
pub(super) struct Told {
    uses: Vec<Use>,
    /// Whether the order of a use was found, in the order of the uses.
    found: Vec<bool>,
}

impl Told {
    pub(super) fn read(ledger: &Source) -> anyhow::Result<Self> {
        let mut uses = Vec::new();
        let mut rows = ledger.rows(statement!("order_reference"), &[])?;
        while let Some(row) = rows.next()? {
            if let Some((order, what, n)) = parse(row.text(1)?) {
                let key = (what, n, row.int(2)?);
                uses.push(Use { tenant: row.int(0)?, order, key, kind: row.int(3)?, quantity: row.int(4)? });
            }
        }
        uses.sort_unstable_by_key(|told| (told.tenant, told.order, told.key));
        let found = vec![false; uses.len()];
        Ok(Self { uses, found })
    }

    /// What was told of one order: kind and quantity.
    fn of(&mut self, tenant: i64, order_no: &str) -> BTreeMap<Key, (i64, i64)> {
        let Some(order) = number(order_no) else { return BTreeMap::new() };
        let from = self.uses.partition_point(|told| (told.tenant, told.order) < (tenant, order));
        let of_order = self.uses[from..].iter().take_while(|told| (told.tenant, told.order) == (tenant, order));
        let told: BTreeMap<_, _> = of_order.map(|told| (told.key, (told.kind, told.quantity))).collect();
        self.found[from..from + told.len()].fill(true);
        told
    }

    /// What was told of orders that are not there.
    pub(super) fn judge_rest(&self, check: &mut Check) {
        for (told, _) in self.uses.iter().zip(&self.found).filter(|(_, found)| !**found) {
            check.judge(false, || {
                let (what, n, account_no) = told.key;
                let (order, what) = (told.order, what.in_words(n));
                format!("order {order:027} does not exist, but account {account_no} was told of {what}")
            });
        }
    }
}

/// `<order number>/ended` for its first hold, else `<order number>/<what>/<n>`; anything else is no order's.
fn parse(reference: &str) -> Option<(u128, What, i64)> {
    let (order_no, rest) = reference.split_once('/')?;
    let order = number(order_no)?;
    match rest.split_once('/') {
        None if rest == "ended" => Some((order, What::Ended, 1)),
        None => None,
        Some((what, n)) => {
            let (what, n) = (What::named(what)?, n.parse().ok()?);
            (what != What::Ended || n > 1).then_some((order, what, n))
        }
    }
}

fn number(order_no: &str) -> Option<u128> {
    let digits = order_no.len() == 27 && order_no.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| order_no.parse().ok()).flatten()
}

/// What was sold of one hold of an order.
pub(super) struct Sold {
    /// Which of the group's holds.
    hold_n: i64,
    /// Units by account.
    claims: BTreeMap<i64, i64>,
    /// Whether the order stands on this hold, so that its facts are about it.
    is_current: bool,
    /// Whether what is left of it is to be given back.
    gives_back: bool,
}

impl Sold {
    pub(super) fn current(hold: &Hold, place: usize, gives_back: bool) -> Self {
        Self { hold_n: hold.n, claims: claims(hold, place), is_current: true, gives_back }
    }

    pub(super) fn earlier(hold: &Hold, place: usize) -> Self {
        Self { hold_n: hold.n, claims: claims(hold, place), is_current: false, gives_back: true }
    }
}

fn claims(hold: &Hold, place: usize) -> BTreeMap<i64, i64> {
    let mut claims = BTreeMap::<i64, i64>::new();
    for Claim(_, account_no, units) in hold.claims.iter().filter(|claim| claim.0 == place) {
        let sum = claims.entry(*account_no).or_default();
        *sum = sum.saturating_add(*units);
    }
    claims
}

/// What is wrong with what the ledger was told of an order, and whether that is about the order's end.
pub(super) fn fault(
    told: &mut Told,
    accounts: &Accounts,
    (tenant, order): (i64, &Order),
    sold: &[Sold],
) -> Option<(bool, String)> {
    let told = told.of(tenant, &order.no);
    let mut due = BTreeMap::<Key, i64>::new();
    for sold in sold {
        if let Err(fault) = add_due(&mut due, accounts, order, sold) {
            return Some((false, fault));
        }
    }
    for ((what, n, account_no), (code, quantity)) in &told {
        let units = due.get(&(*what, *n, *account_no)).copied().unwrap_or(0);
        if *code != what.kind() || *quantity != units {
            let (name, of, code) = (accounts.name(*account_no), what.in_words(*n), kind::name(*code));
            let should = kind::name(what.kind());
            let fault =
                format!("{name}: of {of}, the ledger was told {code} {quantity}, which should be {should} {units}");
            return Some((*what == What::Ended, fault));
        }
    }
    let missing = due.iter().find(|(key, _)| order.is_settled && !told.contains_key(key));
    missing.map(|((what, n, account_no), units)| {
        let (name, of, code) = (accounts.name(*account_no), what.in_words(*n), kind::name(what.kind()));
        (*what == What::Ended, format!("{name}: of {of}, the ledger was not told: {code} {units}"))
    })
}

/// What the ledger must be told because of one hold.
fn add_due(due: &mut BTreeMap<Key, i64>, accounts: &Accounts, order: &Order, sold: &Sold) -> Result<(), String> {
    for (account_no, claimed) in &sold.claims {
        // An account that does not exist is a mismatch elsewhere.
        let Some(account) = accounts.get(*account_no) else { continue };
        let mut left = *claimed;
        for fact in order.facts.iter().filter(|_| sold.is_current) {
            let unreadable = || format!("the units of {} {} cannot be understood", fact.what, fact.n);
            let what = What::named(&fact.what).ok_or_else(unreadable)?;
            let units = units_of(order, account.sku, fact.units.as_deref().ok_or_else(unreadable)?);
            if what != What::Return {
                left -= units;
            }
            // A quota is used up by what was bought: only what is taken off or given back before it left frees it.
            if units != 0 && (account.is_stock || what == What::Refund) {
                due.insert((what, fact.n, *account_no), units);
            }
        }
        if left < 0 {
            let sku = account.sku;
            return Err(format!("{} units more of {sku:?} were shipped and taken off than were sold", -left));
        }
        if sold.gives_back && left > 0 {
            due.insert((What::Ended, sold.hold_n, *account_no), left);
        }
    }
    Ok(())
}

/// How many of these units are of a SKU.
fn units_of(order: &Order, sku: &str, units: &[LineUnits]) -> i64 {
    let of_sku = |of: &&LineUnits| order.lines.iter().any(|line| line.no == of.line_no && line.sku == sku);
    units.iter().filter(of_sku).map(|of| of.quantity).fold(0, i64::saturating_add)
}
