-- Promised submits that have not ended, oldest first.
SELECT format, request, buyer, content, order_nos, accepted_ms, decide_by_ms
FROM accepted_submit
ORDER BY accepted_ms
LIMIT CAST($1 AS bigint)
