-- Callbacks to act on by an instant, the most overdue first.
SELECT tenant, provider, event_id, received_ms, headers, body, state, note, tries, next_try_ms
FROM payment_callback
WHERE next_try_ms <= $1
ORDER BY next_try_ms, tenant, provider, event_id
LIMIT CAST($2 AS bigint)
