//! Accounts at providers on SQL. Rare writes: they lock the catalog's head.

use holdline_domain::fault::Fault;
use holdline_domain::id::{TenantId, Version};
use holdline_domain::payment::{ProviderAccount, ProviderKind, ProviderName};

use crate::engine::{Column, Engine, Lookup, Row, Write};
use crate::order::stored::ORDERS;
use crate::program::{Once, head};
use crate::rows::Fields;

const NAME: &str = "payment_provider";
const KEY: &[&str] = &["tenant", "provider"];

/// Writes an account over the stored one, if there is one.
pub(super) async fn put<E: Engine>(engine: &E, account: ProviderAccount) -> Result<ProviderAccount, Fault> {
    let key = vec![Column::Int(vec![account.tenant.0]), Column::Text(vec![account.name.as_str().to_owned()])];
    let stored = Lookup { table: NAME, columns: &["version"], key: KEY, keys: key.clone(), lock: false };
    let program = Once::new(vec![head("catalog_head", &["min_writer"]), stored], move |mut results, _now| {
        results.head(ORDERS)?;
        let before = results.take().pop().map(|row| Fields::of(ORDERS, row).int()).transpose()?;
        let version = before.map_or(Version::FIRST, |before| Version(before).next());
        let account = ProviderAccount { version, ..account };
        let mut values = key;
        values.extend([
            Column::Text(vec![account.kind.as_str().to_owned()]),
            Column::Text(vec![account.settings.clone()]),
            Column::Int(vec![i64::from(account.enabled)]),
            Column::Int(vec![version.0]),
        ]);
        let write = if before.is_some() {
            let set = &["kind", "settings", "enabled", "version"];
            Write::Update { table: NAME, key: KEY, set, add: &[], values }
        } else {
            let columns = &["tenant", "provider", "kind", "settings", "enabled", "version"];
            Write::Insert { table: NAME, columns, values, or_ignore: false }
        };
        Ok((vec![write], account))
    });
    engine.run(program).await
}

/// An account, from `tenant, provider, kind, settings, enabled, version`.
pub(super) fn read(row: Row) -> Result<ProviderAccount, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(ProviderAccount {
        tenant: TenantId(fields.int()?),
        name: ProviderName::from_stored(fields.text()?),
        kind: fields.parsed("kind of provider", ProviderKind::parse)?,
        settings: fields.text()?,
        enabled: fields.flag()?,
        version: Version(fields.int()?),
    })
}
