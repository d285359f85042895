//! `restore`: a backup becomes a store again.
//!
//! Everything that can be refused is refused first. Then the copies are brought into a directory of their own inside the
//! data directory (so that the last move is within one file system), compared, renewed and audited there; only a store
//! that may serve is moved to its place. A crash in between leaves what was there, or one file alone, or none beside that
//! directory: `serve` refuses the latter two, and the same restore again begins from the start.

mod check;
mod ready;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use holdline_store::engine::sqlite::{RESTORE_WORKPLACE, fold_log};

use super::files;
use super::manifest::{Databases, Manifest};
use crate::cli::ConfigArgs;
use crate::config::{Config, StoreKind};
use crate::stores;

/// The files of one SQLite store; what SQLite keeps beside them comes and goes with them.
const NAMES: [&str; 2] = ["ledger", "orders"];
/// What SQLite may keep beside a database.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Bring a backup back: checked, compared, renewed and audited before anything serves it.
///
/// Exit status: 0 restored; 1 refused because holds and orders disagree, each told on standard output; 2 it could not
/// be done.
#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// The backup: a directory that `holdline backup` filled
    directory: PathBuf,
    /// Put right what does not fit, by movements in the ledger that are listed; also take two files that are not of one
    /// cut, if both are whole. The orders win
    #[arg(long)]
    repair: bool,
    /// Replace the databases of the data directory, whatever is in them; they are moved aside, not removed
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) async fn run(args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config, Vec::new())?;
    let manifest = Manifest::read(&args.directory)?;
    match (&manifest.databases, config.store.kind) {
        (Databases::Sqlite { .. }, StoreKind::Sqlite) => restore_files(&args, &manifest, &config).await,
        (Databases::Postgres { .. }, StoreKind::Postgres) => restore_recovered(&args, &manifest, &config).await,
        (Databases::Sqlite { .. }, StoreKind::Postgres) => {
            bail!("this is a backup of an embedded store: name a --data directory")
        }
        (Databases::Postgres { .. }, StoreKind::Sqlite) => {
            bail!("this is a mark in a PostgreSQL: recover it first, then say --store postgres")
        }
    }
}

async fn restore_files(args: &RestoreArgs, manifest: &Manifest, config: &Config) -> anyhow::Result<ExitCode> {
    let (from, target) = (&args.directory, &config.store.data);
    check::backup(from, manifest, args.repair)?;
    check::target(target, manifest, args.replace)?;
    let workplace = target.join(RESTORE_WORKPLACE);
    if workplace.exists() {
        std::fs::remove_dir_all(&workplace).with_context(|| format!("cannot remove {}", workplace.display()))?;
    }
    std::fs::create_dir_all(&workplace).with_context(|| format!("cannot make {}", workplace.display()))?;
    // Whoever serves the directory keeps it; nobody may begin to, until this is done.
    let owner = holdline_store::own_directory(target).map_err(stores::sentence)?;
    for name in NAMES {
        let file = format!("{name}.sqlite");
        files::copy(&from.join(&file), &workplace.join(&file))?;
    }
    let opened = stores::open_restored_files(&workplace)?;
    let place = crate::audit::Store::Embedded(workplace.clone());
    let Some(ready) = ready::make(opened, place, manifest, config, args.repair).await? else {
        std::fs::remove_dir_all(&workplace).with_context(|| format!("cannot remove {}", workplace.display()))?;
        return Ok(ExitCode::FAILURE);
    };
    let aside = put_in_place(&workplace, target)?;
    drop(owner);
    if let Some(aside) = aside {
        crate::print(&format!("moved aside: what was there is in {}\n", aside.display()))?;
    }
    crate::print(&format!("restored: {} serves from epoch {}\n", target.display(), ready.epoch))?;
    Ok(ExitCode::SUCCESS)
}

/// PostgreSQL has brought the data back: what is left is everything that makes it a store again.
async fn restore_recovered(args: &RestoreArgs, manifest: &Manifest, config: &Config) -> anyhow::Result<ExitCode> {
    let opened = stores::open_recovered(&config.store).await?;
    check::recovered(&opened.pair.sides().await.map_err(stores::sentence)?, manifest)?;
    let place = crate::audit::Store::Postgres(config.store.database_url.clone());
    let Some(ready) = ready::make(opened, place, manifest, config, args.repair).await? else {
        return Ok(ExitCode::FAILURE);
    };
    crate::print(&format!("restored: the database serves from epoch {}\n", ready.epoch))?;
    Ok(ExitCode::SUCCESS)
}

/// Moves what is in the target aside, and the finished files to their place. Says where the old ones are.
fn put_in_place(workplace: &Path, target: &Path) -> anyhow::Result<Option<PathBuf>> {
    let mut aside = None;
    for name in NAMES {
        for suffix in ["", BESIDE[0], BESIDE[1]] {
            let file = format!("{name}.sqlite{suffix}");
            let old = target.join(&file);
            if !old.exists() {
                continue;
            }
            if aside.is_none() {
                let place = target.join(format!("replaced-{}", jiff::Timestamp::now().as_millisecond()));
                std::fs::create_dir(&place).with_context(|| format!("cannot make {}", place.display()))?;
                aside = Some(place);
            }
            if let Some(place) = &aside {
                files::rename(&old, &place.join(&file))?;
            }
        }
    }
    files::flush(target)?;
    for name in NAMES {
        let file = format!("{name}.sqlite");
        fold_log(workplace, name).map_err(stores::sentence)?;
        files::flush(&workplace.join(&file))?;
        files::rename(&workplace.join(&file), &target.join(&file))?;
    }
    files::flush(target)?;
    std::fs::remove_dir_all(workplace).with_context(|| format!("cannot remove {}", workplace.display()))?;
    Ok(aside)
}
