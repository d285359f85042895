//! Everything that is not a success: RFC 9457 problems with a stable code and the facts.
//!
//! [`refusal`] has the one exhaustive match from business refusals and faults to codes; [`code`] has the one table from
//! codes to statuses and words.

pub(crate) mod code;
mod page;
mod refusal;

use std::borrow::Cow;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use holdline_domain::id::{SellerId, SkuCode};
use holdline_domain::order::OrderNo;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{At, Money, currency_text};

pub(crate) use code::{Code, Reason};
pub(crate) use page::errors_md;
pub(crate) use refusal::{of_refusal, outcome_unknown};

/// One reason, with its place in the request and its facts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct ErrorEntry {
    /// The stable code of the reason; see errors.md.
    pub(crate) code: &'static str,
    /// JSON pointer (RFC 6901) into the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) pointer: Option<Cow<'static, str>>,
    /// The header, path or query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameter: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) detail: Option<Cow<'static, str>>,
    /// What is known about it; which facts come with which code is in errors.md.
    #[serde(flatten)]
    pub(crate) facts: Facts,
}

/// Facts of a reason. Each code has its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Facts {
    /// The SKU concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) sku: Option<SkuCode>,
    /// The seller concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) seller: Option<SellerId>,
    /// The seller that the request names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) given_seller: Option<SellerId>,
    /// The instant by which it was to be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decide_by: Option<At>,
    /// Units asked for, all lines summed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested: Option<i64>,
    /// Units that could be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) available: Option<i64>,
    /// The version of the stock account that this was judged at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_version: Option<i64>,
    /// The price that the buyer saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old_price: Option<Money>,
    /// The price that holds now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_price: Option<Money>,
    /// The currency that the request has.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "currency_text::optional")]
    #[schema(value_type = Option<String>)]
    pub(crate) given_currency: Option<holdline_domain::money::Currency>,
    /// The currency that it must have.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "currency_text::optional")]
    #[schema(value_type = Option<String>)]
    pub(crate) expected_currency: Option<holdline_domain::money::Currency>,
    /// The total that the buyer saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected_total: Option<Money>,
    /// What lines and adjustments come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actual_total: Option<Money>,
    /// Goods and freight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gross: Option<Money>,
    /// Discounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) discount: Option<Money>,
    /// The order concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) order_no: Option<OrderNo>,
    /// The order's status now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order_status: Option<&'static str>,
    /// The attempt to pay concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<String>,
    /// Where the order's goods are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fulfillment_status: Option<&'static str>,
    /// What was to go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_amount: Option<Money>,
    /// What may still go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refundable: Option<Money>,
    /// The order's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line_no: Option<i32>,
    /// Since when it is too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) closed: Option<At>,
    /// How the hold, or the part of it, has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold_state: Option<&'static str>,
    /// The resource's version now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current_version: Option<i64>,
    /// Units on hand now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_hand: Option<i64>,
    /// Units held now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<i64>,
    /// Units sold and not yet shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allocated: Option<i64>,
    /// What the reference was used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) movement_kind: Option<&'static str>,
    /// The quantity that it was used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) movement_quantity: Option<i64>,
    /// The period concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) period: Option<String>,
    /// When the next period of the SKU opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) period_opens: Option<At>,
    /// The scopes of which one is needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes: Vec<&'static str>,
    /// When to try again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
    /// The limit, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_max: Option<usize>,
    /// Line of the body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json_line: Option<usize>,
    /// Column of that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json_column: Option<usize>,
}

/// Why a request did not get what it asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) errors: Vec<ErrorEntry>,
    /// Milliseconds for `Retry-After`.
    retry_after_ms: Option<u64>,
    /// For the log only: what failed, in the operator's words. Never sent.
    pub(crate) inside: Option<String>,
}

/// The answer's body.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    kind: ProblemType,
    /// A few words that never vary for a code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time, for people.
    detail: &'a str,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// The stable code: decide by this. See errors.md.
    code: &'static str,
    /// Names this request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// Whether the same request, unchanged, may succeed later.
    retryable: bool,
    /// With 412: the version that the resource has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<i64>,
    /// Every reason, with its place in the request and its facts.
    #[serde(skip_serializing_if = "<[ErrorEntry]>::is_empty")]
    errors: &'a [ErrorEntry],
}

/// `urn:holdline:problem:<code>`.
#[derive(ToSchema)]
#[schema(value_type = String, example = "urn:holdline:problem:order_refused")]
struct ProblemType(&'static str);

impl Serialize for ProblemType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("urn:holdline:problem:{}", self.0))
    }
}

/// How long to wait where nothing better is known: long enough for a restart of a database to be noticed.
const RETRY_AFTER_MS: u64 = 1_000;

impl Problem {
    /// A problem whose title says all.
    pub(crate) fn new(code: Code) -> Self {
        let entry = code.entry();
        let retry_after_ms =
            (entry.retryable && entry.status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_MS);
        Self { code, detail: Cow::Borrowed(entry.meaning), errors: Vec::new(), retry_after_ms, inside: None }
    }

    /// Says what is wrong this time.
    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Adds a reason under the problem's own code.
    pub(crate) fn facts(mut self, facts: Facts) -> Self {
        self.errors.push(ErrorEntry { code: self.code.entry().code, facts, ..ErrorEntry::default() });
        self
    }

    /// Says when to try again.
    pub(crate) fn retry_after_ms(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }

    /// Keeps what the operator must read.
    pub(crate) fn inside(mut self, inside: impl std::fmt::Display) -> Self {
        self.inside = Some(inside.to_string());
        self
    }

    /// The body. A problem inside of another answer has neither path nor request.
    pub(crate) fn body<'a>(&'a self, instance: Option<&'a str>, request_id: Option<&'a str>) -> ProblemBody<'a> {
        let entry = self.code.entry();
        ProblemBody {
            kind: ProblemType(entry.code),
            title: entry.title,
            status: entry.status.as_u16(),
            detail: &self.detail,
            instance,
            code: entry.code,
            request_id,
            retryable: entry.retryable,
            current_version: self.errors.iter().find_map(|error| error.facts.current_version),
            errors: &self.errors,
        }
    }

    /// The whole answer, but for the `X-Request-Id` header that every answer gets.
    pub(crate) fn response(&self, instance: &str, request_id: Option<&str>) -> Response {
        let body = serde_json::to_vec(&self.body(Some(instance), request_id)).expect("a problem is plain JSON");
        let mut response = Response::new(body.into());
        *response.status_mut() = self.code.entry().status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry_after_ms) = self.retry_after_ms {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_ms.div_ceil(1_000).max(1)));
        }
        if self.code.entry().status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests;
