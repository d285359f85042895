-- Timers due at an instant, oldest first, from behind one of them on.
SELECT due_ms, tenant, order_no
FROM timer
WHERE due_ms <= $1
  AND (due_ms, tenant, order_no) > ($2, $3, $4)
ORDER BY due_ms, tenant, order_no
LIMIT CAST($5 AS bigint)
