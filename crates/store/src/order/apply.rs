//! One batch of changes as a program: feed head, groups, promises and versions in one read; then the shard clock and the domain
//! decide, and the rows are written set-wise.

use std::sync::Arc;

use holdline_domain::fault::Fault;
use holdline_domain::id::{TenantId, Version};
use holdline_domain::order::OrderNo;
use holdline_domain::order::change::{Change, ChangeAnswer, Guard, GuardKeys, SatelliteKind, decide};
use holdline_domain::time::UnixMillis;

use super::accepted::{acceptance, acceptances};
use super::clock::OrderClock;
use super::life;
use super::stored::{self, GROUP_COLUMNS, ORDERS};
use super::writes::writes;
use crate::engine::{Column, Lookup, Program, Row, Step};
use crate::program::{Results, head};
use crate::rows::Fields;

/// One batch on its way.
pub(super) struct Apply {
    batch: Arc<[Change]>,
    /// `None` once it was read.
    keys: Option<GuardKeys>,
    /// The kinds of rows beside orders whose versions were asked for, in this order.
    kinds: Vec<SatelliteKind>,
    clock: Arc<OrderClock>,
}

impl Apply {
    pub(super) fn new(batch: Arc<[Change]>, clock: Arc<OrderClock>) -> Self {
        let keys = Some(GuardKeys::of(&batch));
        Self { batch, keys, kinds: Vec::new(), clock }
    }

    /// The rows under lock, and what the clock says to them.
    fn guard(&self, mut results: Results, database_now: UnixMillis) -> Result<Guard, Fault> {
        let mut guard = Guard::default();
        let mut head = results.head(ORDERS)?;
        guard.next_seq = head.int()?;
        let feed_head = UnixMillis(head.int()?);
        for row in results.take() {
            let group = stored::group(row)?;
            guard.groups.insert((group.tenant, group.key.clone()), group);
        }
        guard.acceptances = results.take().into_iter().map(acceptance).collect::<Result<_, _>>()?;
        for row in results.take() {
            let mut fields = Fields::of(ORDERS, row);
            let (tenant, order_no) = (TenantId(fields.int()?), OrderNo::from_stored(fields.text()?));
            guard.orders.insert((tenant, order_no), Version(fields.int()?));
        }
        for kind in &self.kinds {
            for row in results.take() {
                let (key, version) = life::version(*kind, row)?;
                guard.satellites.insert(key, version);
            }
        }
        guard.now = self.clock.judge(database_now, feed_head)?;
        Ok(guard)
    }
}

fn read(keys: &GuardKeys) -> Vec<Lookup> {
    let group_keys = vec![
        Column::Int(keys.groups.iter().map(|(tenant, _)| tenant.0).collect()),
        Column::Text(keys.groups.iter().map(|(_, key)| key.as_str().to_owned()).collect()),
    ];
    let order_keys = vec![
        Column::Int(keys.orders.iter().map(|(tenant, _)| tenant.0).collect()),
        Column::Text(keys.orders.iter().map(|(_, order_no)| order_no.as_str().to_owned()).collect()),
    ];
    vec![
        head("feed_head", &["min_writer", "next_seq", "last_ms"]),
        Lookup {
            table: "order_group",
            columns: GROUP_COLUMNS,
            key: &["tenant", "group_key"],
            keys: group_keys.clone(),
            lock: false,
        },
        acceptances(group_keys),
        Lookup {
            table: "orders",
            columns: &["tenant", "order_no", "version"],
            key: &["tenant", "order_no"],
            keys: order_keys,
            lock: false,
        },
    ]
}

impl Program for Apply {
    type Outcome = Vec<ChangeAnswer>;

    fn next(&mut self, results: Vec<Vec<Row>>, now: UnixMillis) -> Result<Step<Self::Outcome>, Fault> {
        if let Some(keys) = self.keys.take() {
            let mut lookups = read(&keys);
            for (kind, lookup) in life::version_lookups(&keys) {
                self.kinds.push(kind);
                lookups.push(lookup);
            }
            return Ok(Step::Read(lookups));
        }
        let guard = self.guard(Results::new(results), now)?;
        let shard_now = guard.now;
        let mut decided = decide(&self.batch, guard);
        let answers = std::mem::take(&mut decided.answers);
        Ok(Step::Write(writes(&decided, shard_now), answers))
    }
}
