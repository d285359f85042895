//! The pay page, for people: what is to be paid, and two buttons. Plain HTML that works without scripts, by keyboard and
//! by screen reader, in English and Chinese.
//!
//! Whoever has the address with its token may pay; a wrong token is as good as no payment. Texts of callers are escaped,
//! and an address of theirs becomes a link only if it is one of the web.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use crate::desk::{Center, Desk};
use crate::payment::Decision;
use crate::record::{Payment, State as Stand};
use crate::secret;
use crate::store::StoreFailed;

/// Nothing is loaded, nothing runs, and forms go here only.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem;\
color:#111;background:#fff}h1{font-size:1.4rem}.amount{font-size:2rem;font-weight:600}form{display:inline}\
button{font:inherit;padding:.6rem 1.2rem;margin:.5rem .5rem .5rem 0;border:2px solid #111;border-radius:.4rem;\
background:#fff;color:#111;cursor:pointer}button.pay{background:#111;color:#fff}:focus-visible{outline:3px solid #06c;\
outline-offset:2px}.note{color:#555;font-size:.9rem}";

/// Who may pay.
#[derive(Deserialize)]
pub(crate) struct Token {
    #[serde(default)]
    token: String,
}

type Address = (State<Arc<Center>>, Path<String>, Query<Token>);

/// `GET /pay/{payment}`.
pub(crate) async fn show((State(center), Path(key), Query(token)): Address) -> Response {
    let found = opened(&center, key, token.token, |_, payment| Ok(payment)).await;
    match found {
        Ok(Some(payment)) => html(StatusCode::OK, &body(&payment)),
        other => no_page(&other),
    }
}

/// `POST /pay/{payment}/pay`.
pub(crate) async fn pay(address: Address) -> Response {
    decide(address, Decision::Pay).await
}

/// `POST /pay/{payment}/decline`.
pub(crate) async fn decline(address: Address) -> Response {
    decide(address, Decision::Decline).await
}

/// Decides, and shows the page again: what it says then is what came of it.
async fn decide((State(center), Path(key), Query(token)): Address, decision: Decision) -> Response {
    let decided = opened(&center, key, token.token, move |desk, payment| {
        desk.decide(&payment.key, decision)?;
        Ok(payment)
    });
    match decided.await {
        Ok(Some(payment)) => {
            center.wake.notify_one();
            let page = format!("/pay/{}?token={}", payment.key, payment.token);
            (StatusCode::SEE_OTHER, [(LOCATION, page)]).into_response()
        }
        other => no_page(&other),
    }
}

/// A payment for whoever knows its token, and what is done with it; `None`: no such payment for him.
async fn opened(
    center: &Arc<Center>,
    key: String,
    token: String,
    then: impl FnOnce(&Desk<'_>, Payment) -> rusqlite::Result<Payment> + Send + 'static,
) -> Result<Option<Payment>, Unseen> {
    if center.is_down().await? {
        return Err(Unseen::Down);
    }
    let found = center.at_desk(move |desk| {
        let found = desk.payment(&key)?.filter(|payment| secret::same(&token, &payment.token));
        found.map(|payment| then(desk, payment)).transpose()
    });
    Ok(found.await?)
}

/// Why there is nothing to see.
enum Unseen {
    Down,
    Failed,
}

impl From<StoreFailed> for Unseen {
    fn from(_: StoreFailed) -> Self {
        Self::Failed
    }
}

fn no_page(found: &Result<Option<Payment>, Unseen>) -> Response {
    let (status, words, chinese) = match found {
        Ok(_) => (StatusCode::NOT_FOUND, "There is no such payment.", "没有这笔支付。"),
        Err(Unseen::Down) => (StatusCode::SERVICE_UNAVAILABLE, "Please come back later.", "请稍后再试。"),
        Err(Unseen::Failed) => (StatusCode::INTERNAL_SERVER_ERROR, "The sandbox has failed.", "沙箱出错。"),
    };
    html(status, &format!("<h1>{}</h1>", both(words, chinese)))
}

fn html(status: StatusCode, body: &str) -> Response {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Sandbox payment · 沙箱支付</title><style>{STYLE}</style></head><body><main>{body}\
         <p class=\"note\">{}</p></main></body></html>\n",
        both("This is a sandbox: no money is moved.", "沙箱环境,不产生真实扣款。")
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // The address has the token in it.
        (REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}

/// A text in both languages; each is read aloud as what it is.
fn both(english: &str, chinese: &str) -> String {
    format!("{english} <span lang=\"zh\">{chinese}</span>")
}

fn body(payment: &Payment) -> String {
    let (words, chinese) = match payment.state {
        Stand::Pending => ("To be paid", "待支付"),
        Stand::Captured => ("Paid", "已支付"),
        Stand::Failed => ("Not paid", "未支付"),
        Stand::Closed => ("Closed", "已关闭"),
    };
    let heading = format!("<h1 role=\"status\">{}</h1>", both(words, chinese));
    let Some(terms) = &payment.terms else { return heading };
    let amount = if payment.state == Stand::Captured { payment.captured } else { terms.amount };
    let what = format!(
        "<p>{}</p><p class=\"amount\">{} {}</p>",
        escaped(&terms.description),
        decimal(amount, &terms.currency),
        escaped(&terms.currency)
    );
    let then = match payment.state {
        Stand::Pending => {
            [button(payment, "pay", &both("Pay", "支付")), button(payment, "decline", &both("Decline", "取消"))]
                .concat()
        }
        Stand::Captured | Stand::Failed | Stand::Closed => {
            let reason = payment.reason.as_ref().map(|reason| format!("<p>{}</p>", escaped(reason)));
            let web = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
            let back =
                terms.return_url.as_ref().filter(web).map(|url| {
                    format!("<p><a href=\"{}\">{}</a></p>", escaped(url), both("Back to the shop", "返回商家"))
                });
            [reason, back].into_iter().flatten().collect()
        }
    };
    [heading, what, then].concat()
}

/// A form of one button, which needs no script.
fn button(payment: &Payment, action: &str, words: &str) -> String {
    let address = format!("/pay/{}/{action}?token={}", payment.key, payment.token);
    let address = escaped(&address);
    format!("<form method=\"post\" action=\"{address}\"><button class=\"{action}\">{words}</button></form>")
}

/// An amount of minor units as people write it, by the decimals that ISO 4217 gives a currency.
fn decimal(amount: i64, currency: &str) -> String {
    let decimals = match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    if decimals == 0 {
        return amount.to_string();
    }
    let unit = 10_i64.pow(decimals);
    format!("{}.{:0width$}", amount / unit, amount % unit, width = decimals as usize)
}

/// A text as it may stand in HTML, also in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Terms;

    fn payment(state: Stand, description: &str, return_url: &str) -> Payment {
        Payment {
            key: "P1-1".to_owned(),
            state,
            terms: Some(Terms {
                amount: 123_456,
                currency: "CNY".to_owned(),
                expires_ms: 0,
                description: description.to_owned(),
                notify_url: String::new(),
                return_url: Some(return_url.to_owned()),
            }),
            captured: 0,
            reference: String::new(),
            token: "t".to_owned(),
            reason: None,
        }
    }

    #[test]
    fn texts_of_callers_are_texts_and_nothing_else() {
        let evil = "<script>\"'&</script>";
        let page = body(&payment(Stand::Pending, evil, ""));
        assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;&lt;/script&gt;") && !page.contains("<script"), "{page}");
        let page = body(&payment(Stand::Closed, "", "https://shop.example.com/?a=1&b=\"><script>"));
        assert!(page.contains("?a=1&amp;b=&quot;&gt;&lt;script&gt;\""), "{page}");
        let page = body(&payment(Stand::Closed, "", "javascript:alert(1)"));
        assert!(!page.contains("javascript") && !page.contains("<a "), "{page}");
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (amount, currency, written) in
            [(123_456, "CNY", "1234.56"), (5, "USD", "0.05"), (500, "JPY", "500"), (1_005, "KWD", "1.005")]
        {
            assert_eq!(decimal(amount, currency), written);
        }
    }

    #[test]
    fn only_a_payment_that_waits_has_buttons() {
        assert_eq!(body(&payment(Stand::Pending, "", "")).matches("<button").count(), 2);
        for state in [Stand::Captured, Stand::Failed, Stand::Closed] {
            assert!(!body(&payment(state, "", "")).contains("<form"), "{state:?}");
        }
    }
}
