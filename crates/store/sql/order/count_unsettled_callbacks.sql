-- Of the $3 callbacks of all tenants that have been unsettled the longest by $2: how many since $1 or longer, and since when the first.
SELECT count(*) FILTER (WHERE since_ms <= $1), min(since_ms)
FROM (
    SELECT received_ms AS since_ms
    FROM payment_callback
    WHERE state <> 'done' AND received_ms <= $2
    ORDER BY received_ms
    LIMIT CAST($3 AS bigint)
) AS longest
