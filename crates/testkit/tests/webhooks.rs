//! Webhooks in virtual time: the real app on the model stores, and a receiver that does as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use holdline_app::{App, Clock, Ports, Settings};
use holdline_domain::feed::{End, Failure};
use holdline_domain::id::{EndpointName, TenantId, TenantName, WebhookUrl};
use holdline_domain::order::OrderNo;
use holdline_domain::port::{
    NoProviders, NobodyAsks, OrderStore, TenantStore as _, WebhookAnswer, WebhookMessage, WebhookSender,
};
use holdline_domain::tenant::{CommitOn, Policies, PriceSource, Tenant};
use holdline_domain::webhook::{EndpointKey, TRIES_MAX, WebhookSecret};
use holdline_testkit::contract::{self, Process};
use holdline_testkit::model::Databases;
use parking_lot::Mutex;

/// Whether a receiver takes an event.
type Takes = fn(&WebhookMessage) -> bool;

/// What the receiver does, and what it got.
#[derive(Default)]
struct Receiver {
    /// `None`: it takes all.
    takes: Mutex<Option<Takes>>,
    sent: Mutex<Vec<WebhookMessage>>,
    /// Where it looks an event up on its arrival, and what it did not find there.
    feed: OnceLock<Arc<dyn OrderStore>>,
    unknown: Mutex<Vec<WebhookMessage>>,
}

impl Receiver {
    fn will_take(&self, takes: Takes) {
        *self.takes.lock() = Some(takes);
    }

    /// Versions of each order in the order in which they were taken.
    fn taken(&self) -> BTreeMap<OrderNo, Vec<i64>> {
        let mut taken: BTreeMap<OrderNo, Vec<i64>> = BTreeMap::new();
        for message in self.sent.lock().iter().filter(|message| self.does_take(message)) {
            taken.entry(message.event.order_no.clone()).or_default().push(message.event.version.0);
        }
        taken
    }

    fn does_take(&self, message: &WebhookMessage) -> bool {
        self.takes.lock().is_none_or(|takes| takes(message))
    }
}

#[async_trait]
impl WebhookSender for Receiver {
    fn objection(&self, _: &WebhookUrl) -> Option<String> {
        None
    }

    fn new_secret(&self) -> WebhookSecret {
        WebhookSecret::from_stored("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())
    }

    fn new_owner(&self) -> String {
        "the only process".to_owned()
    }

    async fn send(&self, message: &WebhookMessage) -> WebhookAnswer {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let event = &message.event;
        let page = self.feed.get().expect("the scene is set").events_after(event.seq - 1, 1).await.expect("calm");
        if page.events.first() != Some(event) {
            self.unknown.lock().push(message.clone());
        }
        self.sent.lock().push(message.clone());
        if self.does_take(message) {
            WebhookAnswer::Taken { status: 200 }
        } else {
            WebhookAnswer::Refused { status: 503, retry_after_ms: None }
        }
    }
}

/// An app whose tenant has one endpoint.
struct Scene {
    app: App,
    receiver: Arc<Receiver>,
    stores: Process,
    key: EndpointKey,
}

impl Scene {
    async fn start() -> Self {
        let (databases, receiver) = (Databases::calm(), Arc::new(Receiver::default()));
        let process = databases.process("p0");
        let tenants = databases.tenants(&process);
        let draft = Tenant {
            id: TenantId(0),
            name: TenantName::try_new("shop").expect("a name"),
            price_source: PriceSource::Catalog,
            commit_on: CommitOn::PaymentCaptured,
            pay_within_ms: 900_000,
            business_code: 1,
            policies: Policies::default(),
        };
        let tenant = tenants.ensure_tenant(draft).await.expect("calm").id;
        let stores = Process {
            ledger: Arc::new(databases.ledger(&process)),
            orders: Arc::new(databases.orders(&process)),
            feed: Arc::new(databases.feed(&process)),
            webhooks: Arc::new(databases.webhooks(&process)),
            life: Arc::new(databases.orders(&process)),
            catalog: Arc::new(databases.catalog(&process)),
            tenants: Arc::new(tenants),
        };
        assert!(receiver.feed.set(Arc::clone(&stores.orders)).is_ok(), "a scene is set once");
        let ports = Ports {
            ledger: Arc::clone(&stores.ledger),
            orders: Arc::clone(&stores.orders),
            feed: Arc::clone(&stores.feed),
            webhooks: Arc::clone(&stores.webhooks),
            sender: Arc::clone(&receiver) as Arc<dyn WebhookSender>,
            catalog: Arc::clone(&stores.catalog),
            tenants: Arc::clone(&stores.tenants),
            life: Arc::clone(&stores.life),
            providers: Arc::new(NoProviders),
            checker: Arc::new(NobodyAsks),
            clock: Arc::clone(&process) as Arc<dyn Clock>,
            spawner: process.spawner(),
        };
        let app = App::start(ports, Settings::default()).await.expect("calm");
        let key = EndpointKey { tenant, name: EndpointName::try_new("erp").expect("a name") };
        let url = WebhookUrl::try_new("https://shop.example/").expect("an address");
        app.put_webhook(key.clone(), url, vec![], true).await.expect("an endpoint");
        Self { app, receiver, stores, key }
    }

