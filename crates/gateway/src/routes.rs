//! From paths to handlers. Every operation of the table has one here, or this does not compile.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get, on};
use holdline_app::App;

use crate::call::{Answer, Call, Gate, Head, Parameters, finish, secured};
use crate::metrics::Meters;
use crate::operation::Op;
use crate::problem::{Code, Problem};
use crate::{
    catalog, event, fulfillment, health, hold, mall, order, parked, payment, period, place, policy, provider, refund,
    returns, stock, submit, webhook,
};

/// What the router is made from.
pub struct Setup {
    /// The order center.
    pub app: App,
    /// Renders the figures for `/metrics`. Install its recorder before the router is built.
    pub render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Pages of the binary's own. They must not have a fallback, nor a path of an operation.
    pub extra: Option<Router>,
}

/// The whole API.
pub fn router(setup: Setup) -> Router {
    let Setup { app, render_metrics, extra } = setup;
    let gate = Arc::new(Gate { app, meters: Meters::new(), render_metrics });
    let router = Op::ALL.iter().fold(Router::new(), |router, op| router.route(op.entry().path, endpoint(*op)));
    let router = router
        .route("/docs", get(docs_redirect))
        .route("/docs/", get(docs_index))
        .route("/docs/{*file}", get(docs_file))
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed);
    extra.unwrap_or_default().merge(router.with_state(gate))
}

type Endpoint = MethodRouter<Arc<Gate>>;

fn endpoint(op: Op) -> Endpoint {
    match op {
        Op::PlaceOrders => secure(op, place::place),
        Op::ListOrders => secure(op, order::list),
        Op::GetOrder => secure(op, order::get),
        Op::CancelOrder => secure(op, order::cancel),
        Op::GetOrderGroup => secure(op, order::get_group),
        Op::GetOrderGroupByKey => secure(op, order::get_group_by_key),
        Op::GetSubmit => secure(op, submit::get),
        Op::AbandonSubmit => secure(op, order::abandon),
        Op::GetSeller => secure(op, catalog::get_seller),
        Op::PutSeller => secure(op, catalog::put_seller),
        Op::GetSku => secure(op, catalog::get_sku),
        Op::PutSku => secure(op, catalog::put_sku),
        Op::PutSkus => secure(op, catalog::put_skus),
        Op::ListStock => secure(op, stock::list),
        Op::GetStock => secure(op, stock::get),
        Op::ListMovements => secure(op, stock::movements),
        Op::AdjustStock => secure(op, stock::adjust),
        Op::PutFlags => secure(op, stock::put_flags),
        Op::ListPeriods => secure(op, period::list),
        Op::PutPeriod => secure(op, period::put),
        Op::TakeHold => secure(op, hold::take),
        Op::GetHold => secure(op, hold::get),
        Op::CommitHold => secure(op, hold::commit),
        Op::ReleaseHold => secure(op, hold::release),
        Op::ExtendHold => secure(op, hold::extend),
        Op::ListEvents => secure(op, event::list),
        Op::ListParkedEvents => secure(op, parked::list),
        Op::RetryParkedEvent => secure(op, parked::retry),
        Op::SkipParkedEvent => secure(op, parked::skip),
        Op::ListWebhooks => secure(op, webhook::list),
        Op::GetWebhook => secure(op, webhook::get),
        Op::PutWebhook => secure(op, webhook::put),
        Op::RotateWebhookSecret => secure(op, webhook::rotate),
        Op::ListDeliveries => secure(op, webhook::deliveries),
        Op::Redeliver => secure(op, webhook::redeliver),
        Op::PayOrder => secure(op, payment::pay_order),
        Op::PayOrderGroup => secure(op, payment::pay_group),
        Op::ListPayments => secure(op, payment::list),
        Op::GetPayment => secure(op, payment::get),
        Op::ListUnsettled => secure(op, payment::unsettled),
        Op::SettleCallback => secure(op, payment::settle_callback),
        Op::CreateRefund => secure(op, refund::create),
        Op::ListRefunds => secure(op, refund::list),
        Op::ShipOrder => secure(op, fulfillment::ship),
        Op::ListShipments => secure(op, fulfillment::list),
        Op::DeliverShipment => secure(op, fulfillment::deliver),
        Op::ReceiveOrder => secure(op, fulfillment::receive),
        Op::PauseOrder => secure(op, fulfillment::pause),
        Op::ResumeOrder => secure(op, fulfillment::resume),
        Op::RequestReturn => secure(op, returns::request),
        Op::ListReturns => secure(op, returns::list),
        Op::ApproveReturn => secure(op, returns::approve),
        Op::RejectReturn => secure(op, returns::reject),
        Op::ReceiveReturn => secure(op, returns::receive),
        Op::ListPaymentProviders => secure(op, provider::list),
        Op::PutPaymentProvider => secure(op, provider::put),
        Op::GetPolicies => secure(op, policy::get),
        Op::PutPolicies => secure(op, policy::put),
        Op::TakeCallback => callback(op),
        Op::MallSubmit => secure(op, mall::submit),
        Op::MallIsCreated => secure(op, mall::is_created),
        Op::GetHealth => open(op, |_| Ok(health::health())),
        Op::GetReadiness => open(op, health::readiness),
        Op::GetMetrics => open(op, |gate| Ok(health::metrics(gate))),
        Op::GetOpenApi => open(op, |_| Ok(health::openapi())),
    }
}

