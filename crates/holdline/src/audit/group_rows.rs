//! Holds and order groups as they are read, each in the order of their key.

use std::collections::BTreeMap;

use super::groups::Horizon;
use super::rows::{Cursor, Row};
use super::source::{Source, statement};
use super::stored::{Claim, GroupState, LineUnits, Part, hold_texts};

pub(super) struct Hold {
    /// Its number in the ledger.
    pub(super) no: i64,
    pub(super) tenant: i64,
    pub(super) key: String,
    pub(super) n: i64,
    pub(super) parts: Vec<Part>,
    pub(super) claims: Vec<Claim>,
    pub(super) taken_ms: i64,
}

/// An order group's row, and the orders that name it.
#[derive(Default)]
pub(super) struct Group {
    pub(super) tenant: i64,
    pub(super) key: String,
    /// Buyer and state.
    pub(super) row: Option<(Option<String>, Option<GroupState>)>,
    pub(super) orders: Vec<Order>,
}

pub(super) struct Order {
    pub(super) no: String,
    pub(super) buyer: String,
    pub(super) status: String,
    pub(super) seller: String,
    /// Which of the group's holds is its current one.
    pub(super) hold_n: i64,
    /// What it decided about its hold.
    pub(super) hold: String,
    pub(super) captured: i64,
    pub(super) total: i64,
    pub(super) lines: Vec<Line>,
    pub(super) facts: Vec<Fact>,
    /// Placed since the ledger was read, perhaps.
    pub(super) is_new: bool,
    /// The ledger has followed all its events.
    pub(super) is_settled: bool,
}

impl Order {
    /// Units by SKU.
    pub(super) fn goods(&self) -> BTreeMap<&str, i64> {
        let mut goods = BTreeMap::<&str, i64>::new();
        for Line { sku, units, .. } in &self.lines {
            let sum = goods.entry(sku).or_default();
            *sum = sum.saturating_add(*units);
        }
        goods
    }

    /// Whether it ended without being sold, or after it: nothing of it is to stay held or sold.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "create_failed" | "cancelled" | "expired")
    }

    /// Whether what its hold claimed is to be given back: it ended, or may still be paid but not from this hold.
    pub(super) fn gives_back(&self) -> bool {
        self.has_ended() || self.hold == "lapsed"
    }
}

/// One line of an order.
pub(super) struct Line {
    pub(super) no: i64,
    pub(super) sku: String,
    pub(super) units: i64,
}

/// What became of some of an order's goods.
pub(super) struct Fact {
    /// `shipment`, `refund` or `return`.
    pub(super) what: String,
    pub(super) n: i64,
    /// Units by line; `None`: the text is not what it should be.
    pub(super) units: Option<Vec<LineUnits>>,
}

/// Holds in the order of their key.
pub(super) struct Holds(Cursor);

impl Holds {
    pub(super) fn read(ledger: &Source) -> anyhow::Result<Self> {
        Ok(Self(ledger.rows(statement!("hold"), &[])?))
    }

    pub(super) fn next(&mut self) -> anyhow::Result<Option<Hold>> {
        let Some(row) = self.0.next()? else { return Ok(None) };
        // Texts that cannot be understood are a mismatch of `hold_part`; here such a hold has no parts.
        let (parts, claims) = hold_texts(row.text(4)?, row.text(5)?).unwrap_or_default();
        let (tenant, key) = (row.int(0)?, row.text(1)?.to_owned());
        Ok(Some(Hold { tenant, key, n: row.int(2)?, no: row.int(3)?, parts, claims, taken_ms: row.int(6)? }))
    }
}

/// Groups with their orders, in the order of their key.
pub(super) struct Groups {
    rows: Cursor,
    horizon: Horizon,
    /// The group that the last row read belongs to, as far as it is known.
    begun: Option<Group>,
}

impl Groups {
    pub(super) fn read(orders: &Source, horizon: Horizon) -> anyhow::Result<Self> {
        let from = horizon.placed_before_seq.min(horizon.settled_seq.saturating_add(1));
        Ok(Self { rows: orders.rows(statement!("group"), &[from])?, horizon, begun: None })
    }

    pub(super) fn next(&mut self) -> anyhow::Result<Option<Group>> {
        while let Some(row) = self.rows.next()? {
            let (tenant, key) = (row.int(0)?, row.text(1)?);
            let finished = match &self.begun {
                Some(group) if group.tenant == tenant && group.key == key => None,
                _ => self.begun.replace(Group { tenant, key: key.to_owned(), ..Group::default() }),
            };
            if let Some(group) = &mut self.begun {
                group.take_in(&row, self.horizon)?;
            }
            if finished.is_some() {
                return Ok(finished);
            }
        }
        Ok(self.begun.take())
    }
}

impl Group {
    fn take_in(&mut self, row: &Row<'_>, horizon: Horizon) -> anyhow::Result<()> {
        let no = row.text(3)?;
        match row.int(2)? {
            0 => {
                let state = serde_json::from_str(row.text(6)?).ok();
                self.row = Some((row.opt_text(5)?.map(str::to_owned), state));
            }
            1 => {
                if self.orders.last().is_none_or(|order| order.no != no) {
                    self.orders.push(order_of(row, horizon)?);
                }
                if let (Some(order), Some(sku)) = (self.orders.last_mut(), row.opt_text(9)?) {
                    order.lines.push(Line { no: row.int(4)?, sku: sku.to_owned(), units: row.int(10)? });
                }
            }
            _ => {
                let (what, n) = (row.text(7)?.to_owned(), row.int(4)?);
                let units = row.opt_text(6)?.and_then(|units| serde_json::from_str(units).ok());
                if let Some(order) = self.orders.iter_mut().find(|order| order.no == no) {
                    order.facts.push(Fact { what, n, units });
                }
            }
        }
        Ok(())
    }
}

fn order_of(row: &Row<'_>, horizon: Horizon) -> anyhow::Result<Order> {
    let (first_seq, last_seq) = (row.opt_int(11)?, row.opt_int(12)?);
    Ok(Order {
        no: row.text(3)?.to_owned(),
        buyer: row.opt_text(5)?.unwrap_or_default().to_owned(),
        status: row.text(6)?.to_owned(),
        seller: row.text(7)?.to_owned(),
        hold_n: row.int(8)?,
        hold: row.text(13)?.to_owned(),
        captured: row.int(14)?,
        total: row.int(15)?,
        lines: Vec::new(),
        facts: Vec::new(),
        is_new: first_seq.is_some_and(|seq| seq >= horizon.placed_before_seq),
        is_settled: last_seq.is_none_or(|seq| seq <= horizon.settled_seq),
    })
}
