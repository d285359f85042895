-- Attempts to look at by an instant, the most overdue first.
SELECT tenant, payment_no, n, version, provider, buyer, shares, amount, currency, state, request, method, return_url,
    opened_ms, deadline_ms, pay, reference, captured, captured_currency, captured_ms, attached, flag, reason, looks,
    next_look_ms
FROM payment_attempt
WHERE next_look_ms <= $1
ORDER BY next_look_ms, tenant, payment_no, n
LIMIT CAST($2 AS bigint)
