-- Slots of time in which a SKU is sold from a stock account of its own, and movements of kind 9. A program that does not
-- know them would sell from the account without a period meanwhile: it must not write here.

-- next_period_seq: of the sequence of changes of periods.
ALTER TABLE ledger_head ADD COLUMN next_period_seq bigint NOT NULL DEFAULT 1;

-- start_ms, end_ms: the first instant of the period, and the first after it. rest: 'next', 'base' or 'keep'.
-- look_ms: when the rest is looked at next, the end at first; NULL: it stays. changed_seq: of the last change.
CREATE TABLE stock_period (
    tenant bigint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    period text COLLATE "C" NOT NULL,
    start_ms bigint NOT NULL,
    end_ms bigint NOT NULL CHECK (end_ms > start_ms),
    rest text COLLATE "C" NOT NULL CHECK (rest IN ('next', 'base', 'keep')),
    look_ms bigint,
    changed_seq bigint NOT NULL,
    PRIMARY KEY (tenant, sku, channel, period)
);
CREATE INDEX stock_period_look ON stock_period (look_ms) WHERE look_ms IS NOT NULL;
CREATE UNIQUE INDEX stock_period_changed ON stock_period (changed_seq);
