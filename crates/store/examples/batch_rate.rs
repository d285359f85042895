//! How fast the stores take batches: holds on one hot SKU with a quota account per buyer, and one new order per hold.
//!
//! `batch_rate DIRECTORY [ORDERS] [time|random] [BATCH] [ledger|orders|both]`: for ledger alone, orders alone and both
//! at once, orders per second, in windows, so that a fall with size shows. Nothing else runs: no HTTP, no queue; the
//! rates are the most that a committer with one batch in flight per database could get.
//!
//! Beside the rates it counts, on Linux, the pages per order that each database's threads moved, which do not depend on
//! how busy the machine is: written to the log, copied from it to the file, read because no cache of SQLite had them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use holdline_domain::id::{
    BuyerId, ClientId, Fingerprint, GroupKey, IdempotencyKey, Quantity, Reference, SellerId, SkuCode, Slot, TenantId,
    Version,
};
use holdline_domain::ledger::{AccountKey, Demand, HoldId, LedgerAnswer, LedgerRequest, Part, QuotaKey, StockKey};
use holdline_domain::money::{Currency, Minor};
use holdline_domain::order::change::{Change, ChangeAnswer, OrderWrite};
use holdline_domain::order::{
    EventKind, FulfillmentStatus, GroupState, HoldAxis, Life, Order, OrderGroup, OrderLine, OrderNo, OrderStatus,
    PaymentStatus, Snapshot,
};
use holdline_domain::port::{LedgerStore, OrderStore};
use holdline_domain::time::UnixMillis;
use holdline_store::{Clocks, open_sqlite};

/// As the binary has it: SQLite itself allocates with the C library in both.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TENANT: TenantId = TenantId(1);
const WINDOWS: usize = 5;

/// What the run is made of.
#[derive(Clone, Copy)]
struct Plan {
    orders: usize,
    batch: usize,
    time_ordered: bool,
}

/// One order to be placed, known by its number.
struct Draft {
    key: GroupKey,
    buyer: BuyerId,
    order_no: OrderNo,
}

impl Draft {
    fn new(plan: Plan, number: usize) -> Self {
        let uuid = if plan.time_ordered { uuid::Uuid::now_v7() } else { uuid::Uuid::new_v4() };
        let key = IdempotencyKey::try_new(&uuid.to_string()).expect("a UUID is a key");
        // Multiplying by an odd constant spreads buyers over the index as real ids are spread.
        let spread = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let buyer = BuyerId::from_stored(format!("buyer-{spread:016x}"));
        let key = GroupKey::place(&key, &ClientId::from_stored("shop"), Slot::of(TENANT, &buyer));
        Self { key, buyer, order_no: OrderNo::from_stored(format!("251122{number:021}")) }
    }

    fn hold(&self) -> LedgerRequest {
        let sku = SkuCode::from_stored("hot-sku");
        let quantity = Quantity::try_new(1).expect("1 is a quantity");
        let part = Part::Seller(SellerId::from_stored("acme"));
        let stock = AccountKey::Stock(StockKey::of(sku.clone()));
        let quota = AccountKey::Quota(QuotaKey { sku, buyer: self.buyer.clone() });
        LedgerRequest::Hold {
            tenant: TENANT,
            id: HoldId::first(self.key.clone()),
            content: Fingerprint([7; 32]),
            order_nos: vec![(SellerId::from_stored("acme"), self.order_no.clone())],
            demands: vec![
                Demand { part: part.clone(), account: stock, quantity, limit: None },
                Demand { part, account: quota, quantity, limit: Some(1_000) },
            ],
        }
    }

    fn change(&self) -> Change {
        let placed = GroupState::Placed { order_nos: vec![self.order_no.clone()] };
        let group = OrderGroup {
            tenant: TENANT,
            key: self.key.clone(),
            content: Some(Fingerprint([7; 32])),
            buyer: Some(self.buyer.clone()),
            state: placed,
            created: UnixMillis(0),
        };
        Change {
            group: Some(group),
            orders: vec![(OrderWrite::Insert(Box::new(self.order())), EventKind::Placed)],
            ..Change::touch(TENANT)
        }
    }

