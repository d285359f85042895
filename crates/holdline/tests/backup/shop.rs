//! A shop that sells while it is backed up, and the list of what it was promised.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::process::{Ended, Place, Served, WITHIN, exchange, wait_until};

/// Who buys at once.
const BUYERS: usize = 4;

/// A store with one SKU, and the secret of its key.
pub(crate) struct Shop {
    pub(crate) place: Place,
    pub(crate) secret: String,
    /// Which store every command means.
    environment: Vec<(&'static str, String)>,
    submits: AtomicU64,
    /// Every order number that was ever acknowledged.
    acknowledged: Mutex<BTreeSet<String>>,
}

impl Shop {
    /// In SQLite files.
    pub(crate) fn new() -> Result<Self> {
        Self::open(Vec::new())
    }

    /// In the PostgreSQL at this URL.
    pub(crate) fn on_postgres(url: &str) -> Result<Self> {
        let kind = ("HOLDLINE_STORE__KIND", "postgres".to_owned());
        Self::open(vec![kind, ("HOLDLINE_STORE__DATABASE_URL", url.to_owned())])
    }

    fn open(environment: Vec<(&'static str, String)>) -> Result<Self> {
        let (submits, acknowledged) = (AtomicU64::new(0), Mutex::new(BTreeSet::new()));
        let mut shop = Self { place: Place::new()?, secret: String::new(), environment, submits, acknowledged };
        let key = ["key", "create", "--tenant", "mall", "--client", "app", "--scope", "shop", "--scope", "admin"];
        let printed = shop.done(&key)?;
        let secret = printed.lines().find_map(|line| line.strip_prefix("secret"));
        secret.context("a secret")?.trim().clone_into(&mut shop.secret);
        let served = shop.serve()?;
        served.call(&shop.secret, "PUT", "/v1/sellers/tea", Some(&json!({"name": "Tea"})))?;
        shop.deliver(&served, "POT", 1_000_000)?;
        served.process.terminate(WITHIN)?;
        Ok(shop)
    }

    fn environment(&self) -> Vec<(&'static str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Ended> {
        self.place.run_with(arguments, &self.environment())
    }

    /// Runs a command that must succeed; its output.
    pub(crate) fn done(&self, arguments: &[&str]) -> Result<String> {
        let ended = self.run(arguments)?;
        ensure!(ended.status == Some(0), "{arguments:?}: {:?} {}{}", ended.status, ended.stdout, ended.stderr);
        Ok(ended.stdout)
    }

    pub(crate) fn serve(&self) -> Result<Served> {
        self.serve_from("holdline-data")
    }

    /// Serves another data directory.
    pub(crate) fn serve_from(&self, data: &str) -> Result<Served> {
        self.place.serve_from(&self.place.path().join(data), &[], &self.environment())
    }

    /// A new SKU with stock.
    pub(crate) fn deliver(&self, served: &Served, sku: &str, units: i64) -> Result<()> {
        self.deliver_at(served, sku, units, &price())
    }

    /// A new SKU with stock that costs nothing: an order of it is confirmed at once.
    pub(crate) fn deliver_free(&self, served: &Served, sku: &str, units: i64) -> Result<()> {
        self.deliver_at(served, sku, units, &free())
    }

    fn deliver_at(&self, served: &Served, sku: &str, units: i64, price: &Value) -> Result<()> {
        let body = json!({"seller": "tea", "title": sku, "price": price, "on_shelf": true});
        ensure!(served.call(&self.secret, "PUT", &format!("/v1/skus/{sku}"), Some(&body))?.0 == 200);
        let delivery = json!({"delta": units, "reference": "delivery"});
        let target = format!("/v1/stock/{sku}/adjustments");
        ensure!(served.call(&self.secret, "POST", &target, Some(&delivery))?.0 == 200);
        Ok(())
    }

    /// Places one order; its number.
    pub(crate) fn buy(&self, address: SocketAddr) -> Result<String> {
        self.buy_of(address, "POT")
    }

    pub(crate) fn buy_of(&self, address: SocketAddr, sku: &str) -> Result<String> {
        self.buy_units(address, sku, 1, &price())
    }

    /// Several units of what costs nothing.
    pub(crate) fn buy_free(&self, address: SocketAddr, sku: &str, units: i64) -> Result<String> {
        self.buy_units(address, sku, units, &free())
    }

    fn buy_units(&self, address: SocketAddr, sku: &str, units: i64, price: &Value) -> Result<String> {
        let key = format!("key-{}", self.submits.fetch_add(1, Ordering::Relaxed));
        let order = json!({"buyer_id": "b", "lines": [{"sku": sku, "quantity": units, "unit_price": price}]});
        let authorization = format!("Bearer {}", self.secret);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key.as_str()),
        ];
        let answer = exchange(address, "POST", "/v1/orders", &headers, order.to_string().as_bytes())?;
        ensure!(answer.status == 201, "{answer:?}");
        let number = answer.body["orders"][0]["order_no"].as_str().context("an order number")?.to_owned();
        let is_new = self.acknowledged().insert(number.clone());
        ensure!(is_new, "{number} was given out twice");
        Ok(number)
    }

