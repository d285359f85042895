//! A sandbox on a real socket, somebody who receives its callbacks, and the adapter that Holdline speaks to it with.

#![expect(dead_code, reason = "every test file uses its own part of this")]

pub(crate) mod receiver;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use holdline_domain::fault::{Fault, FaultKind, Outcome};
use holdline_domain::id::{TenantId, Version};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::payment::{AttemptId, ProviderAccount, ProviderKind, ProviderName};
use holdline_domain::port::{CallbackWord, PaymentOrder, PaymentProvider as _, ProviderWord, RefundOrder};
use holdline_domain::time::UnixMillis;
use holdline_outbound::{Networks, Providers};
use holdline_sandbox::{Mischief, Options, Sandbox};
use parking_lot::Mutex;
use receiver::{Receiver, Told, receive};
use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OTHER_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const TOKEN: &str = "control";
/// Generous: the machine may be busy with other tests.
const WITHIN: Duration = Duration::from_mins(1);

/// All of it.
pub(crate) struct Shop {
    directory: TempDir,
    sandbox: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    pub(crate) base_url: String,
    pub(crate) providers: Arc<Providers>,
    pub(crate) account: ProviderAccount,
    browser: Client,
    notify_url: String,
    told: Arc<Mutex<Vec<Told>>>,
    deaf: Arc<AtomicBool>,
}

pub(crate) fn networks() -> Networks {
    Networks::try_new(&["127.0.0.0/8".to_owned()]).expect("a network")
}

pub(crate) fn account(url: &str, secret: &str, former: Option<&str>) -> ProviderAccount {
    let mut settings = json!({ "url": url, "secret": secret });
    if let Some(former) = former {
        settings["former_secret"] = json!(former);
    }
    ProviderAccount {
        tenant: TenantId(1),
        name: ProviderName::try_new("sandbox").expect("a name"),
        kind: ProviderKind::Http,
        settings: settings.to_string(),
        enabled: true,
        version: Version::FIRST,
    }
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the year 292277026")
}

pub(crate) fn attempt(n: i32) -> AttemptId {
    AttemptId::try_new(&format!("P261125093000123000100000742-{n}")).expect("an attempt")
}

pub(crate) fn cny() -> Currency {
    Currency::try_new("CNY").expect("a currency")
}

impl Shop {
    /// A sandbox that behaves.
    pub(crate) async fn open() -> Result<Self> {
        Self::open_with(&json!({})).await
    }

    /// A sandbox that misbehaves.
    pub(crate) async fn open_with(mischief: &Value) -> Result<Self> {
        let providers = Arc::new(Providers::try_new(networks()).map_err(anyhow::Error::msg)?);
        let receiver = TcpListener::bind("127.0.0.1:0").await?;
        let notify_url = format!("http://{}/notify", receiver.local_addr()?);
        let mut shop = Self {
            directory: tempfile::tempdir()?,
            sandbox: None,
            base_url: String::new(),
            providers,
            account: account("", SECRET, None),
            browser: Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?,
            notify_url,
            told: Arc::default(),
            deaf: Arc::default(),
        };
        tokio::spawn(receive(receiver, shop.receiver()));
        shop.start(Some(mischief)).await?;
        Ok(shop)
    }