    async fn waiting(&self) -> usize {
        self.app.webhook(&self.key).await.expect("it is there").waiting
    }

    /// Waits until something is so.
    async fn until(&self, within: Duration, what: impl AsyncFn() -> bool) {
        let end = tokio::time::Instant::now() + within;
        while !what().await {
            assert!(tokio::time::Instant::now() < end, "not within {within:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// 64 orders with two events each.
async fn crowd(scene: &Scene) {
    contract::order::crowd(&scene.stores, &scene.stores).await;
}

#[tokio::test(start_paused = true)]
async fn every_event_is_taken_once_and_those_of_an_order_in_sequence() {
    let scene = Scene::start().await;
    crowd(&scene).await;
    scene.until(Duration::from_secs(30), async || scene.receiver.sent.lock().len() >= 128).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let taken = scene.receiver.taken();
    assert_eq!((taken.len(), scene.receiver.sent.lock().len()), (64, 128));
    assert!(taken.values().all(|versions| versions == &[1, 2]), "{taken:?}");
    let log = scene.app.webhook_deliveries(&scene.key, None, 1_000).await.expect("a log");
    assert_eq!(log.len(), 128);
}

/// Whoever acts on a webhook may read the order at once: nothing is told before it is durable.
#[tokio::test(start_paused = true)]
async fn an_event_is_in_the_feed_when_it_is_sent() {
    let scene = Scene::start().await;
    contract::order::one_key_is_placed_once_by_a_crowd(scene.stores.clone(), scene.stores.clone()).await;
    // Nobody pays it within half an hour: the app ends it.
    scene.until(Duration::from_mins(31), async || scene.receiver.sent.lock().len() >= 2).await;
    assert_eq!(scene.receiver.taken().into_values().collect::<Vec<_>>(), [[1, 2]]);
    assert!(scene.receiver.unknown.lock().is_empty(), "{:?}", scene.receiver.unknown.lock());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_takes_nothing_leaves_the_feed_in_the_feed_and_gets_all_of_it_once_it_is_back() {
    let scene = Scene::start().await;
    scene.receiver.will_take(|_| false);
    crowd(&scene).await;
    scene.until(Duration::from_mins(1), async || scene.waiting().await >= 50).await;
    let waiting = scene.waiting().await;
    tokio::time::sleep(Duration::from_mins(4)).await;
    assert!(waiting < 90 && scene.waiting().await == waiting, "{waiting} wait, and the rest lies in the feed");
    scene.receiver.sent.lock().clear();
    tokio::time::sleep(Duration::from_mins(20)).await;
    let tried = scene.receiver.sent.lock().len();
    assert!(tried < 2 * waiting, "{tried} tries in 20 minutes");
    scene.receiver.will_take(|_| true);
    scene.receiver.sent.lock().clear();
    scene
        .until(Duration::from_mins(7), async || scene.receiver.taken().values().map(Vec::len).sum::<usize>() >= 128)
        .await;
    scene.until(Duration::from_secs(30), async || scene.waiting().await == 0).await;
    let taken = scene.receiver.taken();
    assert!(taken.len() == 64 && taken.values().all(|versions| versions == &[1, 2]), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn one_event_that_is_never_taken_holds_up_its_order_only_and_is_given_up_after_ten_tries() {
    let scene = Scene::start().await;
    // The first event of the feed: the later one of its order waits for it.
    scene.receiver.will_take(|message| message.event.seq != 1);
    crowd(&scene).await;
    scene.until(Duration::from_mins(1), async || scene.receiver.taken().len() == 63).await;
    scene.until(Duration::from_mins(1), async || scene.waiting().await == 2).await;
    let event = scene.stores.orders.events_after(0, 1).await.expect("calm").events.remove(0);
    let consumer = scene.key.consumer();
    // As if nine tries had failed already: the next is the last.
    let parked = scene.stores.feed.parked_events(&consumer, scene.key.tenant, None, 9).await.expect("calm");
    assert_eq!(parked[0].key.seq, 1);
    let tried = parked[0].attempts;
    let failure = Failure { error: "no".to_owned(), attempts: TRIES_MAX - 1 - tried, wait_ms: 1_000 };
    scene.stores.feed.end_parked(&parked[0].key, End::Failed(failure)).await.expect("calm");
    scene.until(Duration::from_secs(30), async || scene.waiting().await == 0).await;
    assert_eq!(scene.receiver.taken()[&event.order_no], [2], "the first was given up, the second follows");
}