    pub(crate) fn buy_many(&self, address: SocketAddr, count: usize) -> Result<Vec<String>> {
        (0..count).map(|_| self.buy(address)).collect()
    }

    /// Ships units of an order's first line.
    pub(crate) fn ship(&self, served: &Served, number: &str, units: i64) -> Result<()> {
        let target = format!("/v1/orders/{number}/shipments");
        let body = json!({"carrier": "SF", "tracking": "1", "lines": [{"line_no": 1, "quantity": units}]});
        let (status, body) = served.call(&self.secret, "POST", &target, Some(&body))?;
        ensure!(status == 201, "{status} {body}");
        Ok(())
    }

    pub(crate) fn cancel(&self, served: &Served, number: &str) -> Result<()> {
        let target = format!("/v1/orders/{number}/cancel");
        let (status, body) = served.call(&self.secret, "POST", &target, Some(&json!({"actor": "buyer"})))?;
        ensure!(status == 200, "{status} {body}");
        Ok(())
    }

    /// Runs `work` while buyers buy without a pause; what it answers.
    pub(crate) fn under_load<T>(&self, served: &Served, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let buy = || {
                while !over.load(Ordering::Relaxed) {
                    self.buy(served.address)?;
                }
                anyhow::Ok(())
            };
            let buyers: Vec<_> = (0..BUYERS).map(|_| scope.spawn(buy)).collect();
            let before = self.count();
            let answer = wait_until(WITHIN, || Ok(self.count() > before + 50)).and_then(|_| work());
            over.store(true, Ordering::Relaxed);
            for buyer in buyers {
                buyer.join().expect("a buyer does not panic")?;
            }
            answer
        })
    }

    pub(crate) fn acknowledged(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.acknowledged.lock().expect("no buyer panics")
    }

    pub(crate) fn count(&self) -> usize {
        self.acknowledged().len()
    }

    /// A backup of the store at its place.
    pub(crate) fn backup(&self, name: &str) -> Result<String> {
        self.done(&["backup", name])
    }

    pub(crate) fn restore(&self, name: &str, more: &[&str]) -> Result<Ended> {
        self.run(&[&["restore", name, "--data", "restored"], more].concat())
    }

    /// The numbers of all orders in a store.
    pub(crate) fn stored(&self, data: &str) -> Result<BTreeSet<String>> {
        let orders = rusqlite::Connection::open(self.place.path().join(data).join("orders.sqlite"))?;
        let mut numbers = orders.prepare("SELECT order_no FROM orders")?;
        Ok(numbers.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// One statement in a database of a store that nobody serves.
    pub(crate) fn execute(&self, data: &str, database: &str, sql: &str) -> Result<usize> {
        let path = self.place.path().join(data).join(format!("{database}.sqlite"));
        Ok(rusqlite::Connection::open(path)?.execute(sql, [])?)
    }

    /// One number out of it.
    pub(crate) fn figure(&self, data: &str, database: &str, sql: &str) -> Result<i64> {
        let path = self.place.path().join(data).join(format!("{database}.sqlite"));
        Ok(rusqlite::Connection::open(path)?.query_row(sql, [], |row| row.get(0))?)
    }

    /// Waits until the ledger has followed the feed to its end.
    pub(crate) fn settled(&self, data: &str) -> Result<()> {
        let behind = "SELECT h.next_seq - 1 - coalesce(max(p.seq), 0) FROM feed_head h \
                      LEFT JOIN feed_position p ON p.consumer = 'ledger' AND p.epoch = h.epoch";
        wait_until(WITHIN, || Ok(self.figure(data, "orders", behind)? == 0)).map(drop)
    }

    pub(crate) fn expect_audit_clean(&self, data: &str) -> Result<Value> {
        let ended = self.place.run(&["audit", "--data", data, "--json"])?;
        ensure!(ended.status == Some(0), "{}{}", ended.stdout, ended.stderr);
        Ok(serde_json::from_str(&ended.stdout)?)
    }

    /// Copies the files of a store as they lie there, as a tool would that knows nothing of pairs. Nobody serves it.
    pub(crate) fn copy_files(&self, from: &str, to: &str, databases: &[&str]) -> Result<()> {
        let (from, to) = (self.place.path().join(from), self.place.path().join(to));
        std::fs::create_dir_all(&to)?;
        for database in databases {
            for suffix in ["", "-wal", "-shm"] {
                let file = format!("{database}.sqlite{suffix}");
                remove_if_there(&to.join(&file))?;
                if from.join(&file).exists() {
                    std::fs::copy(from.join(&file), to.join(&file))?;
                }
            }
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

fn price() -> Value {
    json!({"amount": 100, "currency": "CNY"})
}

fn free() -> Value {
    json!({"amount": 0, "currency": "CNY"})
}
