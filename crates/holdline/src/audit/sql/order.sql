-- Each order (what = 0) with the timer that looks at it next, followed by its lines (1) and its events (2).
SELECT o.tenant, o.order_no, CAST(0 AS bigint) AS what, CAST(0 AS bigint) AS n, o.goods AS i1, o.freight AS i2,
    o.discount AS i3, o.total AS i4, o.version AS i5, o.created_ms AS i6, o.pay_deadline_ms AS i7, o.ended_ms AS i8,
    t.due_ms AS i9, o.captured AS i10, o.refunding AS i11, o.refunded AS i12, o.delivered_ms AS i13,
    o.completed_ms AS i14, o.hold_until_ms AS i15, o.status AS t1, o.payment AS t2, o.hold AS t3, o.ended_by AS t4,
    o.buyer AS t5, o.adjustments AS t6, o.attempt AS t7
FROM orders o
LEFT JOIN timer t ON t.tenant = o.tenant AND t.order_no = o.order_no AND t.due_ms =
    CASE WHEN o.hold = 'held' AND o.hold_until_ms < o.pay_deadline_ms THEN o.hold_until_ms ELSE o.pay_deadline_ms END
UNION ALL
SELECT tenant, order_no, CAST(1 AS bigint), line_no, quantity, unit_price, total, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM order_line
UNION ALL
SELECT tenant, order_no, CAST(2 AS bigint), version, seq, at_ms, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, kind, NULL, NULL, NULL, NULL, NULL, NULL
FROM event
ORDER BY 1, 2, 3, 4
