//! WeChat Pay as its documents describe it, on a socket of this machine: it refuses what is not signed by the merchant,
//! signs what it answers, keeps orders and refunds by their numbers, and can be told to misbehave once.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};

use crate::keys;
use crate::orders::Orders;

/// How an answer is spoilt after the request was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoilt {
    Unsigned,
    /// The body is another one than was signed.
    Forged,
    Probe,
    /// Signed six minutes ago.
    Old,
    /// Signed by a key that nobody was told of.
    UnknownKey,
    OtherAlgorithm,
    TooLong,
    NotJson,
    /// 502 of a proxy on the way.
    Lost,
    /// 202.
    Accepted,
    /// 302 to somewhere else.
    Moved,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    /// It is refused with a status and a code, and not carried out.
    Refused(u16, &'static str),
    /// It is refused, signed and then changed.
    RefusedForged(u16, &'static str),
    /// It is carried out.
    Answered(Spoilt),
    /// It is answered with this, well signed, and not carried out.
    Says(&'static str),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) body: Value,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    fn asked(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}

#[derive(Default)]
struct World {
    orders: Orders,
    /// For the next request whose method and URL contain the text.
    troubles: VecDeque<(&'static str, Trouble)>,
    seen: Vec<Seen>,
}

pub(crate) struct Fake {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let world = Arc::new(Mutex::new(World::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Router::new().fallback(serve).with_state(world.clone());
        // Ends with the test's runtime.
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, world }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at, or changes, what it knows.
    pub(crate) fn orders<T>(&self, act: impl FnOnce(&mut Orders) -> T) -> T {
        act(&mut self.world.lock().unwrap().orders)
    }

    /// Lets the next request whose method and URL contain this go wrong.
    pub(crate) fn trouble(&self, asked: &'static str, trouble: Trouble) {
        self.world.lock().unwrap().troubles.push_back((asked, trouble));
    }

    /// The requests so far that were signed by the merchant.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.world.lock().unwrap().seen.clone()
    }

    /// The methods and URLs of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen().iter().map(Seen::asked).collect()
    }
}

async fn serve(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1_024).await.unwrap();
    let url = head.uri.path_and_query().unwrap().as_str();
    let message = |timestamp: &str, nonce: &str| {
        [
            head.method.as_str().as_bytes(),
            b"\n",
            url.as_bytes(),
            b"\n",
            timestamp.as_bytes(),
            b"\n",
            nonce.as_bytes(),
            b"\n",
            &body,
            b"\n",
        ]
        .concat()
    };
    if let Err(why) = authorized(&head.headers, message) {
        // Not signed: whoever asks is nobody it knows.
        return plain(401, json!({ "code": "SIGN_ERROR", "message": why }).to_string());
    }
    let parsed = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    let seen =
        Seen { method: head.method.to_string(), url: url.to_owned(), body: parsed, headers: head.headers.clone() };
    let mut world = world.lock().unwrap();
    let asked = seen.asked();
    let at = world.troubles.iter().position(|(part, _)| asked.contains(part));
    let trouble = at.and_then(|at| world.troubles.remove(at)).map(|(_, trouble)| trouble);
    world.seen.push(seen.clone());
    let key_id = match head.headers.get("wechatpay-serial") {
        Some(id) if id == keys::PUBLIC_KEY_ID => keys::PUBLIC_KEY_ID,
        _ => keys::CERTIFICATE_SERIAL,
    };
    let failure = |code| json!({ "code": code, "message": "told to" }).to_string();
    match trouble {
        Some(Trouble::Refused(status, code)) => signed(key_id, status, failure(code), None),
        Some(Trouble::RefusedForged(status, code)) => signed(key_id, status, failure(code), Some(Spoilt::Forged)),
        Some(Trouble::Answered(how)) => {
            let (status, body) = world.orders.answer(&seen);
            signed(key_id, status, body, Some(how))
        }
        Some(Trouble::Says(text)) => signed(key_id, 200, text.to_owned(), None),
        None => {
            let (status, body) = world.orders.answer(&seen);
            signed(key_id, status, body, None)
        }
    }
}

/// Checks the header `Authorization` and what every request must have.
fn authorized(headers: &HeaderMap, message: impl Fn(&str, &str) -> Vec<u8>) -> Result<(), &'static str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    header("user-agent").ok_or("no User-Agent")?;
    if header("accept") != Some("application/json") {
        return Err("no Accept");
    }
    let fields = header("authorization").and_then(|value| value.strip_prefix("WECHATPAY2-SHA256-RSA2048 "));
    let fields: Vec<(&str, &str)> =
        fields.ok_or("no Authorization")?.split(',').filter_map(|field| field.split_once('=')).collect();
    let field = |name: &str| {
        let value = fields.iter().find(|(of, _)| *of == name).map(|(_, value)| value.trim_matches('"'));
        value.ok_or("a field is missing")
    };
    let timestamp_s: i64 = field("timestamp")?.parse().map_err(|_| "timestamp")?;
    if (timestamp_s - keys::now_s()).abs() > 300 {
        return Err("timestamp");
    }
    if field("mchid")? != "1900000001" || field("serial_no")? != keys::MERCHANT_SERIAL {
        return Err("mchid or serial_no");
    }
    let nonce = field("nonce_str")?;
    if nonce.is_empty() || nonce.len() > 32 {
        return Err("nonce_str");
    }
    let message = message(field("timestamp")?, nonce);
    if keys::merchant_signed(&message, field("signature")?) { Ok(()) } else { Err("signature") }
}

/// An answer with its signature, or with what is wrong with it.
fn signed(key_id: &str, status: u16, body: String, spoilt: Option<Spoilt>) -> Response<Body> {
    let (status, body) = match spoilt {
        Some(Spoilt::TooLong) => (status, json!({ "code_url": "x".repeat(80 * 1_024) }).to_string()),
        Some(Spoilt::NotJson) => (status, "<html>".to_owned()),
        Some(Spoilt::Accepted) => (202, body),
        Some(Spoilt::Lost) => return plain(502, "<html>".to_owned()),
        Some(Spoilt::Moved) => {
            let moved = Response::builder().status(302).header("location", "http://127.0.0.1:9/");
            return moved.body(Body::empty()).unwrap();
        }
        _ => (status, body),
    };
    if spoilt == Some(Spoilt::Unsigned) {
        return plain(status, body);
    }
    let made_s = keys::now_s() - if spoilt == Some(Spoilt::Old) { 360 } else { 0 };
    let nonce = "d824f2e086d3c1df967785d13fcd22ef";
    let message = format!("{made_s}\n{nonce}\n{body}\n");
    let signature = match spoilt {
        Some(Spoilt::Probe) => format!("WECHATPAY/SIGNTEST/{}", keys::platform_signs(key_id, message.as_bytes())),
        _ => keys::platform_signs(key_id, message.as_bytes()),
    };
    let algorithm =
        if spoilt == Some(Spoilt::OtherAlgorithm) { "WECHATPAY2-SM2-WITH-SM3" } else { "WECHATPAY2-SHA256-RSA2048" };
    let serial = if spoilt == Some(Spoilt::UnknownKey) { "PUB_KEY_ID_0" } else { key_id };
    let body = if spoilt == Some(Spoilt::Forged) { format!("{body} ") } else { body };
    Response::builder()
        .status(status)
        .header("content-type", "application/json; charset=utf-8")
        .header("wechatpay-timestamp", made_s.to_string())
        .header("wechatpay-nonce", nonce)
        .header("wechatpay-serial", serial)
        .header("wechatpay-signature", signature)
        .header("wechatpay-signature-type", algorithm)
        .body(Body::from(body))
        .unwrap()
}

fn plain(status: u16, body: String) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body)).unwrap()
}
