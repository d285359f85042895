-- Attempts of tenant $1 that have been unsettled since $2 or longer, the longest first. The plus keeps the primary key out of
-- the plan: a tenant has far more rows than are unsettled.
SELECT tenant, payment_no, n, version, provider, buyer, shares, amount, currency, state, request, method, return_url,
    opened_ms, deadline_ms, pay, reference, captured, captured_currency, captured_ms, attached, flag, reason, looks,
    next_look_ms
FROM payment_attempt
WHERE +tenant = $1 AND next_look_ms IS NOT NULL
    AND COALESCE(captured_ms, CASE WHEN flag IS NULL THEN deadline_ms ELSE opened_ms END) <= $2
ORDER BY COALESCE(captured_ms, CASE WHEN flag IS NULL THEN deadline_ms ELSE opened_ms END), payment_no, n
LIMIT CAST($3 AS bigint)
