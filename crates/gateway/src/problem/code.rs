//! The table of stable codes: status, title, meaning, what to do, facts. `api/errors.md` is generated from it.

use axum::http::StatusCode;

/// What the table says of a code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeEntry {
    /// The code, as the API shows it.
    pub(crate) code: &'static str,
    /// The HTTP status it comes with.
    pub(crate) status: StatusCode,
    /// Whether the same request may succeed later without being changed.
    pub(crate) retryable: bool,
    /// A few words that never vary.
    pub(crate) title: &'static str,
    /// When it is answered.
    pub(crate) meaning: &'static str,
    /// What the caller does about it.
    pub(crate) action: &'static str,
    /// The facts that come with it in `errors[]`; empty: none.
    pub(crate) facts: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal $status:ident $retry:literal $title:literal
        meaning $meaning:literal action $action:literal facts $facts:literal;)+) => {
        /// A stable code of a problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Code { $(#[doc = $title] $name,)+ }

        impl Code {
            /// Every code; a code's place is its `self as usize`.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What the table says of it.
            pub(crate) fn entry(self) -> CodeEntry {
                match self {
                    $(Self::$name => CodeEntry {
                        code: $code,
                        status: StatusCode::$status,
                        retryable: $retry,
                        title: $title,
                        meaning: $meaning,
                        action: $action,
                        facts: $facts,
                    },)+
                }
            }
        }
    };
}

