-- Closings: the sums of accounts up to a point of the ledger's sequence, from which an audit may start.

-- One row per closing, 1, 2, … It covers the movements up to seq and is complete when walked_seq has come there.
-- accounts: its rows in closing_account. checksum: of these rows (domain, ledger/closing.rs).
CREATE TABLE closing (
    closing_no INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    walked_seq INTEGER NOT NULL,
    accounts INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- The sums of an account that changed since the closing before; its newest row has its sums. One column per kind of
-- movement; changes, flags_set, last_seq: as the account's chain of movements had them.
CREATE TABLE closing_account (
    account_no INTEGER NOT NULL,
    closing_no INTEGER NOT NULL,
    adjusted INTEGER NOT NULL,
    transferred INTEGER NOT NULL,
    shipped INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    released INTEGER NOT NULL,
    unallocated INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    flags_set INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (account_no, closing_no)
) STRICT, WITHOUT ROWID;
