-- Callbacks of tenant $1 that are not done and came before $2, the oldest first.
SELECT tenant, provider, event_id, received_ms, headers, body, state, note, tries, next_try_ms
FROM payment_callback
WHERE tenant = $1 AND state <> 'done' AND received_ms < $2
ORDER BY received_ms, provider, event_id
LIMIT CAST($3 AS bigint)
