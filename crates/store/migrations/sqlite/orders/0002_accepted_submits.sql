-- Submits that were answered before they were decided. A program that does not know them would give their orders other
-- numbers than their clients were told: it must not write here.

-- Until the submit has ended. order_nos, request: JSON in `format` (see order/accepted.rs).
CREATE TABLE accepted_submit (
    tenant INTEGER NOT NULL,
    group_key TEXT NOT NULL,
    buyer TEXT NOT NULL,
    content BLOB NOT NULL,
    format INTEGER NOT NULL,
    order_nos TEXT NOT NULL,
    request TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    decide_by_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX accepted_submit_age ON accepted_submit (accepted_ms);

-- Numbers that were promised and are no orders: not yet, or never. For ever, so that whoever asks by number is told why.
CREATE TABLE accepted_number (
    tenant INTEGER NOT NULL,
    order_no TEXT NOT NULL,
    group_key TEXT NOT NULL,
    PRIMARY KEY (tenant, order_no)
) STRICT, WITHOUT ROWID;
