//! Holds and order groups as they are read, each in the order of their key.

use std::collections::BTreeMap;

use super::groups::Horizon;
use super::rows::Cursor;
use super::source::{Source, statement};
use super::stored::{Claim, GroupState, Part, hold_texts};

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
    pub(super) hold_n: i64,
    /// Units by SKU.
    pub(super) goods: BTreeMap<String, i64>,
    /// Placed since the ledger was read, perhaps.
    pub(super) is_new: bool,
    /// The ledger has followed all its events.
    pub(super) is_settled: bool,
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
                if row.int(2)? == 0 {
                    let state = serde_json::from_str(row.text(6)?).ok();
                    group.row = Some((row.opt_text(5)?.map(str::to_owned), state));
                } else {
                    let no = row.text(3)?;
                    if group.orders.last().is_none_or(|order| order.no != no) {
                        let (first_seq, last_seq) = (row.opt_int(11)?, row.opt_int(12)?);
                        group.orders.push(Order {
                            no: no.to_owned(),
                            buyer: row.opt_text(5)?.unwrap_or_default().to_owned(),
                            status: row.text(6)?.to_owned(),
                            seller: row.text(7)?.to_owned(),
                            hold_n: row.int(8)?,
                            goods: BTreeMap::new(),
                            is_new: first_seq.is_some_and(|seq| seq >= self.horizon.placed_before_seq),
                            is_settled: last_seq.is_none_or(|seq| seq <= self.horizon.settled_seq),
                        });
                    }
                    if let (Some(order), Some(sku)) = (group.orders.last_mut(), row.opt_text(9)?) {
                        let units = order.goods.entry(sku.to_owned()).or_default();
                        *units = units.saturating_add(row.int(10)?);
                    }
                }
            }
            if finished.is_some() {
                return Ok(finished);
            }
        }
        Ok(self.begun.take())
    }
}
