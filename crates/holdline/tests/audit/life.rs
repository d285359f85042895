//! A real life: a server and a payment center that misbehaves, orders that are paid, cancelled, refunded and paid too late. What
//! they leave is clean, and each fen is accounted for.

use anyhow::{Context as _, Result, ensure};
use holdline_load::process::{Launch, Log, Readiness, ServerProcess};
use serde_json::{Value, json};

use super::process::{Place, Served, WITHIN, call, wait_until};
use super::{audit, audit_text, broken, text};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Whoever pays what is closed succeeds; callbacks come twice and speak of what was before.
const MISCHIEF: &str =
    r#"{"seed":7,"pay_after_close":1,"twice_callback":0.5,"stale_callback":0.5,"refund_fails_first":0.5}"#;
/// The variable that names the database to `serve` and `key`.
const DATABASE_URL: &str = "HOLDLINE_STORE__DATABASE_URL";

struct Life {
    place: Place,
    server: Served,
    center: ServerProcess,
    center_at: std::net::SocketAddr,
    secret: String,
}

impl Life {
    /// `database`: the URL of an empty PostgreSQL database, or SQLite files.
    fn begin(database: Option<&str>) -> Result<Self> {
        let place = Place::new()?;
        let url: Vec<(&str, &str)> = database.iter().map(|url| (DATABASE_URL, *url)).collect();
        let store = ["--store", if database.is_some() { "postgres" } else { "sqlite" }];
        let words = ["key", "create", "--tenant", "mall", "--client", "app", "--scope", "shop", "--scope", "admin"];
        let made = place.run_with(&[&words[..], &["--scope", "read"], &store].concat(), &url)?;
        let secret = made.stdout.lines().find_map(|line| line.strip_prefix("secret"));
        let secret = secret.with_context(|| format!("no secret: {}", made.stderr))?.trim().to_owned();
        let networks = [("HOLDLINE_PAYMENT__NETWORKS", "127.0.0.0/8")];
        let server = place.serve_with(&store, &[&url[..], &networks].concat())?;
        let center = ServerProcess::start(&Launch {
            program: env!("CARGO_BIN_EXE_holdline").into(),
            arguments: [
                &["sandbox-provider", "--listen", "127.0.0.1:0", "--control-token", "control"][..],
                &["--secret", SECRET, "--mischief", MISCHIEF, "--data", text(&place.path().join("center"))],
            ]
            .concat()
            .into_iter()
            .map(Into::into)
            .collect(),
            environment: Vec::new(),
            readiness: Readiness::Line("holdline sandbox-provider on ".to_owned()),
            ready_within: WITHIN,
            log: Log::File(place.path().join("center.log")),
        })?;
        let line = center.ready_line().context("a ready line")?;
        let center_at = line.rsplit_once("http://").context("a URL")?.1.parse()?;
        let life = Self { place, server, center, center_at, secret };
        life.open_shop()?;
        Ok(life)
    }

    fn open_shop(&self) -> Result<()> {
        let settings = json!({ "url": format!("http://{}/", self.center_at), "secret": SECRET });
        let account = json!({ "kind": "http", "enabled": true, "settings": settings });
        self.done("PUT", "/v1/payment-providers/center", &account)?;
        let policies =
            json!({ "channel_pay_within": { "quick": 2 }, "receive_after": 864_000, "return_within": 604_800 });
        self.done("PUT", "/v1/policies", &policies)?;
        self.done("PUT", "/v1/sellers/north", &json!({ "name": "North" }))?;
        let sku = json!({ "seller": "north", "title": "Tea", "price": cny(1_000), "on_shelf": true });
        self.done("PUT", "/v1/skus/TEA", &sku)?;
        self.done("POST", "/v1/stock/TEA/adjustments", &json!({ "delta": 100, "reference": "delivery" }))?;
        Ok(())
    }

    /// A call that must succeed; its answer.
    fn done(&self, method: &str, target: &str, body: &Value) -> Result<Value> {
        let (status, answer) = self.server.call(&self.secret, method, target, Some(body))?;
        ensure!(status < 300, "{method} {target}: {status} {answer:#}");
        Ok(answer)
    }

    fn get(&self, target: &str) -> Result<Value> {
        Ok(self.server.call(&self.secret, "GET", target, None)?.1)
    }

