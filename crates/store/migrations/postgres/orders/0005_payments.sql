-- Payment, refunds, shipment and returns. A program that does not know them would end orders whose money is on its way: it must
-- not write here.

ALTER TABLE orders ADD COLUMN attempt text COLLATE "C";
ALTER TABLE orders ADD COLUMN captured bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN refunding bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN refunded bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN hold_until_ms bigint;
ALTER TABLE orders ADD COLUMN paused text COLLATE "C";
ALTER TABLE orders ADD COLUMN delivered_ms bigint;
ALTER TABLE orders ADD COLUMN completed_ms bigint;

-- policies: JSON (see domain/tenant.rs), what is not said in it is the default.
ALTER TABLE tenant ADD COLUMN policies text COLLATE "C" NOT NULL DEFAULT '{}';

-- A tenant's accounts at providers. settings: JSON of the adapter, with secrets in it.
CREATE TABLE payment_provider (
    tenant bigint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    settings text COLLATE "C" NOT NULL,
    enabled bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (tenant, provider)
);

-- One try at a provider. shares: JSON of [order number, amount] pairs. pay: the provider's JSON. attached: whether what was
-- captured belongs to the attempt's orders. next_look_ms is NULL when nothing is left to do.
CREATE TABLE payment_attempt (
    tenant bigint NOT NULL,
    payment_no text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    version bigint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    buyer text COLLATE "C" NOT NULL,
    shares text COLLATE "C" NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 1),
    currency text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    request bytea NOT NULL,
    method text COLLATE "C",
    return_url text COLLATE "C",
    opened_ms bigint NOT NULL,
    deadline_ms bigint NOT NULL,
    pay text COLLATE "C",
    reference text COLLATE "C",
    captured bigint,
    captured_currency text COLLATE "C",
    captured_ms bigint,
    attached bigint,
    flag text COLLATE "C",
    reason text COLLATE "C",
    looks bigint NOT NULL,
    next_look_ms bigint,
    PRIMARY KEY (tenant, payment_no, n)
);
CREATE INDEX payment_attempt_due ON payment_attempt (next_look_ms) WHERE next_look_ms IS NOT NULL;

-- Captured money on its way back. attempt: the attempt's id as a text. order_no is NULL for money that belongs to none.
CREATE TABLE refund (
    tenant bigint NOT NULL,
    attempt text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    version bigint NOT NULL,
    order_no text COLLATE "C",
    amount bigint NOT NULL CHECK (amount >= 1),
    currency text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    note text COLLATE "C",
    lines text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    request bytea,
    reference text COLLATE "C",
    error text COLLATE "C",
    created_ms bigint NOT NULL,
    tries bigint NOT NULL,
    next_try_ms bigint,
    PRIMARY KEY (tenant, attempt, n)
);
CREATE INDEX refund_due ON refund (next_try_ms) WHERE next_try_ms IS NOT NULL;

-- Callbacks as they came, once each. headers: JSON of [name, value] pairs.
CREATE TABLE payment_callback (
    tenant bigint NOT NULL,
    provider text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    received_ms bigint NOT NULL,
    headers text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    state text COLLATE "C" NOT NULL,
    note text COLLATE "C",
    tries bigint NOT NULL,
    next_try_ms bigint,
    PRIMARY KEY (tenant, provider, event_id)
);
CREATE INDEX payment_callback_due ON payment_callback (next_try_ms) WHERE next_try_ms IS NOT NULL;
CREATE INDEX payment_callback_undone ON payment_callback (tenant, received_ms) WHERE state <> 'done';

-- lines: JSON of line numbers and units.
CREATE TABLE shipment (
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    version bigint NOT NULL,
    lines text COLLATE "C" NOT NULL,
    carrier text COLLATE "C",
    tracking text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    request bytea NOT NULL,
    shipped_ms bigint NOT NULL,
    delivered_ms bigint,
    PRIMARY KEY (tenant, order_no, n)
);

-- lines, restocked: JSON of line numbers and units.
CREATE TABLE goods_return (
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    version bigint NOT NULL,
    lines text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    amount bigint NOT NULL,
    restocked text COLLATE "C" NOT NULL,
    refund_n bigint,
    request bytea NOT NULL,
    requested_ms bigint NOT NULL,
    decided_ms bigint,
    PRIMARY KEY (tenant, order_no, n)
);