fn secure<H, F>(op: Op, handler: H) -> Endpoint
where
    H: FnOnce(Call) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    on(op.entry().verb.filter(), move |State(gate): State<Arc<Gate>>, parameters: Parameters, request: Request| {
        secured(gate, op, parameters, request, handler)
    })
}

/// A provider has no key of ours: its signature speaks.
fn callback(op: Op) -> Endpoint {
    on(
        op.entry().verb.filter(),
        move |State(gate): State<Arc<Gate>>, parameters: Parameters, request: Request| async move {
            let head = Head::of(request.headers(), request.uri().clone());
            finish(&gate.meters, Some(op), head, provider::callback(&gate.app, parameters, request)).await
        },
    )
}

fn open(op: Op, handler: fn(&Gate) -> Answer) -> Endpoint {
    on(op.entry().verb.filter(), move |State(gate): State<Arc<Gate>>, request: Request| async move {
        let head = Head::of(request.headers(), request.uri().clone());
        finish(&gate.meters, Some(op), head, async { handler(&gate) }).await
    })
}

async fn unknown_route(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    unmatched(gate, request, Err(Problem::new(Code::UnknownRoute))).await
}

async fn method_not_allowed(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let detail = format!("This path does not take {}.", request.method());
    unmatched(gate, request, Err(Problem::new(Code::MethodNotAllowed).detail(detail))).await
}

/// The answer to what is not an operation.
async fn unmatched(gate: Arc<Gate>, request: Request, answer: Answer) -> Response {
    let head = Head::of(request.headers(), request.uri().clone());
    drop(request);
    finish(&gate.meters, None, head, std::future::ready(answer)).await
}

async fn docs_redirect(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/docs/"));
    unmatched(gate, request, Ok(response)).await
}

async fn docs_index(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    unmatched(gate, request, docs_page("")).await
}

async fn docs_file(State(gate): State<Arc<Gate>>, Path(file): Path<String>, request: Request) -> Response {
    unmatched(gate, request, docs_page(&file)).await
}

/// A file of the Swagger UI, which is compiled in.
fn docs_page(file: &str) -> Answer {
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    let page = utoipa_swagger_ui::serve(file, config).map_err(|error| Problem::new(Code::Internal).inside(error))?;
    let page = page.ok_or_else(|| Problem::new(Code::UnknownRoute))?;
    let mut response = Response::new(Body::from(page.bytes.into_owned()));
    let content_type = HeaderValue::from_str(&page.content_type);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type.map_err(|error| Problem::new(Code::Internal).inside(error))?);
    if page.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
