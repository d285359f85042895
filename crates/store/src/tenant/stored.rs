//! The stored forms of tenants and keys. Policies and scopes are stored by name; lists are JSON arrays of texts.

use holdline_domain::fault::Fault;
use holdline_domain::id::{ClientId, SellerId, TenantId, TenantName};
use holdline_domain::tenant::{ApiKey, CommitOn, PriceSource, Scope, Tenant};
use holdline_domain::time::UnixMillis;

use crate::engine::{Column, Row};
use crate::rows::{Fields, json, schema};

/// The dependency in faults: tenants live in the orders database.
pub(super) const ORDERS: &str = "orders";

pub(super) const TENANT_COLUMNS: &[&str] =
    &["tenant", "name", "price_source", "commit_on", "pay_within_ms", "business_code", "policies"];

pub(super) const KEY_COLUMNS: &[&str] =
    &["tenant", "key_id", "secret_sha256", "client", "scopes", "sellers", "created_ms", "revoked_ms"];

/// A tenant, from [`TENANT_COLUMNS`].
pub(super) fn tenant(row: Row) -> Result<Tenant, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    Ok(Tenant {
        id: TenantId(fields.int()?),
        name: TenantName::from_stored(fields.text()?),
        price_source: fields.parsed("price source", |text| match text {
            "catalog" => Some(PriceSource::Catalog),
            "caller" => Some(PriceSource::Caller),
            _ => None,
        })?,
        commit_on: fields.parsed("commit policy", |text| match text {
            "payment_captured" => Some(CommitOn::PaymentCaptured),
            "order_created" => Some(CommitOn::OrderCreated),
            _ => None,
        })?,
        pay_within_ms: fields.int()?,
        business_code: u16::try_from(fields.int()?).map_err(|_| schema(ORDERS, "a business code has five digits"))?,
        policies: fields.json("policies")?,
    })
}

/// The columns of [`TENANT_COLUMNS`].
pub(super) fn tenant_values(tenant: &Tenant) -> Vec<Column> {
    let price_source = match tenant.price_source {
        PriceSource::Catalog => "catalog",
        PriceSource::Caller => "caller",
    };
    let commit_on = match tenant.commit_on {
        CommitOn::PaymentCaptured => "payment_captured",
        CommitOn::OrderCreated => "order_created",
    };
    vec![
        Column::Int(vec![tenant.id.0]),
        Column::Text(vec![tenant.name.as_str().to_owned()]),
        Column::Text(vec![price_source.to_owned()]),
        Column::Text(vec![commit_on.to_owned()]),
        Column::Int(vec![tenant.pay_within_ms]),
        Column::Int(vec![i64::from(tenant.business_code)]),
        Column::Text(vec![json(&tenant.policies)]),
    ]
}

/// A key, from [`KEY_COLUMNS`].
pub(super) fn key(row: Row) -> Result<ApiKey, Fault> {
    let mut fields = Fields::of(ORDERS, row);
    let tenant = TenantId(fields.int()?);
    let key_id = fields.text()?;
    let secret_sha256 = fields.hash()?;
    let client = ClientId::from_stored(fields.text()?);
    let names: Vec<String> = fields.json("list of scopes")?;
    let mut scopes = Vec::with_capacity(names.len());
    for name in names {
        scopes.push(Scope::parse(&name).ok_or_else(|| fields.unknown("scope", &name))?);
    }
    let sellers: Vec<SellerId> = fields.json("list of sellers")?;
    let (created, revoked) = (UnixMillis(fields.int()?), fields.opt_int()?.map(UnixMillis));
    Ok(ApiKey { key_id, secret_sha256, tenant, client, scopes, sellers, created, revoked })
}

/// The columns of [`KEY_COLUMNS`].
pub(super) fn key_values(key: &ApiKey) -> Vec<Column> {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    vec![
        Column::Int(vec![key.tenant.0]),
        Column::Text(vec![key.key_id.clone()]),
        Column::Bytes(vec![key.secret_sha256.to_vec()]),
        Column::Text(vec![key.client.as_str().to_owned()]),
        Column::Text(vec![json(&scopes)]),
        Column::Text(vec![json(&key.sellers)]),
        Column::Int(vec![key.created.0]),
        Column::OptInt(vec![key.revoked.map(|at| at.0)]),
    ]
}
