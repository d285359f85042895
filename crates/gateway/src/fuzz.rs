//! Every parser of this crate that reads bytes from outside, as one plain function each, for the fuzzer in `fuzz/`.
//!
//! Public, because a fuzzer is a program of its own; hidden, because it is nobody's API. Through the router instead, a
//! fuzzer would spend its time in routing and authorization and hardly ever reach what it is for.
//!
//! A function ends if the bytes are refused, and panics if they are taken and are not what they must be then.

use std::borrow::Cow;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Uri};
use holdline_domain::id::{ClientId, IdempotencyKey, SellerId, SkuCode, TenantId, TenantName};
use holdline_domain::order::OrderNo;
use holdline_domain::tenant::{ApiKey, CommitOn, Policies, PriceSource, Tenant};
use holdline_domain::time::UnixMillis;

use crate::cursor::{MovementSeq, encode_cursor};
use crate::problem::Problem;
use crate::query::{LIMIT_MAX, Query};
use crate::wire::catalog::{SellerInput, SkuInput, SkusInput};
use crate::wire::hold::{HoldEndInput, HoldExtendInput, HoldInput};
use crate::wire::json;
use crate::wire::mall::MallSubmitInput;
use crate::wire::order::{AbandonInput, CancelInput, GroupId, SubmitInput};
use crate::wire::stock::{AdjustmentInput, FlagsInput};
use crate::{auth, place};

/// What is refused must be answerable.
fn refused(problem: impl Into<Problem>) {
    let response = problem.into().response("/v1", None);
    assert!(response.status().is_client_error(), "{}", response.status());
}

/// The body of a submit.
pub fn submit(bytes: &[u8]) {
    let attempt = IdempotencyKey::try_new("k").expect("a key");
    let key = ApiKey {
        key_id: String::new(),
        secret_sha256: [0; 32],
        tenant: TenantId(1),
        client: ClientId::try_new("web").expect("a client"),
        scopes: Vec::new(),
        sellers: Vec::new(),
        created: UnixMillis(0),
        revoked: None,
    };
    let tenant = Tenant {
        id: TenantId(1),
        name: TenantName::try_new("mall").expect("a name"),
        price_source: PriceSource::Caller,
        commit_on: CommitOn::PaymentCaptured,
        pay_within_ms: 1,
        business_code: 1,
        policies: Policies::default(),
    };
    let input: SubmitInput<'_> = match json::parse(bytes) {
        Ok(input) => input,
        Err(problem) => return refused(problem),
    };
    if let Err(problem) = input.echo(UnixMillis(0)) {
        refused(problem);
    }
    match input.parse(&tenant, &key, &attempt) {
        Ok(submit) => {
            let opaque = submit.lines.iter().filter_map(|line| line.snapshot.as_deref());
            for kept in opaque.chain(submit.address.as_deref()) {
                serde_json::from_str::<serde::de::IgnoredAny>(kept).expect("what is kept of JSON is JSON");
                assert_eq!(json::compact(kept), kept, "compacting twice changes nothing");
            }
        }
        Err(invalid) => refused(invalid),
    }
    match json::parse::<MallSubmitInput<'_>>(bytes) {
        Ok(input) => {
            let _ = input.request_id().map(|named| named.map(drop).map_err(refused));
            match input.parse(&tenant, &key, &attempt) {
                Ok(submit) => assert!(submit.lines.iter().all(|line| line.unit_price.0 >= 0)),
                Err(invalid) => refused(invalid),
            }
        }
        Err(problem) => refused(problem),
    }
    for read in [json::parse::<AbandonInput<'_>>(bytes).map(drop), json::parse::<CancelInput>(bytes).map(drop)] {
        let _ = read.map_err(refused);
    }
}

