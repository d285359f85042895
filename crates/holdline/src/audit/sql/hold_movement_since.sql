-- Each hold (what = 0) that was taken or moved after $1, followed by its movements after $1 (what = 1) in their order.
SELECT hold_no, CAST(0 AS bigint) AS what, CAST(0 AS bigint) AS seq, tenant, format, CAST(0 AS bigint) AS account_no,
    CAST(0 AS bigint) AS quantity, parts AS part, lines
FROM hold
WHERE hold_no > $1
UNION ALL
SELECT hold_no, CAST(0 AS bigint) AS what, CAST(0 AS bigint) AS seq, tenant, format, CAST(0 AS bigint) AS account_no,
    CAST(0 AS bigint) AS quantity, parts AS part, lines
FROM hold
WHERE hold_no IN (SELECT m.hold_no FROM movement m WHERE m.seq > $1 AND m.hold_no <= $1)
UNION ALL
SELECT hold_no, CAST(1 AS bigint) AS what, seq, tenant, kind, account_no, quantity, part, CAST(NULL AS text) AS lines
FROM movement
WHERE hold_no IS NOT NULL AND seq > $1
ORDER BY 1, 2, 3