    fn order(&self) -> Order {
        let price = Minor(19_900);
        Order {
            tenant: TENANT,
            no: self.order_no.clone(),
            group: self.key.clone(),
            hold_n: 1,
            client: ClientId::from_stored("shop"),
            buyer: self.buyer.clone(),
            seller: SellerId::from_stored("acme"),
            channel: "app".to_owned(),
            status: OrderStatus::PendingPayment,
            payment: PaymentStatus::Unpaid,
            fulfillment: FulfillmentStatus::Unfulfilled,
            hold: HoldAxis::Held,
            version: Version::FIRST,
            currency: Currency::try_new("CNY").expect("CNY is a currency"),
            goods: price,
            freight: Minor::ZERO,
            discount: Minor::ZERO,
            total: price,
            lines: vec![OrderLine {
                line_no: 1,
                sku: SkuCode::from_stored("hot-sku"),
                quantity: Quantity::try_new(1).expect("1 is a quantity"),
                title: "A thing that everybody wants".to_owned(),
                unit_price: price,
                total: price,
                snapshot: Snapshot::Catalog(Version::FIRST),
            }],
            adjustments: Vec::new(),
            address: Some(r#"{"name":"Li Lei","street":"1 Long Road","city":"Shanghai","zip":"200000"}"#.to_owned()),
            note: None,
            created: UnixMillis(0),
            pay_deadline: UnixMillis(900_000),
            ended: None,
            life: Life::default(),
        }
    }
}

async fn stock_up(ledger: &dyn LedgerStore) -> anyhow::Result<()> {
    let adjust = LedgerRequest::Adjust {
        tenant: TENANT,
        account: AccountKey::Stock(StockKey::of(SkuCode::from_stored("hot-sku"))),
        delta: 1_000_000_000,
        reference: Reference::from_stored("opening"),
        force: false,
    };
    let answers = ledger.apply(Arc::new([adjust])).await?;
    ensure!(matches!(answers[..], [LedgerAnswer::Adjusted(_)]), "no stock: {answers:?}");
    Ok(())
}

async fn hold_all(ledger: &dyn LedgerStore, drafts: &[Draft]) -> anyhow::Result<()> {
    let batch: Arc<[LedgerRequest]> = drafts.iter().map(Draft::hold).collect();
    let answers = ledger.apply(batch).await?;
    ensure!(answers.iter().all(|answer| matches!(answer, LedgerAnswer::Held(_))), "a hold was refused");
    Ok(())
}

async fn place_all(orders: &dyn OrderStore, drafts: &[Draft]) -> anyhow::Result<()> {
    let batch: Arc<[Change]> = drafts.iter().map(Draft::change).collect();
    let answers = orders.apply(batch).await?;
    ensure!(answers.iter().all(|answer| matches!(answer, ChangeAnswer::Applied { .. })), "an order was refused");
    Ok(())
}

/// Which halves of the work a run does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Ledger,
    Orders,
    Both,
}

/// Bytes read and written so far by each thread of the databases, by its name.
#[derive(Clone, Default)]
struct Moved(BTreeMap<String, (u64, u64)>);

