-- Holds after a number, oldest first.
SELECT hold_no, tenant, hold_key, n, content, format, order_nos, parts, lines, taken_ms
FROM hold
WHERE hold_no > $1
ORDER BY hold_no
LIMIT CAST($2 AS bigint)
