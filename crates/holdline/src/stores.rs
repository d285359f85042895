//! The adapters that the settings name, opened.

use anyhow::anyhow;
use holdline_domain::fault::Fault;
use holdline_store::{Clocks, Stores};

use crate::config::{self, StoreKind};

/// Opens the store to serve or write it; an embedded one is owned until it is dropped.
pub(crate) async fn open(settings: &config::Store) -> anyhow::Result<Stores> {
    let clocks = Clocks::of_machine();
    let opened = match settings.kind {
        StoreKind::Sqlite => holdline_store::open_sqlite(&settings.data, &clocks),
        StoreKind::Postgres => {
            // Ledger and orders are two databases to the app; here they are two schemas of one.
            let url = &settings.database_url;
            holdline_store::connect_postgres(url, url, &clocks).await
        }
    };
    opened.map_err(sentence)
}

/// A fault as the one sentence that an operator reads; its cause is in the sentence already.
pub(crate) fn sentence(fault: Fault) -> anyhow::Error {
    anyhow!("{fault}")
}

/// The store's name in output.
pub(crate) fn kind_name(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Sqlite => "sqlite",
        StoreKind::Postgres => "postgres",
    }
}
