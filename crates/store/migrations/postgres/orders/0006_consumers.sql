-- What consumers of the feed keep: parked events, a log of what was skipped, and webhooks. A program that does not know
-- these may go on writing: it parks nothing and sends nothing.

-- Counts how often a consumer was told to begin anew.
ALTER TABLE feed_position ADD COLUMN round bigint NOT NULL DEFAULT 0;

-- Events that a consumer could not work off. next_try_ms: NULL while it waits behind an earlier event of its order.
CREATE TABLE parked_event (
    consumer text COLLATE "C" NOT NULL,
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    version bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    error text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL,
    parked_ms bigint NOT NULL,
    next_try_ms bigint,
    PRIMARY KEY (consumer, tenant, order_no, seq)
);
CREATE INDEX parked_event_due ON parked_event (next_try_ms, consumer) WHERE next_try_ms IS NOT NULL;

-- Parked events that somebody gave up, for ever.
CREATE TABLE skipped_event (
    consumer text COLLATE "C" NOT NULL,
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    skipped_ms bigint NOT NULL,
    version bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    error text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL,
    parked_ms bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    skipped_by text COLLATE "C" NOT NULL,
    PRIMARY KEY (consumer, tenant, order_no, seq, skipped_ms)
);

-- Where events are sent. types: JSON list of kinds, empty: all. disabled: why nothing is sent; NULL: it is. The old secret
-- signs too until old_until_ms. first_no, next_no: the deliveries that are kept. lease: the process that sends.
CREATE TABLE webhook_endpoint (
    tenant bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    types text COLLATE "C" NOT NULL,
    disabled text COLLATE "C",
    created_ms bigint NOT NULL,
    secret text COLLATE "C" NOT NULL,
    old_secret text COLLATE "C",
    old_until_ms bigint,
    first_no bigint NOT NULL,
    next_no bigint NOT NULL,
    lease text COLLATE "C" NOT NULL,
    lease_until_ms bigint NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- The last tries, by endpoint. status: of the answer; NULL: there was none.
CREATE TABLE webhook_delivery (
    tenant bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    no bigint NOT NULL,
    seq bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    attempt bigint NOT NULL,
    status bigint,
    error text COLLATE "C" NOT NULL,
    at_ms bigint NOT NULL,
    took_ms bigint NOT NULL,
    PRIMARY KEY (tenant, name, no)
);
