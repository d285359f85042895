-- A tenant's parked events of a consumer after a place, by order and sequence.
SELECT consumer, tenant, order_no, seq, version, kind, error, attempts, parked_ms, next_try_ms
FROM parked_event
WHERE consumer = $1 AND tenant = $2 AND (order_no, seq) > ($3, $4)
ORDER BY order_no, seq
LIMIT CAST($5 AS bigint)
