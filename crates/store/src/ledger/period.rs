//! Periods as stored: written under the ledger's head row, numbered in a sequence of their own changes.

use std::collections::HashMap;

use compact_str::CompactString;
use holdline_domain::fault::Fault;
use holdline_domain::id::{PeriodName, SkuCode, TenantId};
use holdline_domain::ledger::{EndedPeriod, Period, PeriodAnswer, Rest, put_period};
use holdline_domain::time::UnixMillis;

use super::stored::LEDGER;
use crate::engine::{Column, Engine, Lookup, Row, Write};
use crate::program::{Once, head, set_head};
use crate::rows::{Fields, ints, opt_ints, texts};

const TABLE: &str = "stock_period";
const KEY: &[&str] = &["tenant", "sku", "channel", "period"];
const COLUMNS: &[&str] = &["tenant", "sku", "channel", "period", "start_ms", "end_ms", "rest"];
/// [`COLUMNS`], when its rest is looked at next, and the place of its last change; the first four are the key.
const ALL_COLUMNS: &[&str] =
    &["tenant", "sku", "channel", "period", "start_ms", "end_ms", "rest", "look_ms", "changed_seq"];

/// The periods of a SKU.
pub(super) fn of_sku(tenant: TenantId, sku: &SkuCode) -> Lookup {
    let keys = vec![Column::Int(vec![tenant.0]), Column::Text(vec![sku.as_str().to_owned()])];
    Lookup { table: TABLE, columns: COLUMNS, key: &["tenant", "sku"], keys, lock: false }
}

/// Periods from [`COLUMNS`], by channel and start.
pub(super) fn sorted(rows: Vec<Row>) -> Result<Vec<Period>, Fault> {
    let period = |row| period(&mut Fields::of(LEDGER, row)).map(|(_, period)| period);
    let mut periods = rows.into_iter().map(period).collect::<Result<Vec<_>, _>>()?;
    periods.sort_by(|a, b| (&a.channel, a.start).cmp(&(&b.channel, b.start)));
    Ok(periods)
}

fn period(fields: &mut Fields) -> Result<(TenantId, Period), Fault> {
    let tenant = TenantId(fields.int()?);
    let sku = SkuCode::from_stored(fields.text()?);
    let channel = CompactString::from(fields.text()?);
    let name = PeriodName::from_stored(fields.text()?);
    let (start, end) = (UnixMillis(fields.int()?), UnixMillis(fields.int()?));
    let rest = fields.parsed("rest rule", Rest::from_name)?;
    Ok((tenant, Period { sku, channel, name, start, end, rest }))
}

/// A row of `list_period_changes_after.sql`.
pub(super) fn change(row: Row) -> Result<(i64, (TenantId, Period)), Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let changed = period(&mut fields)?;
    Ok((fields.int()?, changed))
}

/// A row of `list_ended_periods.sql`.
pub(super) fn ended(row: Row) -> Result<EndedPeriod, Fault> {
    let mut fields = Fields::of(LEDGER, row);
    let (tenant, period) = period(&mut fields)?;
    let look = UnixMillis(fields.int()?);
    let next = fields.opt_text()?.map(PeriodName::from_stored);
    Ok(EndedPeriod { tenant, period, next, look })
}

pub(super) async fn put<E: Engine>(engine: &E, tenant: TenantId, wish: Period) -> Result<PeriodAnswer, Fault> {
    let lookups = vec![head("ledger_head", &["min_writer", "next_period_seq"]), of_sku(tenant, &wish.sku)];
    let program = Once::new(lookups, move |mut results, now| {
        let seq = results.head(LEDGER)?.int()?;
        let stored = sorted(results.take())?;
        let answer = put_period(&stored, &wish, now);
        if answer != PeriodAnswer::Stored {
            return Ok((Vec::new(), answer));
        }
        let is_new = stored.iter().all(|period| period.account() != wish.account());
        Ok((vec![write(tenant, &wish, is_new, seq), set_head("ledger_head", &["next_period_seq"], &[seq + 1])], answer))
    });
    engine.run(program).await
}

fn write(tenant: TenantId, wish: &Period, is_new: bool, seq: i64) -> Write {
    let wish = std::slice::from_ref(wish);
    let values = vec![
        ints(wish, |_| tenant.0),
        texts(wish, |period| period.sku.as_str()),
        texts(wish, |period| &period.channel),
        texts(wish, |period| period.name.as_str()),
        ints(wish, |period| period.start.0),
        ints(wish, |period| period.end.0),
        texts(wish, |period| period.rest.as_str()),
        opt_ints(wish, |period| (period.rest != Rest::Keep).then_some(period.end.0)),
        ints(wish, |_| seq),
    ];
    if is_new {
        Write::Insert { table: TABLE, columns: ALL_COLUMNS, values, or_ignore: false }
    } else {
        let (key, set) = ALL_COLUMNS.split_at(KEY.len());
        Write::Update { table: TABLE, key, set, add: &[], values }
    }
}

pub(super) async fn looked_at<E: Engine>(engine: &E, looks: &[(EndedPeriod, UnixMillis)]) -> Result<(), Fault> {
    let looks = looks.to_vec();
    let lookups = vec![
        head("ledger_head", &["min_writer"]),
        Lookup {
            table: TABLE,
            columns: &["tenant", "sku", "channel", "period", "look_ms"],
            key: KEY,
            keys: key_values(&looks),
            lock: false,
        },
    ];
    let program = Once::new(lookups, move |mut results, _now| {
        results.head(LEDGER)?;
        let mut due = HashMap::new();
        for row in results.take() {
            let mut fields = Fields::of(LEDGER, row);
            let key = (fields.int()?, fields.text()?, fields.text()?, fields.text()?);
            due.insert(key, fields.opt_int()?);
        }
        let unchanged = |look: &(EndedPeriod, UnixMillis)| {
            let EndedPeriod { tenant, period, look, .. } = &look.0;
            let key = (tenant.0, period.sku.to_string(), period.channel.to_string(), period.name.to_string());
            due.get(&key) == Some(&Some(look.0))
        };
        let looks: Vec<_> = looks.into_iter().filter(unchanged).collect();
        if looks.is_empty() {
            return Ok((Vec::new(), ()));
        }
        let mut values = key_values(&looks);
        values.push(ints(&looks, |(_, next)| next.0));
        Ok((vec![Write::Update { table: TABLE, key: KEY, set: &["look_ms"], add: &[], values }], ()))
    });
    engine.run(program).await
}

fn key_values(looks: &[(EndedPeriod, UnixMillis)]) -> Vec<Column> {
    vec![
        ints(looks, |(ended, _)| ended.tenant.0),
        texts(looks, |(ended, _)| ended.period.sku.as_str()),
        texts(looks, |(ended, _)| &ended.period.channel),
        texts(looks, |(ended, _)| ended.period.name.as_str()),
    ]
}
