-- Groups in the order in which they arrive, found by an index, instead of inside the tree of their keys: a key at random
-- then dirties a leaf of some 60 keys instead of one of some 19 whole rows (docs/decisions/0005-growth.md). Copies every
-- row once: about a minute for 10^7 groups, and as much room again as they take until it is done.

ALTER TABLE order_group RENAME TO order_group_by_key;
CREATE TABLE order_group (
    tenant INTEGER NOT NULL,
    group_key TEXT NOT NULL,
    content BLOB,
    buyer TEXT,
    state TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_key)
) STRICT;
INSERT INTO order_group (tenant, group_key, content, buyer, state, created_ms)
    SELECT tenant, group_key, content, buyer, state, created_ms FROM order_group_by_key ORDER BY created_ms;
DROP TABLE order_group_by_key;
