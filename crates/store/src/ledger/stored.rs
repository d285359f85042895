//! The stored forms of the ledger, in one place: accounts, holds, movements.
//!
//! Format 1 of a hold's JSON texts (column `format`):
//! - `order_nos`: `[["seller", "number"], …]`
//! - `parts`: `[["s:seller" | "g", "h" | "c" | "r"], …]`, sorted by part; the states have one letter each, so that
//!   resolving a hold overwrites its row in place
//! - `lines`: `[[place in parts, account_no, quantity], …]`, sorted by part and account
//!
//! The lines repeat what the movements `hold_no ..` say: about 15 bytes more per hold in a table of arrival order, for
//! one row instead of 1 + k when a hold is looked up, which every submit and every resolution does.

use compact_str::CompactString;
use holdline_domain::fault::Fault;
use holdline_domain::id::{BuyerId, Fingerprint, GroupKey, Reference, SellerId, SkuCode, TenantId};
use holdline_domain::ledger::{
    Account, AccountKey, Flags, HoldId, HoldLine, HoldRecord, Movement, MovementKind, Part, PartState, QuotaKey,
    StockKey,
};
use holdline_domain::order::OrderNo;
use holdline_domain::time::UnixMillis;

use crate::engine::{Column, Row};
use crate::rows::{Fields, json, schema};

pub(super) const LEDGER: &str = "ledger";

/// The format that this version writes.
pub(super) const HOLD_FORMAT: i64 = 1;

pub(super) const KIND_STOCK: i64 = 0;
pub(super) const KIND_QUOTA: i64 = 1;

pub(super) const ACCOUNT_COLUMNS: &[&str] = &[
    "account_no",
    "tenant",
    "kind",
    "sku",
    "location",
    "channel",
    "period",
    "buyer",
    "on_hand",
    "held",
    "allocated",
    "version",
    "last_seq",
    "infinite",
    "shortage_max",
    "sold_out",
    "danger_level",
];

/// The key of an account, as its unique index has it: what differs most comes early.
pub(super) const ACCOUNT_KEY: &[&str] = &["tenant", "sku", "kind", "buyer", "location", "channel", "period"];

pub(super) const HOLD_COLUMNS: &[&str] =
    &["hold_no", "tenant", "hold_key", "n", "content", "format", "order_nos", "parts", "lines", "taken_ms"];

pub(super) const MOVEMENT_COLUMNS: &[&str] =
    &["seq", "tenant", "account_no", "prev_seq", "kind", "quantity", "hold_no", "part", "reference", "at_ms"];

/// The columns of [`ACCOUNT_KEY`].
pub(super) fn account_keys<'a>(keys: impl Iterator<Item = (TenantId, &'a AccountKey)>) -> Vec<Column> {
    let (mut tenants, mut skus, mut kinds, mut buyers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut locations, mut channels, mut periods) = (Vec::new(), Vec::new(), Vec::new());
    for (tenant, key) in keys {
        let parts = KeyParts::of(key);
        tenants.push(tenant.0);
        skus.push(key.sku().as_str().to_owned());
        kinds.push(parts.kind);
        buyers.push(parts.buyer.to_owned());
        locations.push(parts.location.to_owned());
        channels.push(parts.channel.to_owned());
        periods.push(parts.period.to_owned());
    }
    vec![
        Column::Int(tenants),
        Column::Text(skus),
        Column::Int(kinds),
        Column::Text(buyers),
        Column::Text(locations),
        Column::Text(channels),
        Column::Text(periods),
    ]
}

/// The stored parts of an account's key.
pub(super) struct KeyParts<'a> {
    pub(super) kind: i64,
    pub(super) location: &'a str,
    pub(super) channel: &'a str,
    pub(super) period: &'a str,
    pub(super) buyer: &'a str,
}

impl<'a> KeyParts<'a> {
    pub(super) fn of(key: &'a AccountKey) -> Self {
        match key {
            AccountKey::Stock(stock) => Self {
                kind: KIND_STOCK,
                location: &stock.location,
                channel: &stock.channel,
                period: &stock.period,
                buyer: "",
            },
            AccountKey::Quota(quota) => {
                Self { kind: KIND_QUOTA, location: "", channel: "", period: "", buyer: quota.buyer.as_str() }
            }
        }
    }
}

/// An account and its newest movement, from [`ACCOUNT_COLUMNS`].
pub(super) fn account(row: Row) -> Result<(Account, i64), Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let account_no = fields.int()?;
    let tenant = TenantId(fields.int()?);
    let kind = fields.int()?;
    let sku = SkuCode::from_stored(fields.text()?);
    let location = CompactString::from(fields.text()?);
    let channel = CompactString::from(fields.text()?);
    let period = CompactString::from(fields.text()?);
    let buyer = fields.text()?;
    let key = match kind {
        KIND_STOCK => AccountKey::Stock(StockKey { sku, location, channel, period }),
        KIND_QUOTA => AccountKey::Quota(QuotaKey { sku, buyer: BuyerId::from_stored(buyer) }),
        other => return Err(schema(LEDGER, format!("account {account_no} has the unknown kind {other}"))),
    };
    let (on_hand, held, allocated) = (fields.int()?, fields.int()?, fields.int()?);
    let (version, last_seq) = (fields.int()?, fields.int()?);
    let flags = Flags {
        infinite: fields.flag()?,
        shortage_max: fields.int()?,
        sold_out: fields.flag()?,
        danger_level: fields.opt_int()?,
    };
    Ok((Account { account_no, tenant, key, on_hand, held, allocated, version, flags }, last_seq))
}

