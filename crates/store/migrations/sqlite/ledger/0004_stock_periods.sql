-- Slots of time in which a SKU is sold from a stock account of its own, and movements of kind 9. A program that does not
-- know them would sell from the account without a period meanwhile: it must not write here.

-- next_period_seq: of the sequence of changes of periods.
ALTER TABLE ledger_head ADD COLUMN next_period_seq INTEGER NOT NULL DEFAULT 1;

-- start_ms, end_ms: the first instant of the period, and the first after it. rest: 'next', 'base' or 'keep'.
-- look_ms: when the rest is looked at next, the end at first; NULL: it stays. changed_seq: of the last change.
CREATE TABLE stock_period (
    tenant INTEGER NOT NULL,
    sku TEXT NOT NULL,
    channel TEXT NOT NULL,
    period TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL CHECK (end_ms > start_ms),
    rest TEXT NOT NULL CHECK (rest IN ('next', 'base', 'keep')),
    look_ms INTEGER,
    changed_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, sku, channel, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_period_look ON stock_period (look_ms) WHERE look_ms IS NOT NULL;
CREATE UNIQUE INDEX stock_period_changed ON stock_period (changed_seq);
