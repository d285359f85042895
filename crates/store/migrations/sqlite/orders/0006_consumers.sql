-- What consumers of the feed keep: parked events, a log of what was skipped, and webhooks. A program that does not know
-- these may go on writing: it parks nothing and sends nothing.

-- Counts how often a consumer was told to begin anew.
ALTER TABLE feed_position ADD COLUMN round INTEGER NOT NULL DEFAULT 0;

-- Events that a consumer could not work off. next_try_ms: NULL while it waits behind an earlier event of its order.
CREATE TABLE parked_event (
    consumer TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    error TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_ms INTEGER NOT NULL,
    next_try_ms INTEGER,
    PRIMARY KEY (consumer, tenant, order_no, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX parked_event_due ON parked_event (next_try_ms, consumer) WHERE next_try_ms IS NOT NULL;

-- Parked events that somebody gave up, for ever.
CREATE TABLE skipped_event (
    consumer TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    seq INTEGER NOT NULL,
    skipped_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    error TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    skipped_by TEXT NOT NULL,
    PRIMARY KEY (consumer, tenant, order_no, seq, skipped_ms)
) STRICT, WITHOUT ROWID;

-- Where events are sent. types: JSON list of kinds, empty: all. disabled: why nothing is sent; NULL: it is. The old secret
-- signs too until old_until_ms. first_no, next_no: the deliveries that are kept. lease: the process that sends.
CREATE TABLE webhook_endpoint (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    types TEXT NOT NULL,
    disabled TEXT,
    created_ms INTEGER NOT NULL,
    secret TEXT NOT NULL,
    old_secret TEXT,
    old_until_ms INTEGER,
    first_no INTEGER NOT NULL,
    next_no INTEGER NOT NULL,
    lease TEXT NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- The last tries, by endpoint. status: of the answer; NULL: there was none.
CREATE TABLE webhook_delivery (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    kind TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status INTEGER,
    error TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, name, no)
) STRICT, WITHOUT ROWID;