impl Moved {
    /// Nothing where the kernel does not tell.
    fn read() -> Self {
        let mut moved = Self::default();
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let text = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let (name, io) = (text("comm"), text("io"));
            let field = |field: &str| {
                let line = io.lines().find_map(|line| line.strip_prefix(field));
                line.and_then(|bytes| bytes.trim().parse::<u64>().ok()).unwrap_or_default()
            };
            if name.starts_with("ledger-") || name.starts_with("orders-") {
                let sum = moved.0.entry(name.trim().to_owned()).or_default();
                *sum = (sum.0 + field("rchar:"), sum.1 + field("wchar:"));
            }
        }
        moved
    }

    /// What each database moved since `before`, in pages per order.
    fn pages_since(&self, before: &Self, orders: usize) -> String {
        let pages = |thread: &str, written: bool| {
            let of = |moved: &Self| moved.0.get(thread).copied().unwrap_or_default();
            let (now, then) = (of(self), of(before));
            let bytes = if written { now.1 - then.1 } else { now.0 - then.0 };
            f64::from(u32::try_from(bytes / 4_096).unwrap_or(u32::MAX)) / f64::from(u32::try_from(orders).unwrap_or(1))
        };
        let of = |database: &str| {
            // The kernel keeps fifteen letters of a thread's name.
            let (writer, copier) = (format!("{database}-write"), format!("{database}-checkpoint")[..15].to_owned());
            let (log, copied, read) = (pages(&writer, true), pages(&copier, true), pages(&writer, false));
            format!("{database}: log {log:.2} copied {copied:.2} read {read:.2}")
        };
        format!("{}   {}", of("ledger"), of("orders"))
    }
}

async fn measure(directory: &Path, plan: Plan, half: Half, name: &str) -> anyhow::Result<()> {
    let directory = directory.join(name);
    let stores = open_sqlite(&directory, &Clocks::of_machine())?;
    stock_up(&*stores.ledger).await?;
    let (ledger, orders) = (Arc::clone(&stores.ledger), Arc::clone(&stores.orders));
    let (hand_over, mut handed_over) = tokio::sync::mpsc::channel::<Vec<Draft>>(4);
    let holding = tokio::spawn(async move {
        let mut number = 0;
        while number < plan.orders {
            let drafts: Vec<Draft> = (0..plan.batch).map(|i| Draft::new(plan, number + i)).collect();
            number += plan.batch;
            if half != Half::Orders {
                hold_all(&*ledger, &drafts).await?;
            }
            if hand_over.send(drafts).await.is_err() {
                break;
            }
        }
        anyhow::Ok(())
    });
    let mut windows = Vec::new();
    let mut moved = Moved::read();
    let (mut done, mut window_start, mut window_done) = (0, Instant::now(), 0);
    let start = Instant::now();
    while let Some(drafts) = handed_over.recv().await {
        if half != Half::Ledger {
            place_all(&*orders, &drafts).await?;
        }
        done += drafts.len();
        window_done += drafts.len();
        if window_done * WINDOWS >= plan.orders {
            let now = Moved::read();
            let rate = rate(window_done, window_start);
            windows.push(format!("{done:>9} {rate:8.0} orders/s   {}", now.pages_since(&moved, window_done)));
            moved = now;
            (window_start, window_done) = (Instant::now(), 0);
        }
    }
    holding.await??;
    let rate = rate(done, start);
    println!("{name:8} {rate:8.0} orders/s; pages of 4 KiB per order, by window:\n{}", windows.join("\n"));
    drop(stores);
    Ok(())
}

fn rate(orders: usize, since: Instant) -> f64 {
    f64::from(u32::try_from(orders).unwrap_or(u32::MAX)) / since.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = arguments.first().context("usage: batch_rate DIRECTORY [ORDERS] [time|random] [BATCH] [PART]")?;
    let number = |place: usize, default: usize| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let time_ordered = arguments.get(2).is_none_or(|text| text == "time");
    let plan = Plan { orders: number(1, 100_000)?, batch: number(3, 100)?, time_ordered };
    let only = arguments.get(4).map(String::as_str);
    for (half, name) in [(Half::Ledger, "ledger"), (Half::Orders, "orders"), (Half::Both, "both")] {
        if only.is_none_or(|only| only == name) {
            measure(Path::new(directory), plan, half, name).await?;
        }
    }
    Ok(())
}
