-- Each submit that was accepted and is not decided, and whether it has ended all the same.
SELECT a.tenant, a.group_key, a.order_nos, a.decide_by_ms,
    CAST(CASE WHEN g.group_key IS NULL THEN 0 ELSE 1 END AS bigint) AS has_ended
FROM accepted_submit a
LEFT JOIN order_group g ON g.tenant = a.tenant AND g.group_key = a.group_key
