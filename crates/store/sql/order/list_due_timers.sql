-- Timers due at an instant, oldest first.
SELECT due_ms, tenant, order_no
FROM timer
WHERE due_ms <= $1
ORDER BY due_ms, tenant, order_no
LIMIT CAST($2 AS bigint)
