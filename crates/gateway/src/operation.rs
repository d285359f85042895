//! Every published operation, once: its name, verb, path and the scopes that may call it.
//!
//! Routing, authorization, metrics and the tests that walk the API all read this table; the `OpenAPI` document is held
//! against it by a test. An operation without a handler does not compile (`routes.rs`).

use axum::http::Method;
use axum::routing::MethodFilter;
use holdline_domain::tenant::Scope;

/// The verbs in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates, or does something that has no path of its own.
    Post,
    /// Replaces.
    Put,
}

impl Verb {
    /// The verb as HTTP has it.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
        }
    }

    pub(crate) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
        }
    }
}

/// What the table says of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name: `operationId`, metric label, log field.
    pub id: &'static str,
    /// Its verb.
    pub verb: Verb,
    /// Its path, parameters in braces.
    pub path: &'static str,
    /// Any one of these scopes suffices; `None`: no key is asked for.
    pub scopes: Option<&'static [Scope]>,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $id:literal $verb:ident $path:literal $scopes:expr;)+) => {
        /// A published operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Op { $($(#[$doc])* $name,)+ }

        impl Op {
            /// Every operation; an operation's place is its `self as usize`.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What the table says of it.
            pub fn entry(self) -> Entry {
                match self {
                    $(Self::$name => Entry { id: $id, verb: Verb::$verb, path: $path, scopes: $scopes },)+
                }
            }
        }
    };
}

use Scope::{Admin, Hold, Merchant, Read, Shop};

/// Catalog, stock and feed are read by whoever sells and whoever keeps them; a merchant's key would learn from the feed
/// what others sell.
const SELLING: Option<&[Scope]> = Some(&[Shop, Admin, Read]);
/// Orders are read by shops and by the merchants whose orders they are.
const ORDERS: Option<&[Scope]> = Some(&[Shop, Merchant, Read]);

