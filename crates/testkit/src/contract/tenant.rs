//! The contract of `TenantStore`.

use std::collections::BTreeSet;

use holdline_domain::id::{TenantId, TenantName};
use holdline_domain::tenant::{ApiKey, CommitOn, Policies, PriceSource, Scope, Tenant};
use holdline_domain::time::UnixMillis;

use super::sample::{client, seller};
use super::{Process, ok};

/// One test per rule of this suite.
#[macro_export]
macro_rules! tenant_contract {
    ($with:path) => {
        $crate::contract_suite!(
            tenant,
            $with,
            [
                a_crowd_makes_a_tenant_once,
                a_revoked_key_stays_listed_with_its_instant,
                a_tenant_is_made_once_and_left_as_it_is,
                keys_are_kept_as_they_were_added,
            ]
        );
    };
}

fn name(text: &str) -> TenantName {
    TenantName::try_new(text).expect("a valid name")
}

fn draft(text: &str) -> Tenant {
    Tenant {
        id: TenantId(999),
        name: name(text),
        price_source: PriceSource::Caller,
        commit_on: CommitOn::OrderCreated,
        pay_within_ms: 900_000,
        business_code: 42,
        policies: Policies::default(),
    }
}

fn api_key(tenant: TenantId, key_id: &str, secret: u8) -> ApiKey {
    ApiKey {
        key_id: key_id.to_owned(),
        secret_sha256: [secret; 32],
        tenant,
        client: client("app"),
        scopes: vec![Scope::Shop, Scope::Merchant],
        sellers: vec![seller("s1"), seller("卖家 'x'")],
        created: UnixMillis(1_000),
        revoked: None,
    }
}

async fn keys(process: &Process) -> Vec<ApiKey> {
    let mut keys = ok(process.tenants.keys().await);
    keys.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    keys
}

/// The first draft counts; its number is the store's own; every tenant is listed.
pub async fn a_tenant_is_made_once_and_left_as_it_is(first: Process, second: Process) {
    assert_eq!(ok(first.tenants.tenants().await), []);
    let made = ok(first.tenants.ensure_tenant(draft("mall")).await);
    assert_eq!(made, Tenant { id: made.id, ..draft("mall") });
    let other = Tenant { price_source: PriceSource::Catalog, commit_on: CommitOn::PaymentCaptured, ..draft("mall") };
    assert_eq!(ok(second.tenants.ensure_tenant(other.clone()).await), made);
    let shop = ok(second.tenants.ensure_tenant(Tenant { name: name("shop"), ..other.clone() }).await);
    assert_ne!(shop.id, made.id);
    assert_eq!(shop, Tenant { id: shop.id, name: name("shop"), ..other });
    let mut listed = ok(first.tenants.tenants().await);
    listed.sort_by_key(|tenant| tenant.id);
    assert_eq!(listed, [made, shop]);
}

/// 12 processes that start at once agree on the number of each of two tenants.
pub async fn a_crowd_makes_a_tenant_once(first: Process, second: Process) {
    let callers = (0..12).map(|n| {
        let tenants = if n % 2 == 0 { first.tenants.clone() } else { second.tenants.clone() };
        let wanted = draft(if n % 3 == 0 { "mall" } else { "shop" });
        tokio::spawn(async move { ok(tenants.ensure_tenant(wanted).await) })
    });
    let mut made = BTreeSet::new();
    for caller in callers.collect::<Vec<_>>() {
        let tenant = caller.await.expect("no caller panics");
        made.insert((tenant.name.as_str().to_owned(), tenant.id));
    }
    let ids: BTreeSet<_> = made.iter().map(|(_, id)| *id).collect();
    assert_eq!((made.len(), ids.len()), (2, 2));
}

/// Every field, on every process.
pub async fn keys_are_kept_as_they_were_added(first: Process, second: Process) {
    let tenant = ok(first.tenants.ensure_tenant(draft("mall")).await).id;
    let bare = ApiKey { scopes: vec![], sellers: vec![], ..api_key(tenant, "k2", 2) };
    for key in [api_key(tenant, "k1", 1), bare.clone()] {
        ok(first.tenants.add_key(key).await);
    }
    assert_eq!(keys(&second).await, [api_key(tenant, "k1", 1), bare]);
}

/// Revoking marks the key of the named tenant alone; a revoked one never comes back.
pub async fn a_revoked_key_stays_listed_with_its_instant(first: Process, second: Process) {
    let mall = ok(first.tenants.ensure_tenant(draft("mall")).await);
    let shop = ok(first.tenants.ensure_tenant(draft("shop")).await);
    ok(first.tenants.add_key(api_key(mall.id, "k1", 1)).await);
    ok(first.tenants.add_key(api_key(mall.id, "k2", 2)).await);
    let revoke = async |tenant: &Tenant, key_id: &str, at| {
        ok(second.tenants.revoke_key(&tenant.name, key_id, UnixMillis(at)).await)
    };
    assert!(!revoke(&shop, "k1", 5_000).await, "another tenant's key is none");
    assert!(!revoke(&mall, "k9", 5_000).await);
    assert!(!ok(second.tenants.revoke_key(&name("nobody"), "k1", UnixMillis(1)).await));
    assert!(revoke(&mall, "k1", 5_000).await);
    let revoked = ApiKey { revoked: Some(UnixMillis(5_000)), ..api_key(mall.id, "k1", 1) };
    assert_eq!(keys(&first).await, [revoked, api_key(mall.id, "k2", 2)]);
    revoke(&mall, "k1", 6_000).await;
    assert!(keys(&first).await[0].revoked.is_some());
}
