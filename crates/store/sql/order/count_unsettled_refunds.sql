-- Of the $3 refunds of all tenants that have been unsettled the longest by $2: how many since $1 or longer, and since when the first.
SELECT count(*) FILTER (WHERE since_ms <= $1), min(since_ms)
FROM (
    SELECT created_ms AS since_ms
    FROM refund
    WHERE next_try_ms IS NOT NULL AND created_ms <= $2
    ORDER BY created_ms
    LIMIT CAST($3 AS bigint)
) AS longest
