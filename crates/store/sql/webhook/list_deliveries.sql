-- The tries of an endpoint below a number, newest first.
SELECT no, seq, order_no, kind, attempt, status, error, at_ms, took_ms
FROM webhook_delivery
WHERE tenant = $1 AND name = $2 AND no < $3
ORDER BY no DESC
LIMIT CAST($4 AS bigint)
