//! What needs no key.

use axum::http::Method;

use crate::harness::Api;

#[tokio::test(start_paused = true)]
async fn health_readiness_figures_and_description_are_open() {
    let api = Api::start().await;
    let get = |path: &str| api.ask(Method::GET, path).reply();
    assert_eq!(get("/healthz").await.body["status"], "ok");
    assert_eq!(get("/readyz").await.body["status"], "ready");
    assert_eq!(get("/metrics").await.body, "holdline_up 1\n");
    assert!(get("/openapi.json").await.body["paths"]["/v1/orders"]["post"].is_object());
    assert_eq!(get("/healthz").await.header("content-type"), "application/json");
    let page = get("/docs/").await;
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let script = get("/docs/swagger-initializer.js").await;
    assert!(script.body.as_str().unwrap().contains("/openapi.json"), "{script:?}");
    assert_eq!(get("/docs").await.header("location"), "/docs/");
}
