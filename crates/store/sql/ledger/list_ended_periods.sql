-- Ended periods whose rest is to be looked at by $1, the most overdue first, each with the one that starts next.
SELECT p.tenant, p.sku, p.channel, p.period, p.start_ms, p.end_ms, p.rest, p.look_ms,
    (SELECT n.period FROM stock_period n
     WHERE n.tenant = p.tenant AND n.sku = p.sku AND n.channel = p.channel AND n.start_ms >= p.end_ms
     ORDER BY n.start_ms LIMIT 1) AS next_period
FROM stock_period p
WHERE p.look_ms <= $1
ORDER BY p.look_ms
LIMIT CAST($2 AS bigint)
