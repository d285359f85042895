//! The contract of `WebhookStore`.

use holdline_domain::feed::FeedPosition;
use holdline_domain::id::{EndpointName, TenantId, WebhookUrl};
use holdline_domain::order::EventKind;
use holdline_domain::time::UnixMillis;
use holdline_domain::webhook::{
    DELIVERIES_KEPT, Delivery, Disabled, ENDPOINTS_MAX, Endpoint, EndpointKey, EndpointPut, EndpointWish, WebhookSecret,
};

use super::sample::{TENANT, number};
use super::{Process, ok};

/// One test per rule of this suite.
#[macro_export]
macro_rules! webhook_contract {
    ($with:path) => {
        $crate::contract_suite!(
            webhook,
            $with,
            [
                a_new_endpoint_begins_where_it_is_told_and_is_kept_word_for_word,
                a_secret_is_replaced_and_the_old_one_is_kept,
                a_tenant_has_its_own_endpoints_and_a_limited_number,
                one_process_at_a_time_sends_to_an_endpoint,
                the_last_tries_are_kept_newest_first,
            ]
        );
    };
}

fn key(name: &str) -> EndpointKey {
    EndpointKey { tenant: TENANT, name: EndpointName::from_stored(name) }
}

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::from_stored(text.to_owned())
}

fn wish(name: &str) -> EndpointWish {
    EndpointWish {
        key: key(name),
        url: WebhookUrl::from_stored("https://shop.example/hooks?a=1"),
        kinds: vec![EventKind::Placed, EventKind::Cancelled],
        enabled: true,
        secret: secret("whsec_one"),
        begin: FeedPosition { epoch: 1, round: 0, seq: 7 },
    }
}

async fn created(process: &Process, name: &str) -> Endpoint {
    match ok(process.webhooks.put_endpoint(&wish(name)).await) {
        EndpointPut::Created(endpoint) => endpoint,
        other => panic!("not created: {other:?}"),
    }
}

/// A second wish changes it, and moves nothing.
pub async fn a_new_endpoint_begins_where_it_is_told_and_is_kept_word_for_word(first: Process, second: Process) {
    let endpoint = created(&first, "erp").await;
    assert_eq!((endpoint.disabled, endpoint.kinds.len()), (None, 2));
    assert_eq!(ok(second.webhooks.endpoints(None).await), std::slice::from_ref(&endpoint));
    let consumer = endpoint.key.consumer();
    let begin = wish("erp").begin;
    assert_eq!(ok(second.feed.stored_position(&consumer).await), Some(begin));
    let other = FeedPosition { seq: 99, ..begin };
    let again =
        EndpointWish { kinds: vec![], enabled: false, secret: secret("whsec_two"), begin: other, ..wish("erp") };
    let changed = Endpoint { kinds: vec![], disabled: Some(Disabled::ByOwner), ..endpoint };
    assert_eq!(ok(second.webhooks.put_endpoint(&again).await), EndpointPut::Changed(changed.clone()));
    assert_eq!(ok(first.webhooks.endpoints(Some(TENANT)).await), std::slice::from_ref(&changed));
    assert_eq!(ok(first.feed.stored_position(&consumer).await), Some(begin));
    ok(first.webhooks.disable_endpoint(&changed.key, Disabled::Gone).await);
    assert_eq!(ok(second.webhooks.endpoints(None).await)[0].disabled, Some(Disabled::Gone));
    ok(first.webhooks.disable_endpoint(&key("nobody"), Disabled::Gone).await);
}

/// None of another tenant's.
pub async fn a_tenant_has_its_own_endpoints_and_a_limited_number(first: Process, second: Process) {
    for n in 0..ENDPOINTS_MAX {
        created(&first, &format!("n{n:02}")).await;
    }
    assert_eq!(ok(second.webhooks.put_endpoint(&wish("more")).await), EndpointPut::TooMany);
    let mut theirs = wish("n00");
    theirs.key.tenant = TenantId(2);
    assert!(matches!(ok(second.webhooks.put_endpoint(&theirs).await), EndpointPut::Created(_)));
    assert_eq!(ok(first.webhooks.endpoints(Some(TenantId(2))).await).len(), 1);
    assert_eq!(ok(first.webhooks.endpoints(Some(TENANT)).await).len(), ENDPOINTS_MAX);
    assert_eq!(ok(first.webhooks.endpoints(None).await).len(), ENDPOINTS_MAX + 1);
    assert_eq!(ok(first.webhooks.endpoints(Some(TenantId(3))).await), []);
}

/// It signs too for a day.
pub async fn a_secret_is_replaced_and_the_old_one_is_kept(first: Process, second: Process) {
    let endpoint = created(&first, "erp").await;
    let rotated = ok(second.webhooks.rotate_secret(&endpoint.key, secret("whsec_two")).await).expect("it is there");
    let (old, until) = rotated.old_secret.clone().expect("it signs too");
    assert_eq!((&rotated.secret, &old), (&secret("whsec_two"), &secret("whsec_one")));
    assert!(until.since_ms(endpoint.created) >= holdline_domain::webhook::OLD_SECRET_MS);
    assert_eq!(ok(first.webhooks.endpoints(None).await), [rotated]);
    assert_eq!(ok(first.webhooks.rotate_secret(&key("nobody"), secret("x")).await), None);
}

/// Until its lease is over; the holder may go on.
pub async fn one_process_at_a_time_sends_to_an_endpoint(first: Process, second: Process) {
    let endpoint = created(&first, "erp").await;
    assert!(ok(first.webhooks.lease_endpoint(&endpoint.key, "a", 60_000).await));
    assert!(!ok(second.webhooks.lease_endpoint(&endpoint.key, "b", 60_000).await));
    assert!(ok(first.webhooks.lease_endpoint(&endpoint.key, "a", 0).await));
    assert!(ok(second.webhooks.lease_endpoint(&endpoint.key, "b", 60_000).await), "it is over at once");
    assert!(!ok(first.webhooks.lease_endpoint(&endpoint.key, "a", 60_000).await));
    assert!(!ok(first.webhooks.lease_endpoint(&key("nobody"), "a", 1).await));
}

/// Numbered in their order; the oldest are forgotten.
pub async fn the_last_tries_are_kept_newest_first(first: Process, second: Process) {
    let endpoint = created(&first, "erp").await;
    let delivery = |seq: i64| Delivery {
        no: 0,
        seq,
        order_no: number(1),
        kind: EventKind::Placed,
        attempt: 2,
        status: (seq % 2 == 0).then_some(503),
        error: "价 it answered 503".to_owned(),
        at: UnixMillis(seq),
        took_ms: 12,
    };
    let tries: Vec<Delivery> = (1..=DELIVERIES_KEPT + 5).map(delivery).collect();
    for part in tries.chunks(400) {
        ok(first.webhooks.log_deliveries(&endpoint.key, part).await);
    }
    let newest = ok(second.webhooks.deliveries(&endpoint.key, None, 3).await);
    let last = DELIVERIES_KEPT + 5;
    assert_eq!(newest, [last, last - 1, last - 2].map(|no| Delivery { no, ..delivery(no) }));
    assert_eq!(ok(second.webhooks.deliveries(&endpoint.key, Some(8), 9).await).len(), 2, "6 and 7 are the oldest kept");
    let all = usize::try_from(last).expect("few");
    assert_eq!(ok(first.webhooks.deliveries(&endpoint.key, None, all).await).len(), all - 5);
    assert_eq!(ok(first.webhooks.deliveries(&key("other"), None, 9).await), []);
}
