-- Submits that were answered before they were decided. A program that does not know them would give their orders other
-- numbers than their clients were told: it must not write here.

-- Until the submit has ended. order_nos, request: JSON in `format` (see order/accepted.rs).
CREATE TABLE accepted_submit (
    tenant bigint NOT NULL,
    group_key text COLLATE "C" NOT NULL,
    buyer text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    format bigint NOT NULL,
    order_nos text COLLATE "C" NOT NULL,
    request text COLLATE "C" NOT NULL,
    accepted_ms bigint NOT NULL,
    decide_by_ms bigint NOT NULL,
    PRIMARY KEY (tenant, group_key)
);
CREATE INDEX accepted_submit_age ON accepted_submit (accepted_ms);

-- Numbers that were promised and are no orders: not yet, or never. For ever, so that whoever asks by number is told why.
CREATE TABLE accepted_number (
    tenant bigint NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    group_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, order_no)
);
