//! Where a catalog is written: into a running server over HTTP, or straight into a store that none serves.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use holdline_app::{App, Error, Ports};
use holdline_domain::catalog::{PutAnswer, SellerDraft, SkuDraft};
use holdline_domain::id::{Reference, SellerId, SkuCode, TenantId, TenantName};
use holdline_domain::ledger::{AccountKey, StockKey};
use holdline_domain::port::{NoProviders, NobodyAsks, NobodySends};
use holdline_domain::refusal::Refusal;
use holdline_load::http::{Connection, HttpError, write_request};
use holdline_store::Stores;
use serde_json::{Value, json};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::stores;

/// Names the opening stock of a SKU: the first import brings it, a repeated one finds it there.
const OPENING: &str = "catalog-import";
/// Most time for one call: a batch on a busy server takes well under a second.
const CALL_WITHIN: Duration = Duration::from_secs(30);
/// Bound of one answer in bytes: 500 results of some hundred bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What became of one SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Stored,
    Unchanged,
    /// The store has a newer version of the source.
    Older,
    UnknownSeller,
}

/// What became of one opening stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    Added,
    /// An earlier import brought the same.
    Already,
    /// An earlier import brought another number: that one stays.
    Other,
}

/// Where to write.
pub(super) enum Target {
    Direct(Direct),
    Http(Http),
}

impl Target {
    /// Whether a seller exists.
    pub(super) async fn has_seller(&self, seller: &SellerId) -> anyhow::Result<bool> {
        match self {
            Self::Direct(direct) => Ok(direct.app.seller(direct.tenant, seller).is_some()),
            Self::Http(http) => http.has_seller(seller).await,
        }
    }

    /// Writes a seller's name.
    pub(super) async fn put_seller(&self, seller: &SellerId, name: &str) -> anyhow::Result<()> {
        match self {
            Self::Direct(Direct { app, tenant, .. }) => {
                let draft = SellerDraft { id: seller.clone(), name: name.to_owned(), source_version: None };
                app.put_seller(*tenant, draft).await.map_err(|error| anyhow!("the seller {seller}: {error}"))?;
            }
            Self::Http(http) => {
                let target = format!("/v1/sellers/{}", percent_encoded(seller.as_str()));
                http.call("PUT", &target, Some(&json!({"name": name}))).await?.success(&target)?;
            }
        }
        Ok(())
    }

    /// Writes SKUs in one transaction; what became of each, in their order.
    pub(super) async fn put_skus(&self, drafts: Vec<SkuDraft>) -> anyhow::Result<Vec<Written>> {
        match self {
            Self::Direct(Direct { app, tenant, .. }) => {
                Ok(app.put_skus(*tenant, drafts).await?.iter().map(Written::of).collect())
            }
            Self::Http(http) => http.put_skus(&drafts).await,
        }
    }

    /// Brings a SKU's opening stock, once.
    pub(super) async fn open_stock(&self, sku: &SkuCode, units: i64) -> anyhow::Result<Opened> {
        match self {
            Self::Direct(direct) => direct.open_stock(sku, units).await,
            Self::Http(http) => http.open_stock(sku, units).await,
        }
    }

    /// Returns when everything is on disk.
    pub(super) async fn close(self) {
        if let Self::Direct(direct) = self {
            direct.app.drain().await;
        }
    }
}

impl Written {
    fn of(answer: &PutAnswer) -> Self {
        match answer {
            PutAnswer::Stored(_) => Self::Stored,
            PutAnswer::Unchanged(_) => Self::Unchanged,
            PutAnswer::Older(_) => Self::Older,
            PutAnswer::UnknownSeller => Self::UnknownSeller,
        }
    }
}

/// A store that this process owns while it writes.
pub(super) struct Direct {
    app: App,
    tenant: TenantId,
}

impl Direct {
    /// Opens the store that the settings name; the tenant must exist, and may be left out if there is only one.
    pub(super) async fn open(config: &Config, tenant: Option<&TenantName>) -> anyhow::Result<Self> {
        stores::must_exist(&config.store)?;
        let opened = stores::open(&config.store).await.map_err(|error| {
            anyhow!("{error:#}; a store that is being served is written through its server: --target URL --key KEY")
        });
        let Stores { ledger, orders, life, feed, webhooks, catalog, tenants, .. } = opened?;
        let known = tenants.tenants().await?;
        let tenant = match (tenant, known.as_slice()) {
            (Some(name), known) => known.iter().find(|tenant| tenant.name == *name).map(|tenant| tenant.id),
            (None, [only]) => Some(only.id),
            (None, []) => None,
            (None, _) => bail!("say which tenant with --tenant: the store has {}", known.len()),
        };
        let tenant = tenant.context("there is no such tenant; `holdline key create` makes it with its first key")?;
        let clock = Arc::new(SystemClock::new());
        let (checker, providers, sender) = (Arc::new(NobodyAsks), Arc::new(NoProviders), Arc::new(NobodySends));
        let spawner = holdline_app::tokio_spawner();
        let ports = Ports {
            ledger,
            orders,
            life,
            feed,
            webhooks,
            catalog,
            tenants,
            checker,
            providers,
            sender,
            clock,
            spawner,
        };
        let app = App::start(ports, config.app_settings()).await.map_err(stores::sentence)?;
        Ok(Self { app, tenant })
    }