/// The bodies about holds.
pub fn hold(bytes: &[u8]) {
    let _ = json::parse::<HoldInput<'_>>(bytes).map(|input| input.parse().map(drop).map_err(refused)).map_err(refused);
    let _ =
        json::parse::<HoldEndInput<'_>>(bytes).map(|input| input.parse().map(drop).map_err(refused)).map_err(refused);
    let _ = json::parse::<HoldExtendInput<'_>>(bytes)
        .map(|input| match input.parse() {
            Ok((_, within_ms)) => assert!(within_ms > 0, "{within_ms}"),
            Err(invalid) => refused(invalid),
        })
        .map_err(refused);
}

/// The bodies about sellers and SKUs.
pub fn catalog(bytes: &[u8]) {
    let sku = || SkuCode::try_new("A").expect("a code");
    let seller = SellerId::try_new("s").expect("an id");
    let _ = json::parse::<SellerInput<'_>>(bytes)
        .map(|input| input.parse(seller).map(drop).map_err(refused))
        .map_err(refused);
    let _ = json::parse::<SkuInput<'_>>(bytes)
        .map(|input| input.parse(sku(), "").map(drop).map_err(refused))
        .map_err(refused);
    let _ = json::parse::<SkusInput<'_>>(bytes).map(|input| input.parse().map(drop).map_err(refused)).map_err(refused);
}

/// The bodies about stock.
pub fn stock(bytes: &[u8]) {
    let sku = || SkuCode::try_new("A").expect("a code");
    let _ = json::parse::<AdjustmentInput<'_>>(bytes)
        .map(|input| input.parse(sku()).map(drop).map_err(refused))
        .map_err(refused);
    let _ = json::parse::<FlagsInput<'_>>(bytes)
        .map(|input| input.parse(sku()).map(drop).map_err(refused))
        .map_err(refused);
}

/// A request target with query parameters and cursors.
pub fn query(bytes: &[u8]) {
    let Ok(uri) = Uri::try_from(bytes) else { return };
    let query = match Query::parse(&uri, &["sku", "limit", "cursor", "buyer_id", "wait"]) {
        Ok(query) => query,
        Err(problem) => return refused(problem),
    };
    match query.limit() {
        Ok(limit) => assert!((1..=LIMIT_MAX).contains(&limit)),
        Err(problem) => refused(problem),
    }
    match query.wait() {
        Ok(wait) => assert!(wait <= Query::WAIT_MAX),
        Err(problem) => refused(problem),
    }
    let _ = query.one("buyer_id").map_err(refused);
    match query.cursor::<OrderNo>() {
        Ok(Some(no)) => assert!(!encode_cursor(&no).is_empty()),
        Ok(None) => {}
        Err(problem) => refused(problem),
    }
    match query.cursor::<MovementSeq>() {
        Ok(Some(seq)) => assert!(!encode_cursor(&seq).is_empty()),
        Ok(None) => {}
        Err(problem) => refused(problem),
    }
}

/// The value of `Idempotency-Key`.
pub fn idempotency_key(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let Ok(text) = value.to_str() else { return };
    match place::idempotency_key(text.trim()) {
        Ok(key) => assert!(key.as_str().bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')),
        Err(invalid) => refused(invalid),
    }
}

/// Order numbers and group ids of a path.
pub fn order_no(bytes: &[u8]) {
    let Cow::Borrowed(text) = String::from_utf8_lossy(bytes) else { return };
    match OrderNo::try_new(text) {
        Ok(no) => {
            assert_eq!(no.as_str(), text);
            assert_eq!(GroupId::parse(&GroupId(&no).to_string()), Some(no));
        }
        Err(invalid) => refused(invalid),
    }
    if let Some(no) = GroupId::parse(text) {
        assert_eq!(GroupId(&no).to_string(), text);
    }
}

/// The value of `Authorization`.
pub fn api_key(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    match auth::bearer(&headers) {
        Ok(secret) => assert!(secret.starts_with(auth::SECRET_PREFIX)),
        Err(problem) => refused(problem),
    }
}
