//! `backup` and `restore`: ledger and orders as one pair, cut at one instant, and brought back as one.
//!
//! A backup is a directory: the two copies, and `manifest.json`, which is written last. Without it the directory is no
//! backup, so a crash in the middle leaves nothing that could be taken for one. On PostgreSQL its own tools copy the data,
//! and the directory holds the manifest alone: the mark to recover to and to check against.
//!
//! Deliberately absent: schedules, retention, upload. The directory is plain files for whatever does that already.

mod files;
mod manifest;
mod restore;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use holdline_store::engine::postgres::Mark;
use holdline_store::engine::sqlite::copy_pair;
use holdline_store::pair::new_id;

use crate::cli::ConfigArgs;
use crate::config::{self, Config, StoreKind};
use crate::stores;
use manifest::{Copy, Databases, Head, Manifest};
pub(crate) use restore::{RestoreArgs, run as run_restore};

/// Copy ledger and orders as one pair, cut between two batches, also while a server runs.
///
/// On PostgreSQL, mark the instant to recover to: its own tools copy the data (docs/operating/backup.md).
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// Where the backup goes: a directory that is missing or empty
    directory: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) async fn run(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config, Vec::new())?;
    let directory = args.directory;
    files::make_empty(&directory)?;
    match config.store.kind {
        StoreKind::Sqlite => {
            let store = config.store;
            tokio::task::spawn_blocking(move || copy(&store, &directory)).await.context("the backup panicked")?
        }
        StoreKind::Postgres => mark(&config.store, &directory).await,
    }
}

fn copy(store: &config::Store, directory: &Path) -> anyhow::Result<ExitCode> {
    stores::must_exist(store)?;
    let backup_id = new_id();
    let cut = copy_pair(&store.data, directory, &backup_id).map_err(stores::sentence)?;
    let (ledger, orders) = (file(directory, "ledger")?, file(directory, "orders")?);
    let databases = Databases::Sqlite {
        ledger: Copy::of(ledger, Head::of(cut.ledger_schema, cut.sides.ledger.next_seq)),
        orders: Copy::of(orders, Head::of(cut.orders_schema, cut.sides.orders.next_seq)),
    };
    finish(directory, &Manifest::now(backup_id, cut, databases))
}

/// PostgreSQL keeps the data: what is left here is where to recover to.
async fn mark(store: &config::Store, directory: &Path) -> anyhow::Result<ExitCode> {
    let backup_id = new_id();
    let Mark { cut, restore_point, lsn } = stores::mark(store, &format!("holdline-{backup_id}")).await?;
    let databases = Databases::Postgres {
        ledger: Head::of(cut.ledger_schema, cut.sides.ledger.next_seq),
        orders: Head::of(cut.orders_schema, cut.sides.orders.next_seq),
        restore_point,
        lsn,
    };
    finish(directory, &Manifest::now(backup_id, cut, databases))
}

fn finish(directory: &Path, manifest: &Manifest) -> anyhow::Result<ExitCode> {
    manifest.write(directory)?;
    crate::print(&format!("{}\n", manifest.to_line(directory)))?;
    Ok(ExitCode::SUCCESS)
}

/// Flushes a copy and measures it.
fn file(directory: &Path, name: &str) -> anyhow::Result<files::Measured> {
    let path = directory.join(format!("{name}.sqlite"));
    files::flush(&path)?;
    files::measure(&path)
}
