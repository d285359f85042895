-- Orders and their feed, order numbers, catalog, tenants and keys. Writers of orders take feed_head first, writers of
-- catalog and tenants catalog_head, consumers their own feed_position.

CREATE TABLE feed_head (
    id bigint PRIMARY KEY CHECK (id = 1),
    min_writer bigint NOT NULL,
    next_seq bigint NOT NULL,
    last_ms bigint NOT NULL,
    epoch bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO feed_head (id, min_writer, next_seq, last_ms, epoch) VALUES (1, 1, 1, 0, 1);

-- One submit: idempotency record, insert guard and tombstone. state: JSON (see order/stored.rs).
CREATE TABLE order_group (
    tenant bigint NOT NULL,
    group_key text COLLATE "C" NOT NULL,
    content bytea,
    buyer text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    created_ms bigint NOT NULL,
    PRIMARY KEY (tenant, group_key)
);

CREATE TABLE orders (
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    group_key text COLLATE "C" NOT NULL,
    hold_n bigint NOT NULL,
    client text COLLATE "C" NOT NULL,
    buyer text COLLATE "C" NOT NULL,
    seller text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    payment text COLLATE "C" NOT NULL,
    fulfillment text COLLATE "C" NOT NULL,
    hold text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version >= 1),
    currency text COLLATE "C" NOT NULL,
    goods bigint NOT NULL,
    freight bigint NOT NULL,
    discount bigint NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    adjustments text COLLATE "C",
    address text COLLATE "C",
    note text COLLATE "C",
    created_ms bigint NOT NULL,
    pay_deadline_ms bigint NOT NULL,
    ended_by text COLLATE "C",
    ended_ms bigint,
    PRIMARY KEY (tenant, order_no)
) WITH (fillfactor = 80);
-- buyer first: led by the tenant, an empty table's planner takes this index for (tenant, order_no) as readily as the
-- primary key, and a session keeps that plan while the table grows.
CREATE INDEX orders_buyer ON orders (buyer, tenant, order_no);

CREATE TABLE order_line (
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    line_no bigint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CHECK (quantity >= 1),
    title text COLLATE "C" NOT NULL,
    unit_price bigint NOT NULL,
    total bigint NOT NULL,
    snapshot_version bigint,
    snapshot text COLLATE "C",
    PRIMARY KEY (tenant, order_no, line_no)
);

-- Kept by a consumer of the feed: a moment behind.
CREATE TABLE seller_order (
    tenant bigint NOT NULL,
    seller text COLLATE "C" NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, seller, order_no)
);

CREATE TABLE timer (
    due_ms bigint NOT NULL,
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    PRIMARY KEY (due_ms, tenant, order_no)
);

CREATE TABLE event (
    seq bigint PRIMARY KEY,
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    seller text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at_ms bigint NOT NULL
);

CREATE TABLE feed_position (
    consumer text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL,
    seq bigint NOT NULL
);

-- until_ms: the first instant that no lease of the block has covered.
CREATE TABLE number_block (
    block bigint PRIMARY KEY,
    until_ms bigint NOT NULL
);

CREATE TABLE setting (
    name text COLLATE "C" PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);

CREATE TABLE catalog_head (
    id bigint PRIMARY KEY CHECK (id = 1),
    min_writer bigint NOT NULL,
    next_seq bigint NOT NULL,
    next_tenant bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO catalog_head (id, min_writer, next_seq, next_tenant) VALUES (1, 1, 1, 1);

CREATE TABLE tenant (
    tenant bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    price_source text COLLATE "C" NOT NULL,
    commit_on text COLLATE "C" NOT NULL,
    pay_within_ms bigint NOT NULL,
    business_code bigint NOT NULL
);

-- scopes and sellers: JSON arrays of texts.
CREATE TABLE api_key (
    tenant bigint NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    secret_sha256 bytea NOT NULL UNIQUE,
    client text COLLATE "C" NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    sellers text COLLATE "C" NOT NULL,
    created_ms bigint NOT NULL,
    revoked_ms bigint,
    PRIMARY KEY (tenant, key_id)
);

-- changed_seq: the place of the last change in the catalog's own sequence.
CREATE TABLE seller (
    tenant bigint NOT NULL,
    seller text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    source_version bigint,
    changed_seq bigint NOT NULL,
    PRIMARY KEY (tenant, seller)
);
CREATE INDEX seller_changed ON seller (changed_seq);

CREATE TABLE sku (
    tenant bigint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    seller text COLLATE "C" NOT NULL,
    title text COLLATE "C" NOT NULL,
    price bigint NOT NULL,
    currency text COLLATE "C" NOT NULL,
    on_shelf bigint NOT NULL,
    quota_per_buyer bigint,
    version bigint NOT NULL,
    source_version bigint,
    changed_seq bigint NOT NULL,
    PRIMARY KEY (tenant, sku)
);
CREATE INDEX sku_changed ON sku (changed_seq);

-- Every version of every SKU, for ever: what orders were sold from.
CREATE TABLE sku_snapshot (
    tenant bigint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    seller text COLLATE "C" NOT NULL,
    title text COLLATE "C" NOT NULL,
    price bigint NOT NULL,
    currency text COLLATE "C" NOT NULL,
    on_shelf bigint NOT NULL,
    quota_per_buyer bigint,
    source_version bigint,
    PRIMARY KEY (tenant, sku, version)
);
