//! `key`: API keys, made, listed and revoked by whoever may write the store.
//!
//! Every process reloads keys once a second, so a change holds everywhere within 5 s. On SQLite the commands write the
//! orders database beside a running server: its lock says who serves the directory, not who may write a row, and SQLite
//! itself keeps two writers apart. An operator can therefore revoke a leaked key without stopping sales.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use holdline_app::Clock as _;
use holdline_domain::id::{ClientId, SellerId, TenantName};
use holdline_domain::port::TenantStore;
use holdline_domain::tenant::{CommitOn, PriceSource, Scope};
use holdline_domain::time::UnixMillis;

use crate::cli::ConfigArgs;
use crate::clock::SystemClock;
use crate::config::{Config, Millis};
use crate::provision::{self, NewKey};
use crate::stores;

/// Create, list and revoke API keys, also while the server runs.
#[derive(Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key, and its tenant if there is none of that name; its secret is shown once
    Create(CreateArgs),
    /// List all keys, without their secrets
    List {
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Revoke a key: every server refuses it within 5 s
    Revoke {
        /// The key's id, as `key list` shows it
        key_id: String,
        /// The tenant it belongs to
        #[arg(long, value_parser = TenantName::try_new)]
        tenant: TenantName,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Args)]
struct CreateArgs {
    /// The shop or mall whose data the key opens: lower-case letters, digits, - and _
    #[arg(long, value_parser = TenantName::try_new)]
    tenant: TenantName,
    /// The integration that will use the key; it outlives the key, so give a renewed key the same client
    #[arg(long, value_parser = ClientId::try_new)]
    client: ClientId,
    /// What the key may do; may be repeated
    #[arg(long, required = true, value_enum)]
    scope: Vec<ScopeName>,
    /// A seller whose orders a key of scope merchant sees; may be repeated
    #[arg(long, value_parser = SellerId::try_new)]
    seller: Vec<SellerId>,
    /// Where the new tenant's prices come from [default: catalog]
    #[arg(long, value_enum, help_heading = "Policies of a new tenant")]
    price_source: Option<PriceSourceName>,
    /// How long its orders may stay unpaid, such as 15m or 24h [default: 15m]
    #[arg(long, value_parser = Millis::parse, help_heading = "Policies of a new tenant")]
    pay_within: Option<Millis>,
    /// When its held stock counts as sold [default: payment-captured]
    #[arg(long, value_enum, help_heading = "Policies of a new tenant")]
    commit_on: Option<CommitOnName>,
    /// The four digits of its order numbers that name the business [default: 0]
    #[arg(long, help_heading = "Policies of a new tenant")]
    business_code: Option<u16>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScopeName {
    /// Place, read, cancel and abandon orders for buyers; read stock
    Shop,
    /// Send own prices, for tenants whose price source is the caller
    Price,
    /// Read and cancel the orders of the key's own sellers
    Merchant,
    /// Take and end holds for orders that are kept elsewhere
    Hold,
    /// Change catalog and stock
    Admin,
    /// Read everything of the tenant
    Read,
}

#[derive(Clone, Copy, ValueEnum)]
enum PriceSourceName {
    /// The catalog's price must equal the one that the buyer saw
    Catalog,
    /// A caller of scope price sends prices; Holdline checks sums, shelf, quota and stock
    Caller,
}

#[derive(Clone, Copy, ValueEnum)]
enum CommitOnName {
    /// When the payment is captured
    PaymentCaptured,
    /// As soon as the order exists
    OrderCreated,
}

pub(crate) async fn run(args: KeyArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        KeyCommand::Create(args) => create(args).await,
        KeyCommand::List { config } => list(&config).await,
        KeyCommand::Revoke { key_id, tenant, config } => revoke(&key_id, &tenant, &config).await,
    }
}

async fn create(args: CreateArgs) -> anyhow::Result<ExitCode> {
    let tenants = tenants(&args.config, true).await?;
    let mut scopes: Vec<Scope> = args.scope.into_iter().map(Scope::from).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let new = NewKey {
        tenant: args.tenant,
        client: args.client,
        scopes,
        sellers: args.seller,
        price_source: args.price_source.map(PriceSource::from),
        pay_within_ms: args.pay_within.map(Millis::as_i64),
        commit_on: args.commit_on.map(CommitOn::from),
        business_code: args.business_code,
    };
    let created = provision::create_key(tenants.as_ref(), new).await?;
    crate::print(&format!(
        "key id  {}\nsecret  {}\nKeep the secret: it is not stored and not shown again. Requests carry it as\n  \
         Authorization: Bearer {}\n",
        created.key_id, created.secret, created.secret
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let store = tenants(config, false).await?;
    let tenants = store.tenants().await?;
    let mut rows = vec![["TENANT", "KEY", "CLIENT", "SCOPES", "SELLERS", "CREATED", "REVOKED"].map(str::to_owned)];
    for key in store.keys().await? {
        let tenant = tenants.iter().find(|tenant| tenant.id == key.tenant);
        rows.push([
            tenant.map_or_else(|| key.tenant.0.to_string(), |tenant| tenant.name.to_string()),
            key.key_id,
            key.client.to_string(),
            key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(","),
            key.sellers.iter().map(SellerId::as_str).collect::<Vec<_>>().join(","),
            instant(key.created),
            key.revoked.map(instant).unwrap_or_default(),
        ]);
    }
    crate::print(&table(&rows))?;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(key_id: &str, tenant: &TenantName, config: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let tenants = tenants(config, false).await?;
    if !tenants.revoke_key(tenant, key_id, SystemClock::new().wall()).await? {
        bail!("the tenant {tenant} has no key {key_id}; `holdline key list` shows them all");
    }
    crate::print(&format!("revoked {key_id}: every server refuses it within 5 s\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Tenants and keys of the store that the settings name, without owning its directory; `make` a new store if need be.
async fn tenants(args: &ConfigArgs, make: bool) -> anyhow::Result<Arc<dyn TenantStore>> {
    let config = Config::load(args, Vec::new())?;
    if !make {
        stores::must_exist(&config.store)?;
    }
    stores::open_tenants(&config.store).await
}

/// Seconds are enough for people.
pub(crate) fn instant(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.strftime("%FT%TZ").to_string())
}

/// Columns as wide as their widest cell.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Shop => Self::Shop,
            ScopeName::Price => Self::Price,
            ScopeName::Merchant => Self::Merchant,
            ScopeName::Hold => Self::Hold,
            ScopeName::Admin => Self::Admin,
            ScopeName::Read => Self::Read,
        }
    }
}

impl From<PriceSourceName> for PriceSource {
    fn from(name: PriceSourceName) -> Self {
        match name {
            PriceSourceName::Catalog => Self::Catalog,
            PriceSourceName::Caller => Self::Caller,
        }
    }
}

impl From<CommitOnName> for CommitOn {
    fn from(name: CommitOnName) -> Self {
        match name {
            CommitOnName::PaymentCaptured => Self::PaymentCaptured,
            CommitOnName::OrderCreated => Self::OrderCreated,
        }
    }
}