/// A hold and when it was taken, from [`HOLD_COLUMNS`].
pub(super) fn hold(row: Row) -> Result<(HoldRecord, UnixMillis), Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let hold_no = fields.int()?;
    let tenant = TenantId(fields.int()?);
    let key = GroupKey::from_stored(fields.text()?);
    let n = fields.int()?;
    let n = i32::try_from(n).map_err(|_| schema(LEDGER, format!("hold {hold_no} has n = {n}")))?;
    let content = Fingerprint(fields.hash()?);
    let format = fields.int()?;
    if format != HOLD_FORMAT {
        return Err(schema(LEDGER, format!("hold {hold_no} has format {format}, this version knows {HOLD_FORMAT}")));
    }
    let order_nos: Vec<(SellerId, OrderNo)> = fields.json("list of order numbers")?;
    let stored_parts: Vec<(String, String)> = fields.json("list of parts")?;
    let stored_lines: Vec<(usize, i64, i64)> = fields.json("list of lines")?;
    let taken = UnixMillis(fields.int()?);
    let mut parts = Vec::with_capacity(stored_parts.len());
    for (name, letter) in stored_parts {
        let state = part_state(&letter).ok_or_else(|| fields.unknown("part state", &letter))?;
        parts.push((part(&name).ok_or_else(|| fields.unknown("part", &name))?, state));
    }
    let mut lines = Vec::with_capacity(stored_lines.len());
    for (place, account_no, quantity) in stored_lines {
        let (part, _) = parts.get(place).ok_or_else(|| schema(LEDGER, format!("hold {hold_no} lacks a part")))?;
        lines.push(HoldLine { part: part.clone(), account_no, quantity });
    }
    Ok((HoldRecord { hold_no, tenant, id: HoldId { key, n }, content, order_nos, parts, lines }, taken))
}

/// A movement and its instant, from [`MOVEMENT_COLUMNS`].
pub(super) fn movement(row: Row) -> Result<(Movement, UnixMillis), Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let (seq, tenant, account_no) = (fields.int()?, TenantId(fields.int()?), fields.int()?);
    let _prev_seq = fields.int()?;
    let code = fields.int()?;
    let kind = MovementKind::from_code(code)
        .ok_or_else(|| schema(LEDGER, format!("movement {seq} has the unknown kind {code}")))?;
    let quantity = fields.int()?;
    let hold_no = fields.opt_int()?;
    let part = match fields.opt_text()? {
        None => None,
        Some(name) => Some(part(&name).ok_or_else(|| fields.unknown("part", &name))?),
    };
    let reference = fields.opt_text()?.map(Reference::from_stored);
    let at = UnixMillis(fields.int()?);
    Ok((Movement { seq, tenant, account_no, kind, quantity, hold_no, part, reference }, at))
}

pub(super) fn order_nos_text(order_nos: &[(SellerId, OrderNo)]) -> String {
    json(order_nos)
}

pub(super) fn parts_text(parts: &[(Part, PartState)]) -> String {
    let stored: Vec<(String, &str)> = parts.iter().map(|(part, state)| (part_text(part), letter(*state))).collect();
    json(&stored)
}

pub(super) fn lines_text(hold: &HoldRecord) -> String {
    let place = |part: &Part| hold.parts.iter().position(|(p, _)| p == part);
    let lines: Vec<(usize, i64, i64)> = hold
        .lines
        .iter()
        .map(|line| (place(&line.part).expect("a hold has the part of each line"), line.account_no, line.quantity))
        .collect();
    json(&lines)
}

pub(super) fn part_text(part: &Part) -> String {
    match part {
        Part::Group => "g".to_owned(),
        Part::Seller(seller) => format!("s:{seller}"),
    }
}

pub(super) fn part(text: &str) -> Option<Part> {
    match text {
        "g" => Some(Part::Group),
        _ => text.strip_prefix("s:").map(|seller| Part::Seller(SellerId::from_stored(seller))),
    }
}

fn letter(state: PartState) -> &'static str {
    match state {
        PartState::Held => "h",
        PartState::Committed => "c",
        PartState::Released => "r",
    }
}

fn part_state(letter: &str) -> Option<PartState> {
    match letter {
        "h" => Some(PartState::Held),
        "c" => Some(PartState::Committed),
        "r" => Some(PartState::Released),
        _ => None,
    }
}
