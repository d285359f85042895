-- Each order group (what = 0), its orders with their lines (1), and what became of their goods (2): shipments, refunds
-- that take units off, returns that came back; there, line_no is their number, state their units, seller what they are.
-- first_seq and last_seq: the order's first event and its newest one, as far as they lie at or after $1. The plus keeps
-- SQLite from reading the orders in the order of their buyers, which is no order on disk.
SELECT g.tenant, g.group_key, CAST(0 AS bigint) AS what, CAST('' AS text) AS order_no, CAST(0 AS bigint) AS line_no,
    g.buyer, g.state, CAST('' AS text) AS seller, CAST(0 AS bigint) AS hold_n, CAST(NULL AS text) AS sku,
    CAST(0 AS bigint) AS quantity, CAST(NULL AS bigint) AS first_seq, CAST(NULL AS bigint) AS last_seq,
    CAST(NULL AS text) AS hold, CAST(NULL AS bigint) AS captured, CAST(NULL AS bigint) AS total
FROM order_group g
UNION ALL
SELECT +o.tenant, o.group_key, CAST(1 AS bigint), o.order_no, l.line_no, o.buyer, o.status, o.seller, o.hold_n, l.sku,
    l.quantity, e.first_seq, e.last_seq, o.hold, o.captured, o.total
FROM orders o
LEFT JOIN order_line l ON l.tenant = o.tenant AND l.order_no = o.order_no
LEFT JOIN (
    SELECT tenant, order_no, max(CASE WHEN version = 1 THEN seq END) AS first_seq, max(seq) AS last_seq
    FROM event
    WHERE seq >= $1
    GROUP BY tenant, order_no
) e ON e.tenant = o.tenant AND e.order_no = o.order_no
UNION ALL
SELECT o.tenant, o.group_key, CAST(2 AS bigint), o.order_no, s.n, NULL, s.lines, CAST('shipment' AS text),
    CAST(0 AS bigint), NULL, CAST(0 AS bigint), NULL, NULL, NULL, NULL, NULL
FROM shipment s
JOIN orders o ON o.tenant = s.tenant AND o.order_no = s.order_no
UNION ALL
SELECT o.tenant, o.group_key, CAST(2 AS bigint), o.order_no, r.n, NULL, r.lines, CAST('refund' AS text),
    CAST(0 AS bigint), NULL, CAST(0 AS bigint), NULL, NULL, NULL, NULL, NULL
FROM refund r
JOIN orders o ON o.tenant = r.tenant AND o.order_no = r.order_no
WHERE r.lines IS NOT NULL
UNION ALL
SELECT o.tenant, o.group_key, CAST(2 AS bigint), o.order_no, b.n, NULL, b.restocked, CAST('return' AS text),
    CAST(0 AS bigint), NULL, CAST(0 AS bigint), NULL, NULL, NULL, NULL, NULL
FROM goods_return b
JOIN orders o ON o.tenant = b.tenant AND o.order_no = b.order_no
WHERE b.state = 'received'
ORDER BY 1, 2, 3, 4, 5
