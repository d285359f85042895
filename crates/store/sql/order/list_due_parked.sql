-- Parked events of a consumer that are due at an instant, the longest due first.
SELECT consumer, tenant, order_no, seq, version, kind, error, attempts, parked_ms, next_try_ms
FROM parked_event
WHERE next_try_ms IS NOT NULL AND consumer = $1 AND next_try_ms <= $2
ORDER BY next_try_ms
LIMIT CAST($3 AS bigint)
