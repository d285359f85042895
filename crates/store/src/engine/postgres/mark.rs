//! The mark that a backup leaves in both schemas: where both were at one instant, and the place in PostgreSQL's own log
//! from which a recovery brings that instant back.

use holdline_domain::fault::{Fault, FaultKind};

use super::connection::Connection;
use super::session::read_schema_version;
use super::{Postgres, unavailable};
use crate::engine::Value;
use crate::engine::migration::{Database, LEDGER, ORDERS, SchemaVersion};
use crate::pair::{Cut, Side, Sides};

/// A mark: recovery to its restore point, to its place in the log, or to anything later has both databases at least there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where both were.
    pub cut: Cut,
    /// For `recovery_target_name`; `None` if the role may not make one.
    pub restore_point: Option<String>,
    /// For `recovery_target_lsn`.
    pub lsn: String,
}

/// Locks both heads, so that no batch is under way in either; lets each note where the other one is; then names the
/// place in the log.
pub(crate) async fn mark(ledger: &Postgres, orders: &Postgres, restore_point: &str) -> Result<Mark, Fault> {
    let of_ledger = lock(ledger, &LEDGER).await?;
    let of_orders = lock(orders, &ORDERS).await?;
    let cut = Cut {
        sides: Sides { ledger: side(&of_ledger, &LEDGER).await?, orders: side(&of_orders, &ORDERS).await? },
        feed_epoch: figure(&of_orders, "SELECT epoch FROM feed_head").await?,
        newest_hold_no: figure(&of_ledger, "SELECT coalesce(max(hold_no), 0) FROM hold").await?,
        ledger_schema: schema(&of_ledger).await?,
        orders_schema: schema(&of_orders).await?,
    };
    note(&of_ledger, cut.sides.orders.next_seq).await?;
    note(&of_orders, cut.sides.ledger.next_seq).await?;
    of_ledger.commit().await?;
    of_orders.commit().await?;
    // After both commits: whoever recovers to here has both notes.
    let may = "SELECT has_function_privilege('pg_create_restore_point(text)', 'execute')::int::bigint";
    let (named, sql, parameters) = if figure(&of_orders, may).await? == 1 {
        let name = Value::Text(restore_point.to_owned());
        (Some(restore_point.to_owned()), "SELECT pg_create_restore_point($1)::text", vec![name])
    } else {
        (None, "SELECT pg_current_wal_flush_lsn()::text", Vec::new())
    };
    match of_orders.query_once(sql, parameters).await?.pop().map(|row| row.0).as_deref() {
        Some([Value::Text(lsn)]) => Ok(Mark { cut, restore_point: named, lsn: lsn.clone() }),
        _ => Err(not_understood(&of_orders, "its place in the log")),
    }
}

/// How many other sessions of Holdline are in the database of `orders`.
pub async fn other_sessions(url: &str) -> Result<i64, Fault> {
    let server = super::session::Server::try_new(url, ORDERS.name)?;
    let connection = Connection::open(&server).await?;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holdline' \
               AND datname = current_database() AND pid <> pg_backend_pid()";
    figure(&connection, sql).await
}

async fn lock(engine: &Postgres, database: &Database) -> Result<Connection, Fault> {
    let connection = Connection::open(&engine.open.server).await?;
    connection.script(&format!("BEGIN; SELECT next_seq FROM {} FOR UPDATE", database.heads[0])).await?;
    Ok(connection)
}

async fn side(connection: &Connection, database: &Database) -> Result<Side, Fault> {
    let sql = format!("SELECT next_seq, pair_id, other_seq, backup_id FROM pair, {}", database.heads[0]);
    match connection.query_once(&sql, Vec::new()).await?.pop().map(|row| row.0).as_deref() {
        Some([Value::Int(next_seq), Value::Text(pair_id), Value::Int(other_seq), Value::Text(backup_id)]) => Ok(Side {
            next_seq: *next_seq,
            pair_id: pair_id.clone(),
            other_seq: *other_seq,
            backup_id: backup_id.clone(),
        }),
        _ => Err(not_understood(connection, "pair")),
    }
}

async fn note(connection: &Connection, other_seq: i64) -> Result<(), Fault> {
    connection.script(&format!("UPDATE pair SET other_seq = {other_seq}")).await
}

async fn figure(connection: &Connection, sql: &str) -> Result<i64, Fault> {
    match connection.query_once(sql, Vec::new()).await?.pop().map(|row| row.0).as_deref() {
        Some([Value::Int(figure)]) => Ok(*figure),
        _ => Err(not_understood(connection, "a number")),
    }
}

async fn schema(connection: &Connection) -> Result<SchemaVersion, Fault> {
    let never = || unavailable(connection.database(), "the schema was never migrated");
    read_schema_version(connection).await?.ok_or_else(never)
}

fn not_understood(connection: &Connection, what: &str) -> Fault {
    let message = format!("the server's answer to {what} is not understood");
    Fault::not_done(connection.database(), FaultKind::Schema, message)
}
