-- Refunds to send or ask for by an instant, the most overdue first.
SELECT tenant, attempt, n, version, order_no, amount, currency, reason, note, lines, state, request, reference, error,
    created_ms, tries, next_try_ms
FROM refund
WHERE next_try_ms <= $1
ORDER BY next_try_ms, tenant, attempt, n
LIMIT CAST($2 AS bigint)