codes! {
    MalformedBody = "malformed_body" BAD_REQUEST false "The body is not the JSON that this operation takes"
        meaning "The body is not JSON, lacks a field, has an unknown or repeated one, or one of another type."
        action "Correct the request; `detail` says what is wrong there."
        facts "json_line, json_column";
    MalformedRequest = "malformed_request" BAD_REQUEST false "The request cannot be understood"
        meaning "A path or query parameter is not valid UTF-8 once decoded, the body ended early, or `Host` is missing or repeated."
        action "Correct the request."
        facts "";
    IdempotencyKeyMissing = "idempotency_key_missing" BAD_REQUEST false "The Idempotency-Key header is missing"
        meaning "This operation must not happen twice, so it needs a key that names the attempt."
        action "Send `Idempotency-Key`, new for each submit and the same for each retry of it. UUIDv7 is recommended."
        facts "";
    ApiKeyMissing = "api_key_missing" UNAUTHORIZED false "An API key is needed"
        meaning "The request has no `Authorization: Bearer hl_...` header."
        action "Send the key."
        facts "";
    ApiKeyInvalid = "api_key_invalid" UNAUTHORIZED false "The API key is not valid"
        meaning "The key is unknown, or has been revoked."
        action "Use a key that is in force."
        facts "";
    ScopeMissing = "scope_missing" FORBIDDEN false "The API key may not do this"
        meaning "The key lacks the scope that the operation needs."
        action "Use a key with one of the scopes named."
        facts "scopes";
    NotFound = "not_found" NOT_FOUND false "There is no such thing"
        meaning "It does not exist, or the key may not see it: the two are not told apart."
        action "Check the id and the key's tenant, client and sellers."
        facts "";
    UnknownRoute = "unknown_route" NOT_FOUND false "There is no such path"
        meaning "No operation has this path."
        action "See `/docs` for the operations."
        facts "";
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED false "The path does not take this method"
        meaning "The path exists with other methods; the `Allow` header names them."
        action "Use one of them."
        facts "";
    RequestTimeout = "request_timeout" REQUEST_TIMEOUT true "The request did not arrive in time"
        meaning "The client was too slow in sending its head or its body. Nothing was begun."
        action "Send the request again."
        facts "";
    OrderState = "order_state" CONFLICT false "The order's state does not allow this"
        meaning "The order has ended, or has gone too far."
        action "Read the order and decide anew."
        facts "order_no, order_status";
    PaymentOpen = "payment_open" CONFLICT true "An attempt to pay is open"
        meaning "The buyer's money may still come by the attempt named, and its provider has not confirmed that it is closed."
        action "Try again in some seconds, or wait for the attempt to end."
        facts "order_no, attempt";
    GoodsShipped = "goods_shipped" CONFLICT false "Goods have left"
        meaning "The order, or a part of it, was shipped: it is not cancelled any more."
        action "Use a return."
        facts "order_no, fulfillment_status";
    NotDelivered = "not_delivered" CONFLICT false "Not all of it has arrived"
        meaning "Only an order that was delivered as a whole is received."
        action "Report the deliveries first."
        facts "order_no, fulfillment_status";
    ReturnState = "return_state" CONFLICT false "The return's state does not allow this"
        meaning "The return was decided otherwise, or has not come so far; `detail` says where it stands."
        action "Read the return and decide anew."
        facts "";
    OrderPaused = "order_paused" CONFLICT false "The order's fulfillment is stopped"
        meaning "Somebody stopped it; `detail` says why."
        action "Resume the order first."
        facts "order_no";
    SubmitAbandoned = "submit_abandoned" CONFLICT false "The submit was abandoned"
        meaning "The submit with this key was given up: it is not an order and never will be."
        action "If the buyer still wants it, submit under a new key."
        facts "";
    NotDecidedInTime = "not_decided_in_time" CONFLICT false "The submit was not decided in time"
        meaning "The submit was accepted, and could not be decided by the instant that its client was told: it is not an order \
            and never will be."
        action "If the buyer still wants it, submit under a new key."
        facts "decide_by";
    HoldEnded = "hold_ended" CONFLICT false "The hold has ended in another way"
        meaning "The hold, or the part of it, was committed or released before; a whole hold is not committed once a part \
            of it was released."
        action "Read the hold; commit or release its parts by name."
        facts "hold_state";
    HoldGivenUp = "hold_given_up" CONFLICT false "The hold was given up"
        meaning "It was released before it arrived: it was not taken and never will be."
        action "If the stock is still wanted, take a hold under a new `hold_id`."
        facts "";
    PeriodOverlaps = "period_overlaps" CONFLICT false "The period would overlap another one"
        meaning "Periods of one SKU and channel share no instant; this one would share some with the one named."
        action "Choose other instants, or change the other period first."
        facts "period";
    PeriodBegun = "period_begun" CONFLICT false "The period has begun"
        meaning "The start of a period that has begun stays, and its end moves later only; once it has ended, only its \
            rest rule changes."
        action "Write a new period under another name."
        facts "";
    CursorOfAnotherEpoch = "cursor_of_another_epoch" GONE false "The cursor is of another epoch of the feed"
        meaning "The store was restored from a backup since: what the cursor stands behind may not have happened in the feed as \
            it is now, and other events may have its place."
        action "Read the feed from the start (without `after`), and take each order as it is now; events that were seen before \
            come again with the same `order_no` and `version`."
        facts "";
    VersionMismatch = "version_mismatch" PRECONDITION_FAILED false "The resource has changed"
        meaning "Its version is not the one in `If-Match`."
        action "Read it again and decide anew."
        facts "current_version";
    BodyTooLarge = "body_too_large" PAYLOAD_TOO_LARGE false "The body is too large"
        meaning "A body may have 256 KiB."
        action "Send less, or in several requests."
        facts "bytes_max";
    UnsupportedMediaType = "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE false "The body must be JSON"
        meaning "`Content-Type` is not `application/json`."
        action "Send JSON and say so."
        facts "";
    InvalidField = "invalid_field" UNPROCESSABLE_ENTITY false "A field is not valid"
        meaning "The request has the right form, but a value lies outside of its limits. `errors[]` says where and how."
        action "Correct the value."
        facts "";
    OrderRefused = "order_refused" UNPROCESSABLE_ENTITY false "The submit cannot become orders"
        meaning "Price, shelf, quota, stock or sums stand in the way; `errors[]` has every reason at once."
        action "Show the buyer what changed, and submit the corrected cart under a new key."
        facts "see the reasons below";
    HoldRefused = "hold_refused" UNPROCESSABLE_ENTITY false "The stock cannot be held"
        meaning "Units are missing; `errors[]` names every account that is short. Nothing is held."
        action "Ask for less, or for other stock."
        facts "the reasons of `order_refused` about stock";
    KeyReused = "idempotency_key_reused" UNPROCESSABLE_ENTITY false "The key came before with another content"
        meaning "An Idempotency-Key names one submit, a `hold_id` one hold; this one names another already."
        action "Find the defect that reuses keys; send the request under a new key."
        facts "";
    UnknownSeller = "unknown_seller" UNPROCESSABLE_ENTITY false "There is no such seller"
        meaning "The SKU names a seller that has not been written."
        action "Write the seller first."
        facts "seller";
    BreaksHolds = "breaks_holds" UNPROCESSABLE_ENTITY false "The adjustment would break promises"
        meaning "On hand would fall below what is held and sold."
        action "Adjust by less, or send `force` where the goods are really gone."
        facts "on_hand, held, allocated";
    ReferenceReused = "reference_reused" UNPROCESSABLE_ENTITY false "The reference came before with another change"
        meaning "A reference is unique on its account and names one change; it named another before."
        action "Use a reference of its own for each change."
        facts "movement_kind, movement_quantity";
    TooManyWebhooks = "too_many_webhooks" UNPROCESSABLE_ENTITY false "The tenant has too many webhooks"
        meaning "A tenant has 16 endpoints at most: each is sent every event."
        action "Disable one and give its name to the new address."
        facts "";
    RefundTooLarge = "refund_too_large" UNPROCESSABLE_ENTITY false "More would go back than is left"
        meaning "What was captured, less what is on its way back or has gone back, is smaller than the sum."
        action "Ask for at most `refundable`."
        facts "requested_amount, refundable";
    LineQuantity = "line_quantity" UNPROCESSABLE_ENTITY false "A line has fewer such units"
        meaning "Fewer units of the line are in the state that this needs: unshipped to ship, shipped to return."
        action "Read the order and decide anew."
        facts "line_no, requested, available";
    ReturnWindowClosed = "return_window_closed" UNPROCESSABLE_ENTITY false "The time for returns is over"
        meaning "The goods arrived longer ago than the tenant's policy allows."
        action "Refund a sum as goodwill, if that is wanted."
        facts "closed";
    PaymentRefused = "payment_refused" UNPROCESSABLE_ENTITY false "The provider does not take the payment"
        meaning "The provider refused the attempt for good; `detail` says why in its words."
        action "Use another means of payment."
        facts "";
    NothingOwed = "nothing_owed" UNPROCESSABLE_ENTITY false "There is nothing to pay"
        meaning "The orders come to zero."
        action "Nothing: an order without a price is confirmed as it is placed."
        facts "";
    OutOfRange = "out_of_range" UNPROCESSABLE_ENTITY false "A sum leaves the range of 64 bits"
        meaning "A balance or a total would become too large."
        action "Correct the figures."
        facts "";
    HeaderTooLarge = "header_too_large" REQUEST_HEADER_FIELDS_TOO_LARGE false "The request head is too large"
        meaning "Request line and headers may have 16 KiB and 64 headers. Answered without a body."
        action "Send fewer or shorter headers."
        facts "";
    Internal = "internal" INTERNAL_SERVER_ERROR false "A defect in this server"
        meaning "The server met a state that it should not be in. It is in its log under the `request_id`."
        action "Report the `request_id`. Whether a write happened, the same request with the same key tells."
        facts "";
    Busy = "busy" SERVICE_UNAVAILABLE true "Too much is waiting"
        meaning "A queue is full, or all connections are in use. Nothing was begun."
        action "Send the same request again after `Retry-After`."
        facts "retry_after_ms";
    Unavailable = "unavailable" SERVICE_UNAVAILABLE true "A dependency is not available"
        meaning "A database cannot be reached, or its clock cannot be trusted. Nothing was written."
        action "Send the same request again after `Retry-After`."
        facts "";
    StoreFull = "store_full" SERVICE_UNAVAILABLE true "The store has no room left"
        meaning "The disk of a database is full. Nothing was written."
        action "Make room; then send the same request again."
        facts "";
    OutcomeUnknown = "outcome_unknown" SERVICE_UNAVAILABLE true "The outcome is not known yet"
        meaning "It may or may not have happened."
        action "Send the same request with the same key (or reference): it tells, and never happens twice."
        facts "";
    NotReady = "not_ready" SERVICE_UNAVAILABLE true "This process is not ready"
        meaning "Answered by `/readyz` only: the process should not be sent requests now; `detail` says why."
        action "Send requests to another process."
        facts "";
}

