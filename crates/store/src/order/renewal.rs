//! What a restore changes in the orders, so that nothing given out after the backup is given out again.

use holdline_domain::fault::Fault;
use holdline_domain::order::number::BLOCKS;
use holdline_domain::time::UnixMillis;

use super::number::all_blocks;
use super::stored::ORDERS;
use crate::engine::{Column, Engine, Write};
use crate::pair::Renewed;
use crate::program::{Once, head, set_head};
use crate::rows::Fields;

/// Raises the feed's epoch, and moves every block of order numbers to `numbers_from`, or where its own last lease ended
/// if that is later.
pub(crate) async fn renew<E: Engine>(engine: &E, numbers_from: UnixMillis) -> Result<Renewed, Fault> {
    let program =
        Once::new(vec![head("feed_head", &["min_writer", "epoch"]), all_blocks()], move |mut results, _now| {
            let epoch = results.head(ORDERS)?.int()? + 1;
            let mut until = numbers_from.0;
            let mut known = Vec::new();
            for row in results.take() {
                let mut fields = Fields::of(ORDERS, row);
                known.push(fields.int()?);
                until = until.max(fields.int()?);
            }
            let all: Vec<i64> = (0..i64::from(BLOCKS)).collect();
            let untils = vec![until; all.len()];
            let writes = vec![
                Write::Delete { table: "number_block", key: &["block"], values: vec![Column::Int(known)] },
                Write::Insert {
                    table: "number_block",
                    columns: &["block", "until_ms"],
                    values: vec![Column::Int(all), Column::Int(untils)],
                    or_ignore: false,
                },
                set_head("feed_head", &["epoch"], &[epoch]),
            ];
            Ok((writes, Renewed { epoch, numbers_from: UnixMillis(until) }))
        });
    engine.run(program).await
}
