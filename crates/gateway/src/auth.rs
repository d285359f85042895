//! Who calls, and what that key may do. The scopes of each operation stand in `operation.rs`, nowhere else.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use holdline_app::{Access, App};
use holdline_domain::id::{BuyerId, GroupKey, IdempotencyKey, SellerId, Slot, TenantId};
use holdline_domain::order::Order;
use holdline_domain::refusal::Refusal;
use holdline_domain::tenant::{ApiKey, PriceSource, Scope};
use sha2::{Digest as _, Sha256};

use crate::operation::Op;
use crate::problem::{Code, Facts, Problem};

/// What every secret begins with, so that a leaked one can be found by a scanner.
pub const SECRET_PREFIX: &str = "hl_";

/// What is stored and looked up of a secret: SHA-256 over its whole text, prefix included.
pub fn secret_sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The caller of an operation, if its key is in force and has one of the operation's scopes.
pub(crate) fn authorize(app: &App, op: Op, headers: &HeaderMap) -> Result<Access, Problem> {
    let secret = bearer(headers)?;
    let access = app.access(&secret_sha256(secret)).ok_or_else(|| Problem::new(Code::ApiKeyInvalid))?;
    let allowed = op.entry().scopes.unwrap_or_default();
    if allowed.iter().any(|scope| access.key.scopes.contains(scope)) { Ok(access) } else { Err(scope_missing(allowed)) }
}

pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::new(Code::ApiKeyMissing);
    let text = headers.get(AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let (scheme, secret) = text.split_once(' ').ok_or_else(missing)?;
    let secret = secret.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") {
        Err(missing())
    } else if secret.starts_with(SECRET_PREFIX) {
        Ok(secret)
    } else {
        Err(Problem::new(Code::ApiKeyInvalid))
    }
}

fn scope_missing(needed: &[Scope]) -> Problem {
    let scopes = needed.iter().map(|scope| scope.as_str()).collect();
    Problem::new(Code::ScopeMissing).facts(Facts { scopes, ..Facts::default() })
}

/// Where the caller sets prices, the key that places must have the scope for it.
pub(crate) fn require_price(access: &Access) -> Result<(), Problem> {
    match access.tenant.price_source {
        PriceSource::Caller if !access.key.scopes.contains(&Scope::Price) => Err(scope_missing(&[Scope::Price])),
        PriceSource::Caller | PriceSource::Catalog => Ok(()),
    }
}

/// The identity of a submit: it belongs to the key's client, and so outlives the key.
pub(crate) fn group_key(tenant: TenantId, key: &ApiKey, attempt: &IdempotencyKey, buyer: &BuyerId) -> GroupKey {
    GroupKey::place(attempt, &key.client, Slot::of(tenant, buyer))
}

/// Which orders a key sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sight<'a> {
    /// All of the tenant.
    Tenant,
    /// Those of these sellers; others do not exist for it.
    Sellers(&'a [SellerId]),
}

impl<'a> Sight<'a> {
    /// A key that has only the merchant's scope of those that an operation allows sees its own sellers' orders.
    pub(crate) fn of(key: &'a ApiKey, op: Op) -> Self {
        let allowed = op.entry().scopes.unwrap_or_default();
        let wider = |scope: &Scope| *scope != Scope::Merchant && key.scopes.contains(scope);
        if allowed.iter().any(wider) { Self::Tenant } else { Self::Sellers(&key.sellers) }
    }

    /// Whether the orders of a seller exist for the key.
    pub(crate) fn sees(self, seller: &SellerId) -> bool {
        match self {
            Self::Tenant => true,
            Self::Sellers(sellers) => sellers.contains(seller),
        }
    }

    /// The order, if it exists for the key.
    pub(crate) fn filter(self, order: Order) -> Result<Order, Problem> {
        if self.sees(&order.seller) { Ok(order) } else { Err(not_found("order")) }
    }
}

/// The same answer for what does not exist and for what the key may not see.
pub(crate) fn not_found(what: &str) -> Problem {
    crate::problem::of_refusal(&Refusal::not_found(what))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use holdline_domain::id::ClientId;
    use holdline_domain::time::UnixMillis;

    use super::*;

    fn key(scopes: &[Scope], sellers: &[&str]) -> ApiKey {
        ApiKey {
            key_id: "k".to_owned(),
            secret_sha256: [0; 32],
            tenant: TenantId(1),
            client: ClientId::try_new("shop").unwrap(),
            scopes: scopes.to_vec(),
            sellers: sellers.iter().map(|seller| SellerId::try_new(seller).unwrap()).collect(),
            created: UnixMillis(0),
            revoked: None,
        }
    }

    fn headers(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(text))])
    }

    #[test]
    fn takes_a_bearer_secret_in_any_case_of_the_scheme() {
        assert_eq!(bearer(&headers("Bearer hl_x")).unwrap(), "hl_x");
        assert_eq!(bearer(&headers("bearer  hl_x")).unwrap(), "hl_x");
        for (text, code) in [
            ("hl_x", Code::ApiKeyMissing),
            ("Basic hl_x", Code::ApiKeyMissing),
            ("Bearer x", Code::ApiKeyInvalid),
            ("Bearer ", Code::ApiKeyInvalid),
        ] {
            assert_eq!(bearer(&headers(text)).unwrap_err().code, code, "{text}");
        }
        assert_eq!(bearer(&HeaderMap::new()).unwrap_err().code, Code::ApiKeyMissing);
    }

    #[test]
    fn a_merchant_sees_its_own_sellers_and_a_shop_sees_all() {
        let (own, other) = (SellerId::try_new("s1").unwrap(), SellerId::try_new("s2").unwrap());
        let merchant = key(&[Scope::Merchant], &["s1"]);
        let sight = Sight::of(&merchant, Op::GetOrder);
        assert!(sight.sees(&own) && !sight.sees(&other));
        let both = key(&[Scope::Merchant, Scope::Shop], &["s1"]);
        assert_eq!(Sight::of(&both, Op::GetOrder), Sight::Tenant);
        // `read` may read everything, but cancels nothing: there the key is a merchant's only.
        let reader = key(&[Scope::Merchant, Scope::Read], &["s1"]);
        assert_eq!(Sight::of(&reader, Op::GetOrder), Sight::Tenant);
        assert!(!Sight::of(&reader, Op::CancelOrder).sees(&other));
    }
}
