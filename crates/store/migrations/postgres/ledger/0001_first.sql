-- The ledger of holds. Every writer takes the head row first. Tables in arrival order (bigint PRIMARY KEY) cost few
-- pages per batch; what is in random order is kept small.

-- open_holds: how many holds have a part that is still held.
CREATE TABLE ledger_head (
    id bigint PRIMARY KEY CHECK (id = 1),
    min_writer bigint NOT NULL,
    next_seq bigint NOT NULL,
    next_account_no bigint NOT NULL,
    reaper_cursor bigint NOT NULL,
    open_holds bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ledger_head (id, min_writer, next_seq, next_account_no, reaper_cursor, open_holds) VALUES (1, 1, 1, 1, 0, 0);

-- kind: 0 stock, 1 quota. Texts that do not apply are ''.
-- last_seq: the newest movement; the movements of an account are a chain (movement.prev_seq), so that listing them
-- needs no index that every hold would have to write.
CREATE TABLE account (
    account_no bigint PRIMARY KEY,
    tenant bigint NOT NULL,
    kind bigint NOT NULL CHECK (kind IN (0, 1)),
    sku text COLLATE "C" NOT NULL,
    location text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    period text COLLATE "C" NOT NULL,
    buyer text COLLATE "C" NOT NULL,
    on_hand bigint NOT NULL,
    held bigint NOT NULL CHECK (held >= 0),
    allocated bigint NOT NULL CHECK (allocated >= 0),
    version bigint NOT NULL,
    last_seq bigint NOT NULL,
    infinite bigint NOT NULL,
    shortage_max bigint NOT NULL,
    sold_out bigint NOT NULL,
    danger_level bigint
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX account_key ON account (tenant, sku, kind, buyer, location, channel, period);

-- hold_no: the sequence of the hold's first movement. format: of the three JSON texts (see ledger/stored.rs).
CREATE TABLE hold (
    hold_no bigint PRIMARY KEY,
    tenant bigint NOT NULL,
    hold_key text COLLATE "C" NOT NULL,
    n bigint NOT NULL,
    content bytea NOT NULL,
    format bigint NOT NULL,
    order_nos text COLLATE "C" NOT NULL,
    parts text COLLATE "C" NOT NULL,
    lines text COLLATE "C" NOT NULL,
    taken_ms bigint NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX hold_key ON hold (tenant, hold_key, n);

-- kind: the code of MovementKind. part: 'g' (group) or 's:' and the seller. prev_seq: the account's movement before
-- this one, 0 for its first.
CREATE TABLE movement (
    seq bigint PRIMARY KEY,
    tenant bigint NOT NULL,
    account_no bigint NOT NULL,
    prev_seq bigint NOT NULL,
    kind bigint NOT NULL,
    quantity bigint NOT NULL,
    hold_no bigint,
    part text COLLATE "C",
    reference text COLLATE "C",
    at_ms bigint NOT NULL
);

-- What a reference was used for on an account.
CREATE TABLE reference (
    tenant bigint NOT NULL,
    account_no bigint NOT NULL,
    reference text COLLATE "C" NOT NULL,
    kind bigint NOT NULL,
    quantity bigint NOT NULL,
    PRIMARY KEY (tenant, account_no, reference)
);
