-- Closings: the sums of accounts up to a point of the ledger's sequence, from which an audit may start.

-- One row per closing, 1, 2, … It covers the movements up to seq and is complete when walked_seq has come there.
-- accounts: its rows in closing_account. checksum: of these rows (domain, ledger/closing.rs).
CREATE TABLE closing (
    closing_no bigint PRIMARY KEY,
    seq bigint NOT NULL,
    at_ms bigint NOT NULL,
    walked_seq bigint NOT NULL,
    accounts bigint NOT NULL,
    checksum bigint NOT NULL
);

-- The sums of an account that changed since the closing before; its newest row has its sums. One column per kind of
-- movement; changes, flags_set, last_seq: as the account's chain of movements had them.
CREATE TABLE closing_account (
    account_no bigint NOT NULL,
    closing_no bigint NOT NULL,
    adjusted bigint NOT NULL,
    transferred bigint NOT NULL,
    shipped bigint NOT NULL,
    taken bigint NOT NULL,
    committed bigint NOT NULL,
    released bigint NOT NULL,
    unallocated bigint NOT NULL,
    changes bigint NOT NULL,
    flags_set bigint NOT NULL,
    last_seq bigint NOT NULL,
    PRIMARY KEY (account_no, closing_no)
);
