-- Of the $3 attempts of all tenants that have been unsettled the longest by $2: how many since $1 or longer, and since when the first.
SELECT count(*) FILTER (WHERE since_ms <= $1), min(since_ms)
FROM (
    SELECT COALESCE(captured_ms, CASE WHEN flag IS NULL THEN deadline_ms ELSE opened_ms END) AS since_ms
    FROM payment_attempt
    WHERE next_look_ms IS NOT NULL AND COALESCE(captured_ms, CASE WHEN flag IS NULL THEN deadline_ms ELSE opened_ms END) <= $2
    ORDER BY COALESCE(captured_ms, CASE WHEN flag IS NULL THEN deadline_ms ELSE opened_ms END)
    LIMIT CAST($3 AS bigint)
) AS longest
