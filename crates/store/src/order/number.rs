//! Leases of number blocks, and the offset that numbers are stamped at.

use holdline_domain::fault::Fault;
use holdline_domain::order::number::{BLOCKS, BlockLease, StoredBlock, choose_block};
use holdline_domain::time::UnixMillis;

use super::stored::ORDERS;
use crate::engine::{Column, Engine, Lookup, Write};
use crate::program::{Once, head};
use crate::rows::{Fields, schema};

const OFFSET_SETTING: &str = "number_offset_s";

/// Every block that was ever leased, with `until_ms`.
pub(super) fn all_blocks() -> Lookup {
    Lookup {
        table: "number_block",
        columns: &["block", "until_ms"],
        key: &["block"],
        keys: vec![Column::Int((0..i64::from(BLOCKS)).collect())],
        lock: false,
    }
}

/// Takes the feed head: two processes never lease one block.
pub(super) async fn lease_block<E: Engine>(engine: &E) -> Result<BlockLease, Fault> {
    let program = Once::new(vec![head("feed_head", &["min_writer"]), all_blocks()], |mut results, now| {
        results.head(ORDERS)?;
        let mut stored = Vec::new();
        for row in results.take() {
            let mut fields = Fields::of(ORDERS, row);
            let block = u32::try_from(fields.int()?).map_err(|_| schema(ORDERS, "a block has no valid number"))?;
            stored.push(StoredBlock { block, until: UnixMillis(fields.int()?) });
        }
        let lease = choose_block(&stored, now);
        let values = vec![Column::Int(vec![i64::from(lease.block)]), Column::Int(vec![lease.until.0])];
        let write = if stored.iter().any(|block| block.block == lease.block) {
            Write::Update { table: "number_block", key: &["block"], set: &["until_ms"], add: &[], values }
        } else {
            Write::Insert { table: "number_block", columns: &["block", "until_ms"], values, or_ignore: false }
        };
        Ok((vec![write], lease))
    });
    engine.run(program).await
}

/// The stored offset; `wanted_s` is stored if there is none.
pub(super) async fn offset_s<E: Engine>(engine: &E, wanted_s: i32) -> Result<i32, Fault> {
    let setting = Lookup {
        table: "setting",
        columns: &["value"],
        key: &["name"],
        keys: vec![Column::Text(vec![OFFSET_SETTING.to_owned()])],
        lock: false,
    };
    let program = Once::new(vec![head("feed_head", &["min_writer"]), setting], move |mut results, _now| {
        results.head(ORDERS)?;
        if let Some(row) = results.take().pop() {
            let stored = Fields::of(ORDERS, row).parsed("offset of order numbers", |text| text.parse().ok())?;
            return Ok((Vec::new(), stored));
        }
        let write = Write::Insert {
            table: "setting",
            columns: &["name", "value"],
            values: vec![Column::Text(vec![OFFSET_SETTING.to_owned()]), Column::Text(vec![wanted_s.to_string()])],
            or_ignore: false,
        };
        Ok((vec![write], wanted_s))
    });
    engine.run(program).await
}
