//! What is refused before anything is touched: a backup that is not whole, and a target that has more to lose.

use std::path::Path;

use anyhow::{Context as _, bail};
use holdline_store::engine::sqlite::{check_pages, sides};
use holdline_store::pair::Sides;

use super::NAMES;
use crate::backup::files;
use crate::backup::manifest::{Copy, Databases, Manifest};
use crate::stores;

/// Whether the files are those of the manifest. With `repair`, other files are taken if SQLite finds them whole.
pub(super) fn backup(directory: &Path, manifest: &Manifest, repair: bool) -> anyhow::Result<()> {
    let Databases::Sqlite { ledger, orders } = &manifest.databases else { bail!("this backup has no files") };
    let mut is_other = false;
    for (name, copy) in NAMES.into_iter().zip([ledger, orders]) {
        let path = directory.join(format!("{name}.sqlite"));
        if !path.is_file() {
            bail!("the backup has no {name}.sqlite: it cannot be restored");
        }
        let found = files::measure(&path)?;
        let Copy { bytes, sha256, .. } = copy;
        if found.bytes == *bytes && found.sha256 == *sha256 {
            continue;
        }
        if !repair {
            bail!(
                "{name}.sqlite is not the file that the backup was made of ({} bytes, the manifest says {bytes}): it was \
                 damaged, or comes from another backup. Two files of different cuts do not fit together; take another \
                 backup, or say --repair to have holds put right by the orders",
                found.bytes
            );
        }
        is_other = true;
        let damaged = || format!("{name}.sqlite is damaged and cannot be repaired");
        if let Some(said) = check_pages(directory, name).map_err(stores::sentence).with_context(damaged)? {
            bail!("{}: {said}", damaged());
        }
    }
    if is_other {
        return Ok(());
    }
    let found = sides(directory).map_err(stores::sentence)?;
    for (name, side) in NAMES.into_iter().zip([&found.ledger, &found.orders]) {
        if side.pair_id != manifest.pair_id || side.backup_id != manifest.backup_id {
            bail!("{name}.sqlite does not say that it is of backup {}: the backup is not whole", manifest.backup_id);
        }
    }
    Ok(())
}

/// Whether a recovered PostgreSQL is at the mark or later. A restore that was interrupted may go on.
pub(super) fn recovered(found: &Sides, manifest: &Manifest) -> anyhow::Result<()> {
    let (ledger, orders) = manifest.heads();
    for (name, side, head) in [("ledger", &found.ledger, ledger), ("orders", &found.orders, orders)] {
        if side.pair_id != manifest.pair_id && side.backup_id != manifest.backup_id {
            bail!("the {name} schema is not of the pair that was marked: it is of {:?}", side.pair_id);
        }
        if side.next_seq < head.next_seq {
            bail!(
                "the {name} schema was recovered to an instant before the mark: it ends before {}, the mark is at {}; \
                 recover to the restore point that the manifest names",
                side.next_seq,
                head.next_seq
            );
        }
    }
    found.check_ages().map_err(stores::sentence)
}

/// Whether the target may become this store. Databases that are there are replaced only when that is said.
pub(super) fn target(directory: &Path, manifest: &Manifest, replace: bool) -> anyhow::Result<()> {
    let there: Vec<&str> = NAMES.into_iter().filter(|name| directory.join(format!("{name}.sqlite")).exists()).collect();
    if there.is_empty() || replace {
        return Ok(());
    }
    let place = directory.display();
    if there.len() < NAMES.len() {
        bail!("{place} holds {}.sqlite alone: say --replace to move it aside", there[0]);
    }
    let found = sides(directory).map_err(stores::sentence).with_context(|| format!("{place} has databases"))?;
    let (ledger, orders) = manifest.heads();
    let what = if found.ledger.pair_id == manifest.pair_id {
        let movements = found.ledger.next_seq - ledger.next_seq;
        let events = found.orders.next_seq - orders.next_seq;
        format!("they are {movements} movements and {events} events newer than the backup, which would be lost")
    } else {
        format!("they are of another pair than the backup: {}", found.ledger.pair_id)
    };
    bail!("{place} has databases, and {what}; say --replace to move them aside, or restore to another --data")
}
