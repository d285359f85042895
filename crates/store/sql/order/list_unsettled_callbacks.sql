-- Callbacks of tenant $1 that have been unsettled since $2 or longer, the longest first. The plus keeps the primary key out of
-- the plan: a tenant has far more rows than are unsettled.
SELECT tenant, provider, event_id, received_ms, headers, body, state, note, tries, next_try_ms
FROM payment_callback
WHERE +tenant = $1 AND state <> 'done'
    AND received_ms <= $2
ORDER BY received_ms, provider, event_id
LIMIT CAST($3 AS bigint)
