//! Paths and methods that are no operation.

use axum::http::Method;

use crate::harness::{ALL, Api};

#[tokio::test(start_paused = true)]
async fn an_unknown_path_is_404_and_a_wrong_method_405() {
    let api = Api::start().await;
    for path in ["/", "/v1", "/v1/none", "/v1/orders/1/2/3", "/v2/orders", "/docs/none.js"] {
        let reply = api.get(ALL, path).reply().await;
        assert_eq!((reply.outcome(), &reply.body["instance"]), ((404, "unknown_route"), &path.into()));
    }
    let reply = api.ask(Method::DELETE, "/v1/orders").reply().await;
    assert_eq!(reply.outcome(), (405, "method_not_allowed"));
    assert!(reply.header("allow").contains("POST") && reply.header("allow").contains("GET"), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sane_request_id_comes_back() {
    let api = Api::start().await;
    let reply = api.get(ALL, "/v1/none").header("x-request-id", "bff-17").reply().await;
    assert_eq!(reply.body["request_id"], "bff-17");
    let reply = api.get(ALL, "/v1/none").header("x-request-id", "<script>").reply().await;
    assert_ne!(reply.header("x-request-id"), "<script>");
}
