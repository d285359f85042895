-- Refunds of tenant $1 that have not succeeded and were created before $2, the oldest try first.
SELECT tenant, attempt, n, version, order_no, amount, currency, reason, note, lines, state, request, reference, error,
    created_ms, tries, next_try_ms
FROM refund
WHERE tenant = $1 AND next_try_ms IS NOT NULL AND created_ms < $2
ORDER BY next_try_ms, attempt, n
LIMIT CAST($3 AS bigint)
