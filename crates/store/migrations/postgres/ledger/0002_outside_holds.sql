-- Holds of outside callers. A program that does not know them would give them back as orphans: it must not write here.

-- One row per hold that an outside caller took or gave up. hold_no: NULL on a tombstone, a hold that will never be taken.
CREATE TABLE outside_hold (
    tenant bigint NOT NULL,
    hold_key text COLLATE "C" NOT NULL,
    hold_no bigint,
    check_url text COLLATE "C",
    PRIMARY KEY (tenant, hold_key)
);

-- Until when each part that is still held stands. visit_ms: when the job role looks at it next. part: as in movement.
CREATE TABLE hold_deadline (
    hold_no bigint NOT NULL,
    part text COLLATE "C" NOT NULL,
    deadline_ms bigint NOT NULL,
    visit_ms bigint NOT NULL,
    visits bigint NOT NULL,
    PRIMARY KEY (hold_no, part)
);
CREATE INDEX hold_deadline_visit ON hold_deadline (visit_ms);
