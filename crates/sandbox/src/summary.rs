//! The sandbox's books in one answer: what a test compares with Holdline's, and what the mischief has done.

use rusqlite::Row;
use serde_json::{Map, Value, json};

use crate::desk::Desk;

impl Desk<'_> {
    /// Counts by state, sums by currency, what became of callbacks, and what every switch did.
    pub(crate) fn summary(&self) -> rusqlite::Result<Value> {
        let number = |row: &Row<'_>| Ok(json!(row.get::<_, i64>(1)?));
        let waiting: i64 =
            self.rows.query_row("SELECT count(*) FROM callback WHERE due_ms IS NOT NULL", [], |row| row.get(0))?;
        let given_up: i64 =
            self.rows.query_row("SELECT count(*) FROM callback WHERE due_ms IS NULL", [], |row| row.get(0))?;
        let mut tally = self.by_name("SELECT name, drawn, done FROM tally", |row| {
            Ok(json!({ "drawn": row.get::<_, i64>(1)?, "done": row.get::<_, i64>(2)? }))
        })?;
        let delivered = tally.remove("callback_delivered").map_or(json!(0), |tally| tally["done"].clone());
        Ok(json!({
            "payments": self.by_name("SELECT state, count(*) FROM payment GROUP BY state", number)?,
            "refunds": self.by_name("SELECT state, count(*) FROM refund GROUP BY state", number)?,
            "captured": self.by_name(
                "SELECT currency, sum(captured) FROM payment WHERE state = 'captured' GROUP BY currency",
                number,
            )?,
            "refunded": self.by_name(
                "SELECT currency, sum(amount) FROM refund WHERE state = 'succeeded' GROUP BY currency",
                number,
            )?,
            "callbacks": { "waiting": waiting, "given_up": given_up, "delivered": delivered },
            "mischief": tally,
            "switches": self.mischief,
        }))
    }

    fn by_name(
        &self,
        sql: &str,
        value: impl Fn(&Row<'_>) -> rusqlite::Result<Value>,
    ) -> rusqlite::Result<Map<String, Value>> {
        let mut statement = self.rows.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, value(row)?)))?;
        rows.collect()
    }
}
