//! Tenants and API keys: made here for `key create`, the demo and the bench.
//!
//! A secret is 256 random bits, shown once; only its SHA-256 is stored.

use anyhow::{anyhow, bail, ensure};
use holdline_app::Clock as _;
use holdline_domain::id::{ClientId, SellerId, TenantId, TenantName};
use holdline_domain::port::TenantStore;
use holdline_domain::tenant::{ApiKey, CommitOn, Policies, PriceSource, Scope, Tenant};
use holdline_gateway::{SECRET_PREFIX, secret_sha256};
use rand::RngExt as _;

use crate::clock::SystemClock;

/// The demo's key, printed in the README for everyone to use: `serve` refuses to start on a store where it is in force.
pub(crate) const DEMO_KEY: &str = "hl_demo_everyone_knows_this_key";

/// How long an order may stay unpaid unless the tenant says otherwise.
const PAY_WITHIN_MS: i64 = 15 * 60_000;
/// The longest that an order may stay unpaid: a hold is meant to end.
const PAY_WITHIN_MS_MAX: i64 = 30 * 86_400_000;
/// The largest business code: four digits of the order number.
const BUSINESS_CODE_MAX: u16 = 9_999;

/// A key to make, and the tenant that is made with it if it does not exist. A policy that is given must be the one that
/// an existing tenant has.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub(crate) tenant: TenantName,
    pub(crate) client: ClientId,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) sellers: Vec<SellerId>,
    pub(crate) price_source: Option<PriceSource>,
    pub(crate) pay_within_ms: Option<i64>,
    pub(crate) commit_on: Option<CommitOn>,
    pub(crate) business_code: Option<u16>,
}

/// A key as its owner gets it, once.
#[derive(Clone)]
pub(crate) struct CreatedKey {
    /// Its public name.
    pub(crate) key_id: String,
    /// What requests carry.
    pub(crate) secret: String,
}

/// Makes a key with a random secret.
pub(crate) async fn create_key(tenants: &dyn TenantStore, new: NewKey) -> anyhow::Result<CreatedKey> {
    let secret = format!("{SECRET_PREFIX}{}", hex(&rand::rng().random::<[u8; 32]>()));
    create_key_with_secret(tenants, new, &secret).await
}

/// Makes a key with a secret that is known already; a key with that secret must not exist.
pub(crate) async fn create_key_with_secret(
    tenants: &dyn TenantStore,
    new: NewKey,
    secret: &str,
) -> anyhow::Result<CreatedKey> {
    check(&new)?;
    let tenant = tenants.ensure_tenant(draft(&new)).await?;
    agrees(&new, &tenant)?;
    let key_id = format!("key_{}", hex(&rand::rng().random::<[u8; 8]>()));
    let key = ApiKey {
        key_id: key_id.clone(),
        secret_sha256: secret_sha256(secret),
        tenant: tenant.id,
        client: new.client,
        scopes: new.scopes,
        sellers: new.sellers,
        created: SystemClock::new().wall(),
        revoked: None,
    };
    tenants.add_key(key).await?;
    Ok(CreatedKey { key_id, secret: secret.to_owned() })
}

/// Refuses a store where the demo's key is in force: everyone knows it.
pub(crate) async fn refuse_demo_key(tenants: &dyn TenantStore) -> anyhow::Result<()> {
    let demo = secret_sha256(DEMO_KEY);
    let Some(key) = tenants.keys().await?.into_iter().find(|key| key.secret_sha256 == demo && key.revoked.is_none())
    else {
        return Ok(());
    };
    let tenant = tenants.tenants().await?.into_iter().find(|tenant| tenant.id == key.tenant);
    let tenant = tenant.map_or_else(String::new, |tenant| tenant.name.to_string());
    bail!(
        "this store was made by `holdline demo` and accepts the key that its documentation prints: revoke it with \
         `holdline key revoke {} --tenant {tenant}`, or serve another store",
        key.key_id
    )
}

fn check(new: &NewKey) -> anyhow::Result<()> {
    ensure!(!new.scopes.is_empty(), "a key needs at least one scope");
    let merchant = new.scopes.contains(&Scope::Merchant);
    ensure!(!merchant || !new.sellers.is_empty(), "a key of scope merchant needs the sellers that it may see");
    ensure!(merchant || new.sellers.is_empty(), "sellers mean something only with scope merchant");
    if let Some(ms) = new.pay_within_ms {
        ensure!((1_000..=PAY_WITHIN_MS_MAX).contains(&ms), "the time to pay must be 1 s to 30 days");
    }
    if let Some(code) = new.business_code {
        ensure!(code <= BUSINESS_CODE_MAX, "a business code has at most four digits");
    }
    Ok(())
}

fn draft(new: &NewKey) -> Tenant {
    Tenant {
        id: TenantId(0), // ignored: the store counts them
        name: new.tenant.clone(),
        price_source: new.price_source.unwrap_or(PriceSource::Catalog),
        commit_on: new.commit_on.unwrap_or(CommitOn::PaymentCaptured),
        pay_within_ms: new.pay_within_ms.unwrap_or(PAY_WITHIN_MS),
        business_code: new.business_code.unwrap_or(0),
        policies: Policies::default(),
    }
}

/// An existing tenant is left as it is, so what was asked of it must be so already.
fn agrees(new: &NewKey, tenant: &Tenant) -> anyhow::Result<()> {
    let differs = [
        ("its price source", new.price_source.is_some_and(|wanted| wanted != tenant.price_source)),
        ("when it commits stock", new.commit_on.is_some_and(|wanted| wanted != tenant.commit_on)),
        ("its time to pay", new.pay_within_ms.is_some_and(|wanted| wanted != tenant.pay_within_ms)),
        ("its business code", new.business_code.is_some_and(|wanted| wanted != tenant.business_code)),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((what, _)) => Err(anyhow!("the tenant {} exists, and {what} is not the one given", tenant.name)),
        None => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_key(scopes: &[Scope], sellers: &[&str]) -> NewKey {
        NewKey {
            tenant: TenantName::try_new("mall").unwrap(),
            client: ClientId::try_new("app").unwrap(),
            scopes: scopes.to_vec(),
            sellers: sellers.iter().map(|seller| SellerId::try_new(seller).unwrap()).collect(),
            price_source: None,
            pay_within_ms: None,
            commit_on: None,
            business_code: None,
        }
    }

    #[test]
    fn a_merchant_key_names_its_sellers_and_no_other_key_does() {
        assert!(check(&new_key(&[Scope::Merchant], &["s"])).is_ok());
        assert!(check(&new_key(&[Scope::Merchant], &[])).is_err());
        assert!(check(&new_key(&[Scope::Shop], &["s"])).is_err());
        assert!(check(&new_key(&[], &[])).is_err());
    }

    #[test]
    fn a_policy_that_an_existing_tenant_does_not_have_is_refused() {
        let tenant = draft(&new_key(&[Scope::Shop], &[]));
        let wanted = NewKey { price_source: Some(PriceSource::Caller), ..new_key(&[Scope::Shop], &[]) };
        assert!(agrees(&wanted, &tenant).unwrap_err().to_string().contains("price source"));
        assert!(agrees(&wanted, &draft(&wanted)).is_ok());
    }

    #[test]
    fn the_demo_key_is_a_secret_by_its_form() {
        assert!(DEMO_KEY.starts_with(SECRET_PREFIX));
        assert_eq!(hex(&[0x0f, 0xa0]), "0fa0");
    }
}
