//! Which migrations a database needs, and whether this program may write it.
//!
//! A database carries `schema_version (version, min_writer)`, one row. `version` counts the migrations it has had;
//! `min_writer` is the oldest program that may still write it. Head rows repeat `min_writer`, and every program reads it
//! with its head: a writer that was running when the database was migrated stops at its next batch.
//!
//! Deliberately absent: going back. A released migration is never edited; the next one expands, a later one contracts.

use holdline_domain::fault::{Fault, FaultKind};

/// The newest schema that this program knows: what it compares every `min_writer` with.
pub const SCHEMA_KNOWN: i64 = 7;

/// One step of a schema, for both engines.
#[derive(Debug)]
pub struct Migration {
    /// The version it leads to: each larger than the one before.
    pub version: i64,
    /// The oldest program (by its [`SCHEMA_KNOWN`]) that may write the database afterwards.
    pub min_writer: i64,
    /// For SQLite: any number of statements.
    pub sqlite: &'static str,
    /// For PostgreSQL: any number of statements.
    pub postgres: &'static str,
}

/// One of Holdline's databases.
#[derive(Debug)]
pub struct Database {
    /// Its name: the file on SQLite, the schema on PostgreSQL, the dependency in faults.
    pub name: &'static str,
    /// Its head rows' tables: each has `min_writer`.
    pub heads: &'static [&'static str],
    /// All steps, in order.
    pub migrations: &'static [Migration],
}

/// The ledger of holds.
pub static LEDGER: Database = Database {
    name: "ledger",
    heads: &["ledger_head"],
    migrations: &[
        Migration {
            version: 1,
            min_writer: 1,
            sqlite: include_str!("../../migrations/sqlite/ledger/0001_first.sql"),
            postgres: include_str!("../../migrations/postgres/ledger/0001_first.sql"),
        },
        Migration {
            version: 2,
            min_writer: 2,
            sqlite: include_str!("../../migrations/sqlite/ledger/0002_outside_holds.sql"),
            postgres: include_str!("../../migrations/postgres/ledger/0002_outside_holds.sql"),
        },
        Migration {
            version: 3,
            min_writer: 2,
            sqlite: include_str!("../../migrations/sqlite/ledger/0003_pair.sql"),
            postgres: include_str!("../../migrations/postgres/ledger/0003_pair.sql"),
        },
        Migration {
            version: 4,
            min_writer: 4,
            sqlite: include_str!("../../migrations/sqlite/ledger/0004_stock_periods.sql"),
            postgres: include_str!("../../migrations/postgres/ledger/0004_stock_periods.sql"),
        },
        // A program that knows no closings may go on writing: they only sum up what is there.
        Migration {
            version: 5,
            min_writer: 4,
            sqlite: include_str!("../../migrations/sqlite/ledger/0005_closings.sql"),
            postgres: include_str!("../../migrations/postgres/ledger/0005_closings.sql"),
        },
    ],
};

/// Orders, catalog, tenants, keys, number blocks, feed.
pub static ORDERS: Database = Database {
    name: "orders",
    heads: &["feed_head", "catalog_head"],
    migrations: &[
        Migration {
            version: 1,
            min_writer: 1,
            sqlite: include_str!("../../migrations/sqlite/orders/0001_first.sql"),
            postgres: include_str!("../../migrations/postgres/orders/0001_first.sql"),
        },
        Migration {
            version: 2,
            min_writer: 3,
            sqlite: include_str!("../../migrations/sqlite/orders/0002_accepted_submits.sql"),
            postgres: include_str!("../../migrations/postgres/orders/0002_accepted_submits.sql"),
        },
        Migration {
            version: 3,
            min_writer: 3,
            sqlite: include_str!("../../migrations/sqlite/orders/0003_pair.sql"),
            postgres: include_str!("../../migrations/postgres/orders/0003_pair.sql"),
        },
        // The same table by the same names, in another order: whoever writes rows does not notice.
        Migration {
            version: 4,
            min_writer: 3,
            sqlite: include_str!("../../migrations/sqlite/orders/0004_groups_in_arrival_order.sql"),
            postgres: include_str!("../../migrations/postgres/orders/0004_groups_in_arrival_order.sql"),
        },
        Migration {
            version: 5,
            min_writer: 6,
            sqlite: include_str!("../../migrations/sqlite/orders/0005_payments.sql"),
            postgres: include_str!("../../migrations/postgres/orders/0005_payments.sql"),
        },
        // A program that parks nothing and sends nothing may go on writing, if it knows payments.
        Migration {
            version: 6,
            min_writer: 6,
            sqlite: include_str!("../../migrations/sqlite/orders/0006_consumers.sql"),
            postgres: include_str!("../../migrations/postgres/orders/0006_consumers.sql"),
        },
        Migration {
            version: 7,
            min_writer: 6,
            sqlite: include_str!("../../migrations/sqlite/orders/0007_unsettled.sql"),
            postgres: include_str!("../../migrations/postgres/orders/0007_unsettled.sql"),
        },
    ],
};

/// What a database says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaVersion {
    /// How many migrations it has had.
    pub version: i64,
    /// The oldest program that may write it.
    pub min_writer: i64,
}

/// Creates the table of [`SchemaVersion`], on both engines; harmless if it is there.
pub const CREATE_SCHEMA_VERSION: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL, min_writer bigint NOT NULL)";

impl Database {
    /// The steps that a database still needs: all of them if it is new (`None`).
    pub fn missing(&self, stored: Option<SchemaVersion>) -> Result<&'static [Migration], Fault> {
        let Some(stored) = stored else { return Ok(self.migrations) };
        check_writer(self.name, stored.min_writer)?;
        let done = self.migrations.partition_point(|migration| migration.version <= stored.version);
        Ok(&self.migrations[done..])
    }

    /// The statements that record one step, to be run in its transaction after its own.
    pub fn record(&self, migration: &Migration) -> Vec<String> {
        let Migration { version, min_writer, .. } = migration;
        let heads = self.heads.iter().map(|head| format!("UPDATE {head} SET min_writer = {min_writer}"));
        std::iter::once("DELETE FROM schema_version".to_owned())
            .chain([format!("INSERT INTO schema_version (version, min_writer) VALUES ({version}, {min_writer})")])
            .chain(heads)
            .collect()
    }
}

/// Whether this program may write a database that asks for `min_writer`. A server that may not any more answers 503: a
/// newer process, which whoever upgrades has started, takes the same request.
pub fn check_writer(database: &'static str, min_writer: i64) -> Result<(), Fault> {
    if min_writer <= SCHEMA_KNOWN {
        return Ok(());
    }
    let message = format!(
        "the {database} database needs a program that knows schema {min_writer}, and this one knows {SCHEMA_KNOWN}: \
         run the newer Holdline"
    );
    Err(Fault::not_done(database, FaultKind::Unavailable, message))
}