/// A reason inside of `errors[]` that is not a problem of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReasonEntry {
    /// The code, as the API shows it.
    pub(crate) code: &'static str,
    /// The problem it comes with.
    pub(crate) within: Code,
    /// When it is given.
    pub(crate) meaning: &'static str,
    /// The facts that come with it.
    pub(crate) facts: &'static str,
}

macro_rules! reasons {
    ($($name:ident = $code:literal within $within:ident meaning $meaning:literal facts $facts:literal;)+) => {
        /// A stable code inside of `errors[]`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Reason { $(#[doc = $meaning] $name,)+ }

        impl Reason {
            /// Every reason.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What the table says of it.
            pub(crate) fn entry(self) -> ReasonEntry {
                match self {
                    $(Self::$name => ReasonEntry {
                        code: $code,
                        within: Code::$within,
                        meaning: $meaning,
                        facts: $facts,
                    },)+
                }
            }
        }
    };
}

reasons! {
    UnknownSku = "unknown_sku" within OrderRefused
        meaning "The catalog has no such SKU." facts "sku";
    OffShelf = "off_shelf" within OrderRefused
        meaning "The SKU is not for sale now." facts "sku";
    SellerDiffers = "seller_differs" within OrderRefused
        meaning "The request names another seller than the catalog; `seller` is the catalog's." facts "sku, seller, given_seller";
    PriceChanged = "price_changed" within OrderRefused
        meaning "The buyer saw another price than the one that holds now." facts "sku, old_price, new_price";
    CurrencyDiffers = "currency_differs" within OrderRefused
        meaning "The line's currency is not the SKU's, or not that of the other lines."
        facts "sku, given_currency, expected_currency";
    TotalDiffers = "total_differs" within OrderRefused
        meaning "The buyer saw another total than lines and adjustments come to." facts "expected_total, actual_total";
    DiscountTooLarge = "discount_too_large" within OrderRefused
        meaning "The discounts exceed what a seller's goods and freight come to." facts "seller, gross, discount";
    AdjustmentWithoutLine = "adjustment_without_line" within OrderRefused
        meaning "An adjustment names a seller that no line belongs to." facts "seller";
    BetweenPeriods = "between_periods" within OrderRefused
        meaning "The SKU is sold in periods, and none is open now; `period_opens` says when the next one is."
        facts "sku, period_opens";
    InsufficientStock = "insufficient_stock" within OrderRefused
        meaning "Fewer units are available than all lines of the SKU ask for."
        facts "sku, requested, available, account_version";
    SoldOut = "sold_out" within OrderRefused
        meaning "The SKU is marked as sold out, whatever its balance." facts "sku, requested, available, account_version";
    QuotaExceeded = "quota_exceeded" within OrderRefused
        meaning "The buyer may not buy that many; `available` is what is left of the quota."
        facts "sku, requested, available, account_version";
    Empty = "empty" within InvalidField
        meaning "It has nothing in it, or is missing." facts "";
    TooLong = "too_long" within InvalidField
        meaning "It has more bytes or items than allowed." facts "";
    BadCharacter = "bad_character" within InvalidField
        meaning "It has a character that is not allowed." facts "";
    FieldOutOfRange = "out_of_range" within InvalidField
        meaning "The number lies outside of its range." facts "";
    Malformed = "malformed" within InvalidField
        meaning "It has not the form that it should have." facts "";
}
