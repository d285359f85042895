-- Refunds of tenant $1 that have been unsettled since $2 or longer, the longest first. The plus keeps the primary key out of
-- the plan: a tenant has far more rows than are unsettled.
SELECT tenant, attempt, n, version, order_no, amount, currency, reason, note, lines, state, request, reference, error,
    created_ms, tries, next_try_ms
FROM refund
WHERE +tenant = $1 AND next_try_ms IS NOT NULL
    AND created_ms <= $2
ORDER BY created_ms, attempt, n
LIMIT CAST($3 AS bigint)
