-- Attempts of tenant $1 with something left to do that were opened before $2, the oldest look first.
SELECT tenant, payment_no, n, version, provider, buyer, shares, amount, currency, state, request, method, return_url,
    opened_ms, deadline_ms, pay, reference, captured, captured_currency, captured_ms, attached, flag, reason, looks,
    next_look_ms
FROM payment_attempt
WHERE tenant = $1 AND next_look_ms IS NOT NULL AND opened_ms < $2
ORDER BY next_look_ms, payment_no, n
LIMIT CAST($3 AS bigint)
