-- Holds of outside callers. A program that does not know them would give them back as orphans: it must not write here.

-- One row per hold that an outside caller took or gave up. hold_no: NULL on a tombstone, a hold that will never be taken.
CREATE TABLE outside_hold (
    tenant INTEGER NOT NULL,
    hold_key TEXT NOT NULL,
    hold_no INTEGER,
    check_url TEXT,
    PRIMARY KEY (tenant, hold_key)
) STRICT, WITHOUT ROWID;

-- Until when each part that is still held stands. visit_ms: when the job role looks at it next. part: as in movement.
CREATE TABLE hold_deadline (
    hold_no INTEGER NOT NULL,
    part TEXT NOT NULL,
    deadline_ms INTEGER NOT NULL,
    visit_ms INTEGER NOT NULL,
    visits INTEGER NOT NULL,
    PRIMARY KEY (hold_no, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_deadline_visit ON hold_deadline (visit_ms);
