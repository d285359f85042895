//! Data of every earlier schema under today's program, and two programs on one database.
//!
//! An earlier release's data: a database that has had only that release's migrations, which are kept for ever and never
//! edited, with the rows of a real shop in the tables and columns that it had. A later release: the same step that its
//! migration would take. Building the earlier program itself would take CI longer than everything else together.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use holdline_load::private_postgres::{Options, PrivatePostgres};
use holdline_store::engine::migration::{CREATE_SCHEMA_VERSION, Database, LEDGER, Migration, ORDERS, SCHEMA_KNOWN};
use rusqlite::Connection;
use tokio_postgres::NoTls;

use crate::process::WITHIN;
use crate::shop::Shop;

/// Names in the one column of a query.
fn names(connection: &Connection, sql: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn tables(connection: &Connection, of: &str) -> Result<Vec<String>> {
    names(connection, &format!("SELECT name FROM {of}.sqlite_schema WHERE type = 'table' ORDER BY name"))
}

fn columns(connection: &Connection, of: &str, table: &str) -> Result<Vec<String>> {
    names(connection, &format!("SELECT name FROM pragma_table_info('{table}', '{of}') ORDER BY cid"))
}

/// Every row of a table in these columns, in words, sorted.
fn rows(connection: &Connection, of: &str, table: &str, columns: &[String]) -> Result<Vec<String>> {
    let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
    names(connection, &format!("SELECT {} AS row FROM {of}.{table} ORDER BY 1", quoted.join(" || ',' || ")))
}

/// What an upgrade may change: which schema it is, who may write it, and what it notes at once.
fn is_of_upgrade(table: &str, column: &str) -> bool {
    table == "schema_version" || table == "pair" || column == "min_writer"
}

/// Today's rows in a database that has had the first `version` migrations only.
fn make_older(today: &Path, older: &Path, database: &Database, version: usize) -> Result<()> {
    let connection = Connection::open(older)?;
    connection.execute_batch(CREATE_SCHEMA_VERSION)?;
    for migration in &database.migrations[..version] {
        connection.execute_batch(migration.sqlite)?;
        for statement in database.record(migration) {
            connection.execute_batch(&statement)?;
        }
    }
    connection.execute("ATTACH ?1 AS today", [today.to_str().context("a path in UTF-8")?])?;
    for table in tables(&connection, "main")?.iter().filter(|table| !is_of_upgrade(table, "")) {
        let of_today = columns(&connection, "today", table)?;
        let mut kept = columns(&connection, "main", table)?;
        kept.retain(|column| of_today.contains(column));
        let list = kept.join(", ");
        connection.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({list}) SELECT {list} FROM today.{table}"
        ))?;
    }
    for head in database.heads {
        let min_writer = database.migrations[version - 1].min_writer;
        connection.execute(&format!("UPDATE {head} SET min_writer = ?1"), [min_writer])?;
    }
    Ok(())
}

/// Every row that the older database had is in the newer one, in the older columns.
fn expect_rows_intact(older: &Path, newer: &Path) -> Result<()> {
    let connection = Connection::open(newer)?;
    connection.execute("ATTACH ?1 AS older", [older.to_str().context("a path in UTF-8")?])?;
    let mut count = 0;
    for table in tables(&connection, "older")? {
        let mut kept = columns(&connection, "older", &table)?;
        kept.retain(|column| !is_of_upgrade(&table, column));
        if kept.is_empty() {
            continue;
        }
        let (was, is) = (rows(&connection, "older", &table, &kept)?, rows(&connection, "main", &table, &kept)?);
        count += was.len();
        ensure!(was == is, "{table} was {was:#?} and is {is:#?}");
    }
    ensure!(count > 10, "only {count} rows were compared");
    Ok(())
}

