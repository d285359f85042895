//! The example of a receiver, against what Holdline sends.

#[path = "../examples/receive_webhooks.rs"]
#[expect(dead_code, reason = "its main is for people")]
mod receive_webhooks;

use std::sync::Arc;

use holdline_domain::id::{SellerId, TenantId, TenantName, Version, WebhookUrl};
use holdline_domain::order::change::Event;
use holdline_domain::order::{EventKind, OrderNo};
use holdline_domain::port::{WebhookAnswer, WebhookMessage, WebhookSender as _};
use holdline_domain::time::UnixMillis;
use holdline_domain::webhook::WebhookSecret;
use holdline_outbound::{Networks, SignedWebhooks};
use receive_webhooks::{Receiver, router};

fn sender() -> SignedWebhooks {
    let networks = Networks::try_new(&["127.0.0.0/8".to_owned()]).expect("a network");
    SignedWebhooks::try_new(networks, |event, _| format!(r#"{{"sequence":{}}}"#, event.seq).into_bytes())
        .expect("a client")
}

async fn listening(secret: &WebhookSecret) -> (Arc<Receiver>, String) {
    let receiver = Receiver::try_new(secret.reveal()).expect("a secret");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/holdline", listener.local_addr().expect("an address"));
    let app = router(Arc::clone(&receiver));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (receiver, url)
}

fn message(url: &str, seq: i64, secrets: Vec<WebhookSecret>) -> WebhookMessage {
    let event = Event {
        seq,
        tenant: TenantId(1),
        order_no: OrderNo::from_stored("260801120000007000100000042"),
        seller: SellerId::from_stored("s1"),
        version: Version(1),
        kind: EventKind::Placed,
        at: UnixMillis(0),
    };
    let (url, tenant) = (WebhookUrl::from_stored(url), TenantName::from_stored("shop"));
    WebhookMessage { url, id: format!("evt_1_{seq}"), event, tenant, secrets }
}

#[tokio::test]
async fn the_example_takes_each_event_once_however_often_it_is_sent() {
    let sender = sender();
    let secret = sender.new_secret();
    let (receiver, url) = listening(&secret).await;
    for seq in [1, 2, 1] {
        let answer = sender.send(&message(&url, seq, vec![secret.clone()])).await;
        assert_eq!(answer, WebhookAnswer::Taken { status: 204 });
    }
    let events = receiver.events.lock().unwrap();
    let seen: Vec<_> = events.iter().map(|event| event["sequence"].as_i64()).collect();
    assert_eq!(seen, [Some(1), Some(2)]);
}

#[tokio::test]
async fn the_example_takes_either_signature_while_a_secret_is_replaced_and_no_other() {
    let sender = sender();
    let (known, new, foreign) = (sender.new_secret(), sender.new_secret(), sender.new_secret());
    let (receiver, url) = listening(&known).await;
    let taken = WebhookAnswer::Taken { status: 204 };
    assert_eq!(sender.send(&message(&url, 1, vec![new.clone(), known])).await, taken);
    let refused = WebhookAnswer::Refused { status: 401, retry_after_ms: None };
    assert_eq!(sender.send(&message(&url, 2, vec![new, foreign])).await, refused);
    assert_eq!(receiver.events.lock().unwrap().len(), 1);
}
