//! `manifest.json`: what a backup is, written last, and read before anything is believed.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use holdline_store::engine::migration::SchemaVersion;
use holdline_store::pair::Cut;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::{self, Measured};

const FILE: &str = "manifest.json";
/// The format that this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) backup_id: String,
    pub(super) taken_at: Timestamp,
    /// The version of the program that took it.
    pub(super) holdline: String,
    /// The pair that both databases were of.
    pub(super) pair_id: String,
    pub(super) feed_epoch: i64,
    pub(super) newest_hold_no: i64,
    #[serde(flatten)]
    pub(super) databases: Databases,
}

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case")]
pub(super) enum Databases {
    /// Beside the manifest.
    Sqlite { ledger: Copy, orders: Copy },
    /// In the hands of PostgreSQL: this is the instant to recover to, or any later one.
    Postgres { ledger: Head, orders: Head, restore_point: Option<String>, lsn: String },
}

/// One copied file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copy {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    #[serde(flatten)]
    pub(super) head: Head,
}

/// Where one database was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) schema_version: i64,
    pub(super) min_writer: i64,
    /// The next sequence number: of movements, or of the feed.
    pub(super) next_seq: i64,
}

/// What every format says first.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Head {
    pub(super) fn of(schema: SchemaVersion, next_seq: i64) -> Self {
        Self { schema_version: schema.version, min_writer: schema.min_writer, next_seq }
    }
}

impl Copy {
    pub(super) fn of(Measured { bytes, sha256 }: Measured, head: Head) -> Self {
        Self { bytes, sha256, head }
    }
}

impl Manifest {
    /// Of this program and this instant.
    pub(super) fn now(backup_id: String, cut: Cut, databases: Databases) -> Self {
        Self {
            format: FORMAT,
            backup_id,
            taken_at: Timestamp::now(),
            holdline: env!("CARGO_PKG_VERSION").to_owned(),
            pair_id: cut.sides.ledger.pair_id,
            feed_epoch: cut.feed_epoch,
            newest_hold_no: cut.newest_hold_no,
            databases,
        }
    }

    /// Where ledger and orders were.
    pub(super) fn heads(&self) -> (&Head, &Head) {
        match &self.databases {
            Databases::Sqlite { ledger, orders } => (&ledger.head, &orders.head),
            Databases::Postgres { ledger, orders, .. } => (ledger, orders),
        }
    }

    /// Makes the directory a backup, in one step.
    pub(super) fn write(&self, directory: &Path) -> anyhow::Result<()> {
        files::flush(directory)?;
        let draft = directory.join("manifest.json.draft");
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        std::fs::write(&draft, text).with_context(|| format!("cannot write {}", draft.display()))?;
        files::flush(&draft)?;
        files::rename(&draft, &directory.join(FILE))?;
        files::flush(directory)
    }

    pub(super) fn read(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "{} is no complete backup: it has no {FILE}, which is written last; take another one",
                directory.display()
            ),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let not_understood = || format!("{} is not understood", path.display());
        let Format { format } = serde_json::from_str(&text).with_context(not_understood)?;
        if format > FORMAT {
            bail!("{} has format {format}, and this program knows {FORMAT}: run the newer Holdline", path.display());
        }
        serde_json::from_str(&text).with_context(not_understood)
    }

    /// For the operator, in one line.
    pub(super) fn to_line(&self, directory: &Path) -> String {
        let (ledger, orders) = self.heads();
        let (id, pair, place) = (&self.backup_id, &self.pair_id, directory.display());
        let heads = format!("ledger before {}, feed before {}", ledger.next_seq, orders.next_seq);
        match &self.databases {
            Databases::Sqlite { ledger, orders } => {
                let bytes = ledger.bytes + orders.bytes;
                format!("backup {id} of pair {pair} in {place}: {heads}, epoch {}, {bytes} bytes", self.feed_epoch)
            }
            Databases::Postgres { restore_point, lsn, .. } => {
                let name = restore_point.as_deref().unwrap_or("none: the role may not make one");
                format!(
                    "mark {id} of pair {pair} in {place}: {heads}, epoch {}, lsn {lsn}, restore point {name}",
                    self.feed_epoch
                )
            }
        }
    }
}