#[test]
fn data_of_every_earlier_schema_is_opened_with_its_rows_intact() -> Result<()> {
    let shop = Shop::new()?;
    let served = shop.serve()?;
    for number in &shop.buy_many(served.address, 6)?[..2] {
        shop.cancel(&served, number)?;
    }
    shop.settled("holdline-data")?;
    served.process.terminate(WITHIN)?;
    let path = shop.place.path();
    for ledger_version in 1..=LEDGER.migrations.len() {
        for orders_version in 1..=ORDERS.migrations.len() {
            let name = format!("older-{ledger_version}-{orders_version}");
            for directory in [&name, &format!("{name}-kept")] {
                let directory = path.join(directory);
                std::fs::create_dir(&directory)?;
                for (database, version) in [(&LEDGER, ledger_version), (&ORDERS, orders_version)] {
                    let file = format!("{}.sqlite", database.name);
                    make_older(&path.join("holdline-data").join(&file), &directory.join(&file), database, version)?;
                }
            }
            // Opened, migrated and paired, and nothing else done.
            drop(holdline_store::open_sqlite(&path.join(&name), &holdline_store::Clocks::of_machine())?);
            for file in ["ledger.sqlite", "orders.sqlite"] {
                expect_rows_intact(&path.join(format!("{name}-kept")).join(file), &path.join(&name).join(file))
                    .with_context(|| format!("{name}/{file}"))?;
            }
            shop.expect_audit_clean(&name)?;
            let served = shop.serve_from(&name)?;
            shop.buy_many(served.address, 2)?;
            shop.settled(&name)?;
            served.process.terminate(WITHIN)?;
            shop.expect_audit_clean(&name)?;
        }
    }
    Ok(())
}

/// The step of a later release: a table more, and who may go on writing.
fn later(version: i64, min_writer: i64) -> Migration {
    Migration { version, min_writer, sqlite: "", postgres: "CREATE TABLE IF NOT EXISTS of_a_later_release (id bigint)" }
}

fn migrate(url: &str, migration: &Migration) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        for database in [&LEDGER, &ORDERS] {
            let steps = [migration.postgres.to_owned()].into_iter().chain(database.record(migration));
            let script = steps.collect::<Vec<_>>().join("; ");
            let schema = database.name;
            client.batch_execute(&format!("BEGIN; SET LOCAL search_path = {schema}; {script}; COMMIT")).await?;
        }
        Ok(())
    })
}

/// The later release migrates while this one serves beside it: this one goes on as long as it may, and stops at its next
/// batch when it may not, saying why.
#[test]
fn an_older_process_beside_a_newer_schema_goes_on_only_as_long_as_it_may() -> Result<()> {
    let postgres = PrivatePostgres::start(Options::default())?;
    postgres.create_database("shop")?;
    let url = postgres.url("shop");
    let shop = Shop::on_postgres(&url)?;
    let older = shop.serve()?;
    shop.buy(older.address)?;
    migrate(&url, &later(SCHEMA_KNOWN + 1, SCHEMA_KNOWN))?;
    shop.buy_many(older.address, 3)?;
    // One that starts now may write as well: both serve side by side.
    let beside = shop.serve()?;
    for _ in 0..3 {
        shop.buy(older.address)?;
        shop.buy(beside.address)?;
    }
    migrate(&url, &later(SCHEMA_KNOWN + 2, SCHEMA_KNOWN + 2))?;
    for process in [&older, &beside] {
        let refused = shop.buy(process.address).unwrap_err().to_string();
        assert!(refused.contains("503"), "{refused}");
    }
    let log = std::fs::read_to_string(shop.place.path().join("server.log"))?;
    assert!(log.contains("run the newer Holdline"), "{log}");
    assert_eq!(older.process.terminate(WITHIN)?.code(), Some(0));
    assert_eq!(beside.process.terminate(WITHIN)?.code(), Some(0));
    // And it does not start again.
    crate::serve_refused(&shop, "holdline-data", "run the newer Holdline")?;
    postgres.stop()?;
    Ok(())
}
