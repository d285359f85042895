-- Orders and their feed, order numbers, catalog, tenants and keys. Writers of orders take feed_head first, writers of
-- catalog and tenants catalog_head, consumers their own feed_position.

CREATE TABLE feed_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    min_writer INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO feed_head (id, min_writer, next_seq, last_ms, epoch) VALUES (1, 1, 1, 0, 1);

-- One submit: idempotency record, insert guard and tombstone. state: JSON (see order/stored.rs).
CREATE TABLE order_group (
    tenant INTEGER NOT NULL,
    group_key TEXT NOT NULL,
    content BLOB,
    buyer TEXT,
    state TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    group_key TEXT NOT NULL,
    hold_n INTEGER NOT NULL,
    client TEXT NOT NULL,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    channel TEXT NOT NULL,
    status TEXT NOT NULL,
    payment TEXT NOT NULL,
    fulfillment TEXT NOT NULL,
    hold TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    currency TEXT NOT NULL,
    goods INTEGER NOT NULL,
    freight INTEGER NOT NULL,
    discount INTEGER NOT NULL,
    total INTEGER NOT NULL CHECK (total >= 0),
    adjustments TEXT,
    address TEXT,
    note TEXT,
    created_ms INTEGER NOT NULL,
    pay_deadline_ms INTEGER NOT NULL,
    ended_by TEXT,
    ended_ms INTEGER,
    PRIMARY KEY (tenant, order_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_buyer ON orders (tenant, buyer, order_no);

CREATE TABLE order_line (
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 1),
    title TEXT NOT NULL,
    unit_price INTEGER NOT NULL,
    total INTEGER NOT NULL,
    snapshot_version INTEGER,
    snapshot TEXT,
    PRIMARY KEY (tenant, order_no, line_no)
) STRICT, WITHOUT ROWID;

-- Kept by a consumer of the feed: a moment behind.
CREATE TABLE seller_order (
    tenant INTEGER NOT NULL,
    seller TEXT NOT NULL,
    order_no TEXT NOT NULL,
    PRIMARY KEY (tenant, seller, order_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE timer (
    due_ms INTEGER NOT NULL,
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    PRIMARY KEY (due_ms, tenant, order_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    seller TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE feed_position (
    consumer TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- until_ms: the first instant that no lease of the block has covered.
CREATE TABLE number_block (
    block INTEGER PRIMARY KEY,
    until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE catalog_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    min_writer INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    next_tenant INTEGER NOT NULL
) STRICT;
INSERT INTO catalog_head (id, min_writer, next_seq, next_tenant) VALUES (1, 1, 1, 1);

CREATE TABLE tenant (
    tenant INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    price_source TEXT NOT NULL,
    commit_on TEXT NOT NULL,
    pay_within_ms INTEGER NOT NULL,
    business_code INTEGER NOT NULL
) STRICT;

-- scopes and sellers: JSON arrays of texts.
CREATE TABLE api_key (
    tenant INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL UNIQUE,
    client TEXT NOT NULL,
    scopes TEXT NOT NULL,
    sellers TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    revoked_ms INTEGER,
    PRIMARY KEY (tenant, key_id)
) STRICT, WITHOUT ROWID;

-- changed_seq: the place of the last change in the catalog's own sequence.
CREATE TABLE seller (
    tenant INTEGER NOT NULL,
    seller TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    source_version INTEGER,
    changed_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, seller)
) STRICT, WITHOUT ROWID;
CREATE INDEX seller_changed ON seller (changed_seq);

CREATE TABLE sku (
    tenant INTEGER NOT NULL,
    sku TEXT NOT NULL,
    seller TEXT NOT NULL,
    title TEXT NOT NULL,
    price INTEGER NOT NULL,
    currency TEXT NOT NULL,
    on_shelf INTEGER NOT NULL,
    quota_per_buyer INTEGER,
    version INTEGER NOT NULL,
    source_version INTEGER,
    changed_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, sku)
) STRICT, WITHOUT ROWID;
CREATE INDEX sku_changed ON sku (changed_seq);

-- Every version of every SKU, for ever: what orders were sold from.
CREATE TABLE sku_snapshot (
    tenant INTEGER NOT NULL,
    sku TEXT NOT NULL,
    version INTEGER NOT NULL,
    seller TEXT NOT NULL,
    title TEXT NOT NULL,
    price INTEGER NOT NULL,
    currency TEXT NOT NULL,
    on_shelf INTEGER NOT NULL,
    quota_per_buyer INTEGER,
    source_version INTEGER,
    PRIMARY KEY (tenant, sku, version)
) STRICT, WITHOUT ROWID;