    async fn start(&mut self, mischief: Option<&Value>) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        self.base_url = format!("http://{}", listener.local_addr()?);
        self.account = account(&self.base_url, SECRET, None);
        let mischief = mischief.map(|json| Mischief::try_new(&json.to_string(), now_ms()));
        let options = Options {
            base_url: self.base_url.clone(),
            secret: Some(SECRET.to_owned()),
            control_token: Some(TOKEN.to_owned()),
            networks: Networks::only(&["127.0.0.0/8".to_owned()]).map_err(anyhow::Error::msg)?,
            mischief: mischief.transpose().map_err(anyhow::Error::msg)?,
        };
        let sandbox = Sandbox::open(self.directory.path(), options).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = sandbox.serve(listener, async {
            let _ = stopped.await;
        });
        self.sandbox = Some((stop, tokio::spawn(served)));
        Ok(())
    }

    /// Stops the sandbox and opens it again from the same directory, at another port.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        let (stop, served) = self.sandbox.take().context("a running sandbox")?;
        drop(stop);
        // Connections that are kept for the next call keep the server from ending.
        self.providers = Arc::new(Providers::try_new(networks()).map_err(anyhow::Error::msg)?);
        self.browser = Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?;
        tokio::time::timeout(WITHIN, served).await??;
        self.start(None).await
    }

    fn receiver(&self) -> Receiver {
        Receiver { providers: Arc::clone(&self.providers), told: Arc::clone(&self.told), deaf: Arc::clone(&self.deaf) }
    }

    /// Whether callbacks are answered 500 from now on.
    pub(crate) fn be_deaf(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::SeqCst);
    }

    pub(crate) fn order(&self, n: i32, amount: i64) -> PaymentOrder {
        PaymentOrder {
            attempt: attempt(n),
            amount: Minor(amount),
            currency: cny(),
            deadline: UnixMillis(now_ms() + 600_000),
            description: "Tea & <pots>".to_owned(),
            notify_url: self.notify_url.clone(),
            return_url: Some("https://shop.example.com/orders/1".to_owned()),
            method: None,
        }
    }

    pub(crate) fn refund_order(&self, payment: i32, n: i32, amount: i64) -> RefundOrder {
        RefundOrder {
            key: format!("{}-R{n}", attempt(payment)),
            payment: attempt(payment).to_string(),
            captured: Minor(100),
            amount: Minor(amount),
            currency: cny(),
            reason: "not wanted".to_owned(),
            notify_url: self.notify_url.clone(),
        }
    }

    pub(crate) async fn create(&self, n: i32, amount: i64) -> Result<ProviderWord, Fault> {
        self.providers.create(&self.account, &self.order(n, amount)).await
    }

    pub(crate) async fn query(&self, n: i32) -> Result<ProviderWord, Fault> {
        self.providers.query(&self.account, &attempt(n).to_string()).await
    }

    pub(crate) async fn close(&self, n: i32) -> Result<ProviderWord, Fault> {
        self.providers.close(&self.account, &attempt(n).to_string()).await
    }

    /// A payment of 1.00 that was paid.
    pub(crate) async fn captured(&self, n: i32) -> Result<()> {
        self.create(n, 100).await?;
        let (status, said) = self.decide("pay", n).await?;
        ensure!(status == 200, "{status} {said}");
        Ok(())
    }

    /// The buyer pays or declines.
    pub(crate) async fn decide(&self, decision: &str, n: i32) -> Result<(u16, Value)> {
        self.control(Method::POST, &format!("/control/{decision}"), &json!({"payment": attempt(n).to_string()})).await
    }

    pub(crate) async fn mischief(&self, switches: &Value) -> Result<()> {
        let (status, said) = self.control(Method::PUT, "/control/mischief", switches).await?;
        ensure!(status == 200, "{status} {said}");
        Ok(())
    }

    pub(crate) async fn summary(&self) -> Result<Value> {
        Ok(self.control(Method::GET, "/control/summary", &Value::Null).await?.1)
    }

    /// How often a switch did its work.
    pub(crate) async fn done(&self, switch: &str) -> Result<i64> {
        Ok(self.summary().await?["mischief"][switch]["done"].as_i64().unwrap_or_default())
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: &Value) -> Result<(u16, Value)> {
        let (status, text) = self.visit(method, path, Some(TOKEN), body).await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// One request as a browser or a script sends it.
    pub(crate) async fn visit(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<(u16, String)> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base_url) };
        let mut request = self.browser.request(method, url).timeout(WITHIN);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// The callbacks so far.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().clone()
    }

    /// What the believed callbacks have said so far of payments.
    pub(crate) fn words(&self) -> Vec<ProviderWord> {
        let of = |told: Told| match told.read.ok()?.word {
            CallbackWord::Payment { word, .. } => Some(word),
            CallbackWord::Refund { .. } | CallbackWord::Other => None,
        };
        self.told().into_iter().filter_map(of).collect()
    }

    /// Waits until as many callbacks have come.
    pub(crate) async fn wait_told(&self, count: usize) -> Result<Vec<Told>> {
        wait_until(async || Ok(self.told().len() >= count)).await?;
        Ok(self.told())
    }

    /// Waits until no callback waits any more.
    pub(crate) async fn wait_delivered(&self) -> Result<()> {
        wait_until(async || Ok(self.summary().await?["callbacks"]["waiting"] == 0)).await
    }
}

/// Asks again and again until the answer is yes.
pub(crate) async fn wait_until(mut yes: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !yes().await? {
        ensure!(started.elapsed() < WITHIN, "not within {WITHIN:?}");
        // The grain of asking again.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// A fault of this class, with this much known of its outcome.
#[track_caller]
pub(crate) fn assert_fault<T: std::fmt::Debug>(result: Result<T, Fault>, kind: FaultKind, outcome: Outcome) {
    let fault = result.expect_err("a fault");
    assert_eq!((fault.kind, fault.outcome), (kind, outcome), "{fault}");
}
