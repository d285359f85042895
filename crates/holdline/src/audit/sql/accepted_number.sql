-- Each number that was promised and is no order, with its submit: whether that is undecided, has ended, and whether an
-- order has the number all the same.
SELECT n.tenant, n.order_no, n.group_key,
    CAST(CASE WHEN a.group_key IS NULL THEN 0 ELSE 1 END AS bigint) AS is_undecided,
    CAST(CASE WHEN g.group_key IS NULL THEN 0 ELSE 1 END AS bigint) AS has_ended,
    CAST(CASE WHEN o.order_no IS NULL THEN 0 ELSE 1 END AS bigint) AS is_order
FROM accepted_number n
LEFT JOIN accepted_submit a ON a.tenant = n.tenant AND a.group_key = n.group_key
LEFT JOIN order_group g ON g.tenant = n.tenant AND g.group_key = n.group_key
LEFT JOIN orders o ON o.tenant = n.tenant AND o.order_no = n.order_no