operations! {
    /// Places the orders of one submit. Where the tenant's prices come from the caller, the key needs `price` as well.
    PlaceOrders = "place_orders" Post "/v1/orders" Some(&[Shop]);
    /// Lists orders: of a buyer, of a seller, or the newest.
    ListOrders = "list_orders" Get "/v1/orders" ORDERS;
    /// Reads one order.
    GetOrder = "get_order" Get "/v1/orders/{order_no}" ORDERS;
    /// Cancels an order that waits for payment.
    CancelOrder = "cancel_order" Post "/v1/orders/{order_no}/cancel" Some(&[Shop, Merchant]);
    /// Reads the orders of one submit by the group's id.
    GetOrderGroup = "get_order_group" Get "/v1/order-groups/{order_group}" Some(&[Shop, Read]);
    /// Reads the orders of one submit by its key.
    GetOrderGroupByKey = "get_order_group_by_key" Get "/v1/order-groups/by-key/{key}" Some(&[Shop, Read]);
    /// What became of a submit.
    GetSubmit = "get_submit" Get "/v1/submits/{key}" Some(&[Shop, Read]);
    /// Makes sure that a submit either has its orders or never will.
    AbandonSubmit = "abandon_submit" Post "/v1/order-groups/by-key/{key}/abandon" Some(&[Shop]);
    /// Reads a seller.
    GetSeller = "get_seller" Get "/v1/sellers/{seller}" SELLING;
    /// Writes a seller.
    PutSeller = "put_seller" Put "/v1/sellers/{seller}" Some(&[Admin]);
    /// Reads a SKU.
    GetSku = "get_sku" Get "/v1/skus/{sku}" SELLING;
    /// Writes a SKU.
    PutSku = "put_sku" Put "/v1/skus/{sku}" Some(&[Admin]);
    /// Writes many SKUs.
    PutSkus = "put_skus" Post "/v1/skus:batch" Some(&[Admin]);
    /// Reads the stock of many SKUs.
    ListStock = "list_stock" Get "/v1/stock" SELLING;
    /// Reads the stock of one SKU.
    GetStock = "get_stock" Get "/v1/stock/{sku}" SELLING;
    /// Reads what changed a stock account.
    ListMovements = "list_movements" Get "/v1/stock/{sku}/movements" Some(&[Admin, Read]);
    /// Changes on hand by a delta.
    AdjustStock = "adjust_stock" Post "/v1/stock/{sku}/adjustments" Some(&[Admin]);
    /// Replaces the flags of a stock account.
    PutFlags = "put_flags" Put "/v1/stock/{sku}/flags" Some(&[Admin]);
    /// Reads the periods of a SKU.
    ListPeriods = "list_periods" Get "/v1/stock/{sku}/periods" SELLING;
    /// Writes a period of a SKU and channel.
    PutPeriod = "put_period" Put "/v1/stock/{sku}/periods/{period}" Some(&[Admin]);
    /// Holds stock for an order that is kept elsewhere.
    TakeHold = "take_hold" Post "/v1/holds" Some(&[Hold]);
    /// Reads a hold.
    GetHold = "get_hold" Get "/v1/holds/{hold_id}" Some(&[Hold]);
    /// Commits a hold or a part of it.
    CommitHold = "commit_hold" Post "/v1/holds/{hold_id}/commit" Some(&[Hold]);
    /// Releases a hold or a part of it.
    ReleaseHold = "release_hold" Post "/v1/holds/{hold_id}/release" Some(&[Hold]);
    /// Moves a hold's deadline.
    ExtendHold = "extend_hold" Post "/v1/holds/{hold_id}/extend" Some(&[Hold]);
    /// Reads the tenant's part of the feed.
    ListEvents = "list_events" Get "/v1/events" SELLING;
    /// Lists events that a consumer of the feed could not work off.
    ListParkedEvents = "list_parked_events" Get "/v1/parked-events" Some(&[Admin]);
    /// Tries a parked event at once.
    RetryParkedEvent = "retry_parked_event" Post "/v1/parked-events/{consumer}/{seq}/retry" Some(&[Admin]);
    /// Gives a parked event up.
    SkipParkedEvent = "skip_parked_event" Post "/v1/parked-events/{consumer}/{seq}/skip" Some(&[Admin]);
    /// Lists the endpoints of webhooks.
    ListWebhooks = "list_webhooks" Get "/v1/webhooks" Some(&[Admin]);
    /// Reads an endpoint.
    GetWebhook = "get_webhook" Get "/v1/webhooks/{name}" Some(&[Admin]);
    /// Makes or changes an endpoint.
    PutWebhook = "put_webhook" Put "/v1/webhooks/{name}" Some(&[Admin]);
    /// Replaces the secret of an endpoint.
    RotateWebhookSecret = "rotate_webhook_secret" Post "/v1/webhooks/{name}/rotate-secret" Some(&[Admin]);
    /// Lists the last tries of an endpoint.
    ListDeliveries = "list_deliveries" Get "/v1/webhooks/{name}/deliveries" Some(&[Admin]);
    /// Sends events to an endpoint once more.
    Redeliver = "redeliver" Post "/v1/webhooks/{name}/redeliver" Some(&[Admin]);
    /// Opens an attempt to pay an order.
    PayOrder = "pay_order" Post "/v1/orders/{order_no}/payments" Some(&[Shop]);
    /// Opens an attempt to pay all orders of a group.
    PayOrderGroup = "pay_order_group" Post "/v1/order-groups/{order_group}/payments" Some(&[Shop]);
    /// Reads what was tried and captured for an order.
    ListPayments = "list_payments" Get "/v1/orders/{order_no}/payments" ORDERS;
    /// Reads a payment.
    GetPayment = "get_payment" Get "/v1/payments/{payment}" Some(&[Shop, Read]);
    /// Lists money whose place is not final.
    ListUnsettled = "list_unsettled" Get "/v1/payments/unsettled" Some(&[Admin, Read]);
    /// Ends a callback that somebody has dealt with by hand.
    SettleCallback = "settle_callback" Post "/v1/payment-callbacks/{provider}/{event_id}/settle" Some(&[Admin]);
    /// Gives money of an order back.
    CreateRefund = "create_refund" Post "/v1/orders/{order_no}/refunds" Some(&[Shop, Merchant]);
    /// Reads the refunds of an order.
    ListRefunds = "list_refunds" Get "/v1/orders/{order_no}/refunds" ORDERS;
    /// Ships goods of an order.
    ShipOrder = "ship_order" Post "/v1/orders/{order_no}/shipments" Some(&[Shop, Merchant]);
    /// Reads the shipments of an order.
    ListShipments = "list_shipments" Get "/v1/orders/{order_no}/shipments" ORDERS;
    /// A shipment arrived.
    DeliverShipment = "deliver_shipment" Post "/v1/orders/{order_no}/shipments/{n}/deliver" Some(&[Shop, Merchant]);
    /// The buyer has all of an order.
    ReceiveOrder = "receive_order" Post "/v1/orders/{order_no}/receive" Some(&[Shop]);
    /// Stops an order's fulfillment.
    PauseOrder = "pause_order" Post "/v1/orders/{order_no}/pause" Some(&[Shop, Merchant]);
    /// Lets an order's fulfillment go on.
    ResumeOrder = "resume_order" Post "/v1/orders/{order_no}/resume" Some(&[Shop, Merchant]);
    /// Asks for a return.
    RequestReturn = "request_return" Post "/v1/orders/{order_no}/returns" Some(&[Shop]);
    /// Reads the returns of an order.
    ListReturns = "list_returns" Get "/v1/orders/{order_no}/returns" ORDERS;
    /// The goods of a return may come back.
    ApproveReturn = "approve_return" Post "/v1/orders/{order_no}/returns/{n}/approve" Some(&[Shop, Merchant]);
    /// The goods of a return may not come back.
    RejectReturn = "reject_return" Post "/v1/orders/{order_no}/returns/{n}/reject" Some(&[Shop, Merchant]);
    /// The goods of a return have arrived and were inspected.
    ReceiveReturn = "receive_return" Post "/v1/orders/{order_no}/returns/{n}/receive" Some(&[Shop, Merchant]);
    /// Lists the tenant's accounts at payment providers.
    ListPaymentProviders = "list_payment_providers" Get "/v1/payment-providers" Some(&[Admin, Read]);
    /// Writes an account at a payment provider.
    PutPaymentProvider = "put_payment_provider" Put "/v1/payment-providers/{provider}" Some(&[Admin]);
    /// Reads the tenant's policies.
    GetPolicies = "get_policies" Get "/v1/policies" Some(&[Admin, Read]);
    /// Replaces the tenant's policies.
    PutPolicies = "put_policies" Put "/v1/policies" Some(&[Admin]);
    /// Takes what a payment provider reports.
    TakeCallback = "take_callback" Post "/callbacks/{tenant}/{provider}" None;
    /// Takes a cart in the words of the source documents.
    MallSubmit = "mall_submit" Post "/order/submit" Some(&[Shop]);
    /// Whether an order exists, in the words of the source documents.
    MallIsCreated = "mall_is_created" Get "/order/is-created" Some(&[Shop, Read]);
    /// Whether the process runs.
    GetHealth = "get_health" Get "/healthz" None;
    /// Whether the process may be sent requests.
    GetReadiness = "get_readiness" Get "/readyz" None;
    /// Figures for Prometheus.
    GetMetrics = "get_metrics" Get "/metrics" None;
    /// The description of this API.
    GetOpenApi = "get_openapi" Get "/openapi.json" None;
}

impl Op {
    /// Whether it may change something: a timeout then leaves the outcome unknown.
    pub fn writes(self) -> bool {
        self.entry().verb != Verb::Get
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_places_are_unique() {
        let ids: BTreeSet<_> = Op::ALL.iter().map(|op| op.entry().id).collect();
        assert_eq!(ids.len(), Op::ALL.len());
        let places: BTreeSet<_> =
            Op::ALL.iter().map(|op| (op.entry().verb.method().to_string(), op.entry().path)).collect();
        assert_eq!(places.len(), Op::ALL.len());
        assert!(Op::ALL.iter().enumerate().all(|(place, op)| *op as usize == place));
    }

    #[test]
    fn everything_of_the_shop_asks_for_a_key_and_nothing_else_does() {
        for op in Op::ALL {
            let Entry { path, scopes, .. } = op.entry();
            let is_of_the_shop = path.starts_with("/v1/") || path.starts_with("/order/");
            assert_eq!(is_of_the_shop, scopes.is_some(), "{path}");
            assert!(scopes.is_none_or(|scopes| !scopes.is_empty()), "{path} can be called by nobody");
        }
    }
}
