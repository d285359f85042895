-- Periods of which the last change came after a place in their sequence, in its order.
SELECT tenant, sku, channel, period, start_ms, end_ms, rest, changed_seq
FROM stock_period
WHERE changed_seq > $1
ORDER BY changed_seq
LIMIT CAST($2 AS bigint)
