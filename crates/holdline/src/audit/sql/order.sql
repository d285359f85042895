-- Each order (what = 0) with the timer of its deadline, followed by its lines (1) and its events (2).
SELECT o.tenant, o.order_no, CAST(0 AS bigint) AS what, CAST(0 AS bigint) AS n, o.goods AS i1, o.freight AS i2,
    o.discount AS i3, o.total AS i4, o.version AS i5, o.created_ms AS i6, o.pay_deadline_ms AS i7, o.ended_ms AS i8,
    t.due_ms AS i9, o.status AS t1, o.payment AS t2, o.hold AS t3, o.ended_by AS t4, o.buyer AS t5,
    o.adjustments AS t6
FROM orders o
LEFT JOIN timer t ON t.due_ms = o.pay_deadline_ms AND t.tenant = o.tenant AND t.order_no = o.order_no
UNION ALL
SELECT tenant, order_no, CAST(1 AS bigint), line_no, quantity, unit_price, total, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL
FROM order_line
UNION ALL
SELECT tenant, order_no, CAST(2 AS bigint), version, seq, at_ms, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    kind, NULL, NULL, NULL, NULL, NULL
FROM event
ORDER BY 1, 2, 3, 4
