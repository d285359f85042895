-- The ledger of holds. Every writer takes the head row first. Tables in arrival order (INTEGER PRIMARY KEY) cost few
-- pages per batch; what is in random order is kept small.

-- open_holds: how many holds have a part that is still held.
CREATE TABLE ledger_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    min_writer INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    next_account_no INTEGER NOT NULL,
    reaper_cursor INTEGER NOT NULL,
    open_holds INTEGER NOT NULL
) STRICT;
INSERT INTO ledger_head (id, min_writer, next_seq, next_account_no, reaper_cursor, open_holds) VALUES (1, 1, 1, 1, 0, 0);

-- kind: 0 stock, 1 quota. Texts that do not apply are ''.
-- last_seq: the newest movement; the movements of an account are a chain (movement.prev_seq), so that listing them
-- needs no index that every hold would have to write.
CREATE TABLE account (
    account_no INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
    sku TEXT NOT NULL,
    location TEXT NOT NULL,
    channel TEXT NOT NULL,
    period TEXT NOT NULL,
    buyer TEXT NOT NULL,
    on_hand INTEGER NOT NULL,
    held INTEGER NOT NULL CHECK (held >= 0),
    allocated INTEGER NOT NULL CHECK (allocated >= 0),
    version INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    infinite INTEGER NOT NULL,
    shortage_max INTEGER NOT NULL,
    sold_out INTEGER NOT NULL,
    danger_level INTEGER
) STRICT;
CREATE UNIQUE INDEX account_key ON account (tenant, sku, kind, buyer, location, channel, period);

-- hold_no: the sequence of the hold's first movement. format: of the three JSON texts (see ledger/stored.rs).
CREATE TABLE hold (
    hold_no INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    hold_key TEXT NOT NULL,
    n INTEGER NOT NULL,
    content BLOB NOT NULL,
    format INTEGER NOT NULL,
    order_nos TEXT NOT NULL,
    parts TEXT NOT NULL,
    lines TEXT NOT NULL,
    taken_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX hold_key ON hold (tenant, hold_key, n);

-- kind: the code of MovementKind. part: 'g' (group) or 's:' and the seller. prev_seq: the account's movement before
-- this one, 0 for its first.
CREATE TABLE movement (
    seq INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    account_no INTEGER NOT NULL,
    prev_seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    hold_no INTEGER,
    part TEXT,
    reference TEXT,
    at_ms INTEGER NOT NULL
) STRICT;

-- What a reference was used for on an account.
CREATE TABLE reference (
    tenant INTEGER NOT NULL,
    account_no INTEGER NOT NULL,
    reference TEXT NOT NULL,
    kind INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (tenant, account_no, reference)
) STRICT, WITHOUT ROWID;