    /// Waits until an order is as wanted.
    fn until(&self, order: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        wait_until(WITHIN, || Ok(wanted(&self.get(order)?))).with_context(|| format!("{order} does not get there"))?;
        Ok(())
    }

    /// Places an order for tea and opens an attempt: the order's path, and the attempt.
    fn open(&self, buyer: &str, channel: &str, units: i64) -> Result<(String, String)> {
        let line = json!({ "sku": "TEA", "quantity": units, "unit_price": cny(1_000) });
        let cart = json!({ "buyer_id": buyer, "channel": channel, "lines": [line] });
        // The key of a call is made of its target.
        let placed = self.done("POST", &format!("/v1/orders?{buyer}"), &cart)?;
        let order_no = placed["orders"][0]["order_no"].as_str().context("a number")?;
        let path = format!("/v1/orders/{order_no}");
        let opened = self.done("POST", &format!("{path}/payments"), &json!({ "provider": "center" }))?;
        Ok((path, opened["attempt"].as_str().context("an attempt")?.to_owned()))
    }

    /// The buyer pays at the center.
    fn pay(&self, attempt: &str) -> Result<()> {
        let body = json!({ "payment": attempt });
        let (status, answer) = call(self.center_at, "control", "POST", "/control/pay", Some(&body))?;
        ensure!(status == 200, "{status} {answer}");
        Ok(())
    }

    fn paid(&self, buyer: &str, units: i64) -> Result<String> {
        let (path, attempt) = self.open(buyer, "", units)?;
        self.pay(&attempt)?;
        self.until(&path, |order| order["status"] == "confirmed")?;
        Ok(path)
    }

    fn happen(&self) -> Result<()> {
        let (late, too_late) = self.open("late", "quick", 1)?;
        self.paid("content", 1)?;
        let sorry = self.paid("sorry", 2)?;
        self.done("POST", &format!("{sorry}/cancel"), &json!({}))?;
        let fewer = self.paid("fewer", 3)?;
        let off = json!({ "lines": [{ "line_no": 1, "quantity": 1 }] });
        self.done("POST", &format!("{fewer}/refunds"), &off)?;
        self.open("undecided", "", 1)?;
        self.until(&sorry, |order| order["payment_status"] == "refunded")?;
        self.until(&fewer, |order| order["payment_status"] == "partially_refunded")?;
        self.until(&late, |order| order["status"] == "expired")?;
        self.pay(&too_late)?;
        let refunded = |payments: &Value| payments["payments"][0]["refunds"][0]["state"] == "succeeded";
        self.until(&format!("{late}/payments"), refunded)?;
        // One who is content, two left of three, and one who has not decided yet.
        self.until("/v1/stock/TEA", |stock| (&stock["allocated"], &stock["held"]) == (&json!(3), &json!(1)))
    }
}

fn cny(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// What a life leaves is clean, while its server runs and after it; each fen is accounted for.
pub(crate) fn live(database: Option<&str>) -> Result<()> {
    let life = Life::begin(database)?;
    life.happen()?;
    let data = life.place.data();
    let store = database.map_or(["--data", text(&data)], |url| ["--database-url", url]);
    let expect = |when: &str| {
        let (status, report) = audit(&store, &[]);
        assert_eq!((status, broken(&report)), (0, Vec::new()), "{when}: {report:#}");
        let of = |name: &str| report["money"]["CNY"][name].as_i64().expect("a sum");
        assert_eq!((of("captured"), of("attached"), of("unattached")), (7_000, 6_000, 1_000), "{report:#}");
        assert_eq!((of("kept"), of("refunded"), of("undecided")), (3_000, 4_000, 0), "{report:#}");
        assert_eq!(of("on_its_way_back"), 0, "{report:#}");
    };
    expect("beside its server");
    assert_eq!(life.server.process.terminate(WITHIN)?.code(), Some(0));
    assert_eq!(life.center.terminate(WITHIN)?.code(), Some(0));
    expect("at rest");
    let (_, output) = audit_text(&store, &[]);
    let said = String::from_utf8(output.stdout)?;
    assert!(said.contains("captured 7000 (attached 6000, unattached 1000) = kept 3000 + refunded 4000 +"), "{said}");
    Ok(())
}

#[test]
fn calls_a_real_life_with_money_clean_on_sqlite() -> Result<()> {
    live(None)
}
