-- Events after a place in the feed, oldest first.
SELECT seq, tenant, order_no, seller, version, kind, at_ms
FROM event
WHERE seq > $1
ORDER BY seq
LIMIT CAST($2 AS bigint)