    async fn open_stock(&self, sku: &SkuCode, units: i64) -> anyhow::Result<Opened> {
        let account = AccountKey::Stock(StockKey::of(sku.clone()));
        let reference = Reference::try_new(OPENING).expect("the constant is a reference");
        match self.app.adjust(self.tenant, account, units, reference, false).await {
            Ok((_, false)) => Ok(Opened::Added),
            Ok((_, true)) => Ok(Opened::Already),
            Err(Error::Refused(Refusal::ReferenceReused { .. })) => Ok(Opened::Other),
            Err(error) => Err(anyhow!("the opening stock of {sku}: {error}")),
        }
    }
}

/// A running server and a key of scope admin.
pub(super) struct Http {
    address: SocketAddr,
    host: String,
    authorization: String,
}

struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn success(self, what: &str) -> anyhow::Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let said = |name: &str| self.body[name].as_str().unwrap_or_default();
        bail!("the server answered {what} with {} {}: {}", self.status, said("code"), said("detail"))
    }
}

impl Http {
    /// Takes `http://HOST:PORT`.
    pub(super) fn new(url: &str, secret: &str) -> anyhow::Result<Self> {
        let Some(host) = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')) else {
            bail!("--target {url}: must have the form http://HOST:PORT");
        };
        let mut addresses = host.to_socket_addrs().with_context(|| format!("--target {url}"))?;
        let address = addresses.next().with_context(|| format!("--target {url}: the host has no address"))?;
        Ok(Self { address, host: host.to_owned(), authorization: format!("Bearer {secret}") })
    }

    async fn has_seller(&self, seller: &SellerId) -> anyhow::Result<bool> {
        let target = format!("/v1/sellers/{}", percent_encoded(seller.as_str()));
        let answer = self.call("GET", &target, None).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        answer.success(&target).map(|_| true)
    }

    async fn put_skus(&self, drafts: &[SkuDraft]) -> anyhow::Result<Vec<Written>> {
        let target = "/v1/skus:batch";
        let skus: Vec<Value> = drafts.iter().map(sku_json).collect();
        let body = self.call("POST", target, Some(&json!({ "skus": skus }))).await?.success(target)?;
        let results = body["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        let written = results.iter().map(|result| match result["outcome"].as_str() {
            Some("stored") => Ok(Written::Stored),
            Some("unchanged") => Ok(Written::Unchanged),
            Some("older") => Ok(Written::Older),
            Some("unknown_seller") => Ok(Written::UnknownSeller),
            _ => Err(anyhow!("an answer that this program does not know: {result}")),
        });
        written.collect()
    }

    async fn open_stock(&self, sku: &SkuCode, units: i64) -> anyhow::Result<Opened> {
        let target = format!("/v1/stock/{}/adjustments", percent_encoded(sku.as_str()));
        let answer = self.call("POST", &target, Some(&json!({"delta": units, "reference": OPENING}))).await?;
        if answer.body["code"] == "reference_reused" {
            return Ok(Opened::Other);
        }
        let body = answer.success(&target)?;
        Ok(if body["already"] == true { Opened::Already } else { Opened::Added })
    }

    /// One call on a connection of its own. Every call may be repeated: each names what it does.
    async fn call(&self, method: &str, target: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let mut request = Vec::new();
        let headers = [
            ("host", self.host.as_str()),
            ("authorization", &self.authorization),
            ("content-type", "application/json"),
            ("connection", "close"),
        ];
        let body = body.map(Value::to_string).unwrap_or_default();
        write_request(&mut request, method, target, &headers, body.as_bytes());
        let exchange = async {
            let mut connection = Connection::connect(self.address, ANSWER_BYTES_MAX).await?;
            let response = connection.exchange(&request).await?;
            Ok((response.status, response.body.to_vec()))
        };
        let answer = tokio::time::timeout(CALL_WITHIN, exchange).await.unwrap_or(Err(HttpError::Timeout));
        let (status, body) = answer.with_context(|| format!("{method} {target}"))?;
        Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }
}

fn sku_json(draft: &SkuDraft) -> Value {
    let mut sku = json!({
        "sku": draft.code.as_str(),
        "seller": draft.seller.as_str(),
        "title": draft.title,
        "price": {"amount": draft.price.0, "currency": draft.currency.as_str()},
        "on_shelf": draft.on_shelf,
    });
    for (name, value) in [("quota_per_buyer", draft.quota_per_buyer), ("source_version", draft.source_version)] {
        if let Some(value) = value {
            sku[name] = json!(value);
        }
    }
    sku
}

/// A path segment.
fn percent_encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_plain_http_url() {
        assert_eq!(Http::new("http://127.0.0.1:7070/", "hl_x").unwrap().address.port(), 7070);
        for wrong in ["https://h:1", "127.0.0.1:7070", "http://127.0.0.1"] {
            assert!(Http::new(wrong, "hl_x").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_segment_holds_any_code() {
        assert_eq!(percent_encoded("BANK CHARGES/é"), "BANK%20CHARGES%2F%C3%A9");
    }
}
