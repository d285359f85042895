-- Each attempt to pay (what = 0), followed by the orders that name it (1) and the refunds of its money (2).
SELECT tenant, payment_no || '-' || CAST(n AS text) AS attempt, CAST(0 AS bigint) AS what, CAST('' AS text) AS order_no,
    CAST(0 AS bigint) AS n, amount AS i1, captured AS i2, attached AS i3, captured_ms AS i4, opened_ms AS i5,
    deadline_ms AS i6, next_look_ms AS i7, state AS t1, currency AS t2, captured_currency AS t3, shares AS t4,
    flag AS t5
FROM payment_attempt
UNION ALL
SELECT tenant, attempt, CAST(1 AS bigint), order_no, CAST(0 AS bigint), captured, refunding, refunded, pay_deadline_ms,
    NULL, NULL, NULL, status, currency, payment, NULL, NULL
FROM orders
WHERE attempt IS NOT NULL
UNION ALL
SELECT tenant, attempt, CAST(2 AS bigint), coalesce(order_no, ''), n, amount, next_try_ms, NULL, NULL, NULL, NULL, NULL,
    state, currency, NULL, NULL, NULL
FROM refund
ORDER BY 1, 2, 3, 4, 5
