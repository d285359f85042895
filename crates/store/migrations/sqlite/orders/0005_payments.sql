-- Payment, refunds, shipment and returns. A program that does not know them would end orders whose money is on its way: it must
-- not write here.

ALTER TABLE orders ADD COLUMN attempt TEXT;
ALTER TABLE orders ADD COLUMN captured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN refunding INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN hold_until_ms INTEGER;
ALTER TABLE orders ADD COLUMN paused TEXT;
ALTER TABLE orders ADD COLUMN delivered_ms INTEGER;
ALTER TABLE orders ADD COLUMN completed_ms INTEGER;

-- policies: JSON (see domain/tenant.rs), what is not said in it is the default.
ALTER TABLE tenant ADD COLUMN policies TEXT NOT NULL DEFAULT '{}';

-- A tenant's accounts at providers. settings: JSON of the adapter, with secrets in it.
CREATE TABLE payment_provider (
    tenant INTEGER NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (tenant, provider)
) STRICT, WITHOUT ROWID;

-- One try at a provider. shares: JSON of [order number, amount] pairs. pay: the provider's JSON. attached: whether what was
-- captured belongs to the attempt's orders. next_look_ms is NULL when nothing is left to do.
CREATE TABLE payment_attempt (
    tenant INTEGER NOT NULL,
    payment_no TEXT NOT NULL,
    n INTEGER NOT NULL,
    version INTEGER NOT NULL,
    provider TEXT NOT NULL,
    buyer TEXT NOT NULL,
    shares TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 1),
    currency TEXT NOT NULL,
    state TEXT NOT NULL,
    request BLOB NOT NULL,
    method TEXT,
    return_url TEXT,
    opened_ms INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    pay TEXT,
    reference TEXT,
    captured INTEGER,
    captured_currency TEXT,
    captured_ms INTEGER,
    attached INTEGER,
    flag TEXT,
    reason TEXT,
    looks INTEGER NOT NULL,
    next_look_ms INTEGER,
    PRIMARY KEY (tenant, payment_no, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_attempt_due ON payment_attempt (next_look_ms) WHERE next_look_ms IS NOT NULL;

-- Captured money on its way back. attempt: the attempt's id as a text. order_no is NULL for money that belongs to none.
CREATE TABLE refund (
    tenant INTEGER NOT NULL,
    attempt TEXT NOT NULL,
    n INTEGER NOT NULL,
    version INTEGER NOT NULL,
    order_no TEXT,
    amount INTEGER NOT NULL CHECK (amount >= 1),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT,
    lines TEXT,
    state TEXT NOT NULL,
    request BLOB,
    reference TEXT,
    error TEXT,
    created_ms INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_try_ms INTEGER,
    PRIMARY KEY (tenant, attempt, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_due ON refund (next_try_ms) WHERE next_try_ms IS NOT NULL;

-- Callbacks as they came, once each. headers: JSON of [name, value] pairs.
CREATE TABLE payment_callback (
    tenant INTEGER NOT NULL,
    provider TEXT NOT NULL,
    event_id TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL,
    note TEXT,
    tries INTEGER NOT NULL,
    next_try_ms INTEGER,
    PRIMARY KEY (tenant, provider, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_callback_due ON payment_callback (next_try_ms) WHERE next_try_ms IS NOT NULL;
CREATE INDEX payment_callback_undone ON payment_callback (tenant, received_ms) WHERE state <> 'done';

-- lines: JSON of line numbers and units.
CREATE TABLE shipment (
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    n INTEGER NOT NULL,
    version INTEGER NOT NULL,
    lines TEXT NOT NULL,
    carrier TEXT,
    tracking TEXT,
    state TEXT NOT NULL,
    request BLOB NOT NULL,
    shipped_ms INTEGER NOT NULL,
    delivered_ms INTEGER,
    PRIMARY KEY (tenant, order_no, n)
) STRICT, WITHOUT ROWID;

-- lines, restocked: JSON of line numbers and units.
CREATE TABLE goods_return (
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    n INTEGER NOT NULL,
    version INTEGER NOT NULL,
    lines TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    amount INTEGER NOT NULL,
    restocked TEXT NOT NULL,
    refund_n INTEGER,
    request BLOB NOT NULL,
    requested_ms INTEGER NOT NULL,
    decided_ms INTEGER,
    PRIMARY KEY (tenant, order_no, n)
) STRICT, WITHOUT ROWID;
